/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The tree that a layer's tar describes, grown entry by entry. Whiteouts (.wh.NAME) are files like others here: it is the merge of
 * layers that heeds them. */

#include "node.h"
#include "tar.h"

/* Puts an entry into the tree, taking a folder's metadata out of it; `file` is what a file's node shall point to. The last
 * entry of a name wins; folders that no entry named are implied. Corrupt, naming the entry: one below a symlink or another
 * thing that is no folder; a hardlink to what is not there or a folder; a root that is no folder.
 *
 * *room: bytes of memory that the tree may still take, of which each name takes what it is reckoned to cost (implied folders, too:
 * a single path may name two thousand); InvalidArgument where too little is left. */
bool sc_layer_tree_add(ScNode *root, ScTarEntry *entry, gconstpointer file, guint64 *room, GError **error);
