/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The layers of an image merged in memory into the tree that a container sees: upper over lower, whiteouts (.wh.NAME) and opaque
 * folders (.wh..wh..opq) applied as the OCI image specification has them (layer.md). A folder has mode, owner and extended
 * attributes of the topmost layer that names it. */

#include "base/image-info.h"
#include "node.h"
#include "repository.h"

typedef struct ScTree ScTree;

/* The repository must outlive the tree. A layer that is not here is NotFound. */
ScTree *sc_tree_merge(ScRepository *repository, GPtrArray *layers /* ScLayerInfo, lowest first */, GCancellable *cancellable,
                      GError **error);
/* The same, but of the root's folders only this one is filled: for who reads a few files. A path that meets a symlink may be told
 * that there is nothing where there is something: then the tree has strayed, and the whole one is needed. */
ScTree *sc_tree_merge_folder(ScRepository *repository, GPtrArray *layers, const char *folder /* must outlive the tree */,
                             GCancellable *cancellable, GError **error);
bool sc_tree_has_strayed(const ScTree *tree);
void sc_tree_free(ScTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTree, sc_tree_free)

/* The root folder is not counted. */
guint64 sc_tree_files(const ScTree *tree);
guint64 sc_tree_folders(const ScTree *tree);

/* Reads a regular file of the tree without checking it out; symlinks are followed, and lead nowhere outside of it. NotFound where
 * there is none; longer than max is Corrupt. Zero-terminated behind *ret_size (may be NULL). */
bool sc_tree_read(const ScTree *tree, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error);
/* Names in a folder, sorted; an empty vector where there is no such folder. */
char **sc_tree_list(const ScTree *tree, const char *path);

/* For the checkout: file nodes point to the ScDigest of their object. */
const ScNode *sc_tree_root(const ScTree *tree);
ScRepository *sc_tree_repository(const ScTree *tree);
