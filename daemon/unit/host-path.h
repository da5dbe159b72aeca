/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Walking to a place on the host as root. Folders on the way may belong to users, who must not be able to lead us elsewhere: a
 * symlink is followed only if it and the folder that it lies in belong to root (or to us) and nobody else can write there, as it is
 * with the links of the merged /usr. */

#include <glib.h>
#include <stdbool.h>

typedef enum {
        SC_HOST_PARENT_LOOK,
        SC_HOST_PARENT_MAKE, /* missing folders are made (0755 but for the umask), each synced into its parent */
} ScHostParent;

/* Opens the folder that the last component of path (clean, absolute, from root_fd) lies in: 1 and *ret_fd, 0 if it is
 * missing (only LOOK), -1 with an error (AccessDenied: a symlink that is not to be followed). */
int sc_host_parent_open(int root_fd, const char *path, ScHostParent mode, int *ret_fd, GError **error);
