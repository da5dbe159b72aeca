/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The layers of an image merged in memory into the tree that a container sees: upper over lower, whiteouts (.wh.NAME) and
 * opaque folders (.wh..wh..opq) applied as the OCI image specification has them (layer.md). */

#include "base/image-info.h"
#include "base/report.h"
#include "repository.h"

typedef struct ScTree ScTree;

ScTree *sc_tree_merge(ScRepository *repository, GPtrArray *layers /* ScLayerInfo, lowest first */, GCancellable *cancellable, GError **error);
void sc_tree_free(ScTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTree, sc_tree_free)

guint64 sc_tree_files(const ScTree *tree);
guint64 sc_tree_folders(const ScTree *tree);

/* Reads a regular file of the tree without checking it out; symlinks are not followed. NotFound where there is none. */
bool sc_tree_read(const ScTree *tree, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error);
/* Names in a folder, sorted; an empty vector where there is no such folder. */
char **sc_tree_list(const ScTree *tree, const char *path);

/* Puts the tree into an empty folder: folders made, each file hardlinked once, owners, modes and extended attributes of folders right. Uses up to
 * two threads. Advances the report by files. Nothing is synced: the caller does. */
bool sc_tree_checkout(const ScTree *tree, int dir_fd, ScReport *report, GCancellable *cancellable, GError **error);
