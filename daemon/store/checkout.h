/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/report.h"
#include "merge.h"

/* Puts the tree into an empty folder, which becomes its root: folders made, each file hardlinked once (copied where an object has
 * no link left to give), owners, modes and extended attributes of folders right, times of folders 0. Uses up to two threads.
 * Advances the report by files. Nothing is synced: the caller does. The folder must be on the repository's file system; nobody but
 * its owner is let into it before it is whole. */
bool sc_tree_checkout(const ScTree *tree, int dir_fd, ScReport *report, GCancellable *cancellable, GError **error);
