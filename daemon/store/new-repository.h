/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A repository that is there as a whole or not at all, and durable: made under a hidden name, synced, renamed. */

#include <glib.h>
#include <ostree.h>
#include <stdbool.h>

/* At the path and with the folders that lead there, if there is none; several processes at once make one. A folder that is there
 * (an administrator may have made it, mounted something, or a process of old may have been killed in here) is made one in place. */
bool sc_new_repository_make(const char *path, OstreeRepoMode mode, GError **error);
