/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Trees in memory as OSTree's metadata objects, serialised GVariants whose id is their sha256 (formats: ostree-core.h,
 * OSTREE_TREE_GVARIANT_FORMAT, OSTREE_DIRMETA_GVARIANT_FORMAT, OSTREE_COMMIT_GVARIANT_FORMAT). They go through the staging folder
 * as files do, and not through a libostree transaction, which syncs each of the 256 folders of objects/ for itself, and charges
 * what is there already against min-free-space. */

#include "node.h"
#include "staging.h"

/* The commit metadata key, type aay: paths of the folders of a layer that no entry of its tar named. Their mode and owner say
 * nothing: in a merge a lower layer's count. */
#define SC_COMMIT_IMPLIED "sysconsd.implied"

/* Writes what makes a commit of a tree, adding folders and their metadata to `objects`. Each file node's `file` is the ScDigest of
 * an object. metadata: a{sv}, is ended. The commit itself, which must not be moved before all that it names. */
ScStagedObject *sc_commit_write(ScStaging *staging, const ScNode *root, GVariantDict *metadata, GPtrArray *objects, GError **error);

/* A commit that is made already, such as an old one with more metadata: (a{sv}aya(say)sstayay). */
ScStagedObject *sc_commit_write_variant(ScStaging *staging, GVariant *commit, GError **error);
