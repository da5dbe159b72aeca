/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CHECKOUT/.sysconsd/run/ID: what a command needs that runs once, by the id that its unit (ID.service) and its container have, too.
 * What it runs on, where that is a deployment, is the symlink `deployment` in
 * it, to NAME.N. A worker holds the folder's lock as long as it looks after the command; a folder that nobody holds was abandoned.
 */

#include "base/config.h"

#define SC_RUN_DIR ".sysconsd/run"

/* Makes the folder (0700) and takes its lock, which ends with *ret_lock_fd. Returns its descriptor, -1 on error; Exists. */
int sc_run_folder_new(int checkout_fd, const char *id, int *ret_lock_fd, GError **error);
bool sc_run_folder_remove(int checkout_fd, const char *id, GError **error);
/* Ids of abandoned folders, NULL-terminated; free with g_strfreev. */
char **sc_run_folder_abandoned(int checkout_fd, GError **error);
/* Records that the command runs on the files of a deployment, NAME.N. */
bool sc_run_folder_pin(int folder_fd, const char *deployment, GError **error);
/* The id of a command that somebody looks after and that runs on the files of this deployment, newly allocated; NULL: there is
 * none. */
bool sc_run_folder_user(int checkout_fd, const char *deployment, char **ret, GError **error);
/* Whether there is any folder, abandoned or not. */
bool sc_run_folder_any(int checkout_fd);
