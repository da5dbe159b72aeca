/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs, by the files that hold them. Each parses its own options from argv (argv[0] is its name). */

#include "client.h"

/* images.c */
bool sc_verb_pull(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_images(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_info(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_delete_image(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_tag(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_verify(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_version(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_update_image(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_prune(ScClient *client, int argc, char **argv, GError **error);

/* containers.c */
bool sc_verb_list(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_values(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_start(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_stop(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_restart(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_rollback(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_uninstall(ScClient *client, int argc, char **argv, GError **error);

/* deploy.c */
bool sc_verb_install(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_update(ScClient *client, int argc, char **argv, GError **error);

/* command.c */
bool sc_verb_run(ScClient *client, int argc, char **argv, GError **error);

/* jobs.c */
bool sc_verb_jobs(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_wait(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_cancel(ScClient *client, int argc, char **argv, GError **error);

/* login.c */
bool sc_verb_login(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_logout(ScClient *client, int argc, char **argv, GError **error);

/* mount.c */
bool sc_verb_mount(ScClient *client, int argc, char **argv, GError **error);
bool sc_verb_umount(ScClient *client, int argc, char **argv, GError **error);

/* plan.c */
bool sc_verb_plan(ScClient *client, int argc, char **argv, GError **error);

/* trust.c */
bool sc_verb_trust(ScClient *client, int argc, char **argv, GError **error);

/* show.c */
bool sc_verb_show(ScClient *client, int argc, char **argv, GError **error);
