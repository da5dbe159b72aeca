/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The client as `atomic`: the grammar, the output and the exit codes of that command, on the same bus calls. */

#include "client.h"

/* argv[0] is the program. */
bool sc_atomic_run(ScClient *client, int argc, char **argv, GError **error);
/* Its exit code: atomic knew 1, and 2 for a wrong usage or an answer that was no; an interruption keeps its own. */
int sc_atomic_exit_code(const GError *error);

/* Verbs of its own, as sc_verb_... are; argv[0] is all words of the verb. */

/* atomic-list.c */
bool sc_atomic_images_list(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_containers_list(ScClient *client, int argc, char **argv, GError **error);

/* atomic-images.c */
bool sc_atomic_images_tag(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_images_verify(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_images_update(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_images_version(ScClient *client, int argc, char **argv, GError **error);

/* atomic-run.c */
bool sc_atomic_run_verb(ScClient *client, int argc, char **argv, GError **error);

/* atomic-delete.c */
bool sc_atomic_images_delete(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_containers_delete(ScClient *client, int argc, char **argv, GError **error);

/* atomic-trust.c */
bool sc_atomic_trust_show(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_trust_add(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_trust_delete(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_trust_default(ScClient *client, int argc, char **argv, GError **error);

/* atomic-containers.c */
bool sc_atomic_install(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_containers_update(ScClient *client, int argc, char **argv, GError **error);
bool sc_atomic_containers_rollback(ScClient *client, int argc, char **argv, GError **error);
