/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One function an operation, each in the file of its name; op.c lists them. */

#include "op.h"

bool sc_op_pull(ScOpContext *context, GError **error);
bool sc_op_install(ScOpContext *context, GError **error);
bool sc_op_update(ScOpContext *context, GError **error);
bool sc_op_rollback(ScOpContext *context, GError **error);
bool sc_op_uninstall(ScOpContext *context, GError **error);
bool sc_op_recover(ScOpContext *context, GError **error);
bool sc_op_run(ScOpContext *context, GError **error);
bool sc_op_start(ScOpContext *context, GError **error);
bool sc_op_stop(ScOpContext *context, GError **error);
bool sc_op_restart(ScOpContext *context, GError **error);
bool sc_op_mount(ScOpContext *context, GError **error);
bool sc_op_unmount(ScOpContext *context, GError **error);
bool sc_op_plan(ScOpContext *context, GError **error);
bool sc_op_prune(ScOpContext *context, GError **error);
bool sc_op_describe(ScOpContext *context, GError **error);
bool sc_op_delete_image(ScOpContext *context, GError **error);
bool sc_op_check_login(ScOpContext *context, GError **error);
bool sc_op_tag_image(ScOpContext *context, GError **error);
bool sc_op_set_policy(ScOpContext *context, GError **error);
/* What a set-policy that was killed has left: a part of its recovery. */
bool sc_set_policy_recover(const ScOpContext *context, GError **error);
bool sc_op_verify(ScOpContext *context, GError **error);
