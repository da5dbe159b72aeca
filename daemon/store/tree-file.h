/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a merged tree holds, looked at in the repository: nothing is checked out. Paths are relative, without "." and "..", "" is
 * the root; symlinks are not followed. */

#include "merge.h"
#include <sys/stat.h>

/* Mode with its type, owner and size (0 for a folder); the rest of *ret is zero. *ret_link: the target of a symlink, newly
 * allocated, else NULL. NotFound; what was not stored (a device node) is NotFound, too. */
bool sc_tree_look(const ScTree *tree, const char *path, struct stat *ret, char **ret_link, GError **error);
/* A regular file, for reading; -1 on error. */
int sc_tree_open(const ScTree *tree, const char *path, GError **error);

/* A program that gets rights from its file: set-user-ID, set-group-ID, or file capabilities. */
typedef struct {
        char *path; /* absolute, as in the container */
        guint32 mode;
        guint32 uid;
        guint32 gid;
        bool capabilities;
} ScPrivilegedFile;
/* All of them, sorted by path. */
GPtrArray *sc_tree_privileged_files(const ScTree *tree, GCancellable *cancellable, GError **error);
