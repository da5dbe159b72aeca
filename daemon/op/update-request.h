/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an update is asked for: the same for the update itself and for the plan of one. */

#include "op.h"
#include "store/deployment.h"

/* The container of the context's subject, if it is one that can be updated. */
ScDeployment *sc_update_find(ScOpContext *context, GError **error);

/* What the user set, apart from defaults: before the update, and with what this one sets and takes back. New tables. */
GHashTable *sc_update_values_before(ScOpContext *context, int checkout_fd, const ScDeployment *deployment, GError **error);
GHashTable *sc_update_values(ScOpContext *context, int checkout_fd, const ScDeployment *deployment, GError **error);
bool sc_update_values_are_same(GHashTable *a, GHashTable *b);

/* Whether its host files go on as a system package: "yes" or "no". */
const char *sc_update_package_wish(const ScInfo *info);
