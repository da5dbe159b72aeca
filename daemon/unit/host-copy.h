/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One file, symlink or folder of an image put on the host, durably and in one step. */

#include "hostfiles.h"

typedef enum {
        SC_HOST_COPY_NEW,       /* Exists if the name is taken */
        SC_HOST_COPY_REPLACE,   /* something of the same kind (folder or not) may be there */
        SC_HOST_COPY_MAKE_ROOM, /* the same; where there is no space beside it, it goes first */
} ScHostCopyFlags;

/* text: content to write instead of the source's; NULL: the source is copied, sharing its blocks where the file system can. Owner,
 * mode and extended attributes (file capabilities, labels) are the source's. */
bool sc_host_copy(int hostfs_fd, const ScHostFile *file, const char *text, int parent_fd, const char *name, ScHostCopyFlags flags,
                  GError **error);

/* Removes what a copy to this name left when its process was killed. */
bool sc_host_copy_sweep(int parent_fd, const char *name, GError **error);

bool sc_host_folder_is_empty(int parent_fd, const char *name);
