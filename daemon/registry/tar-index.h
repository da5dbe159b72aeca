/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the files lie in a tar file, found once by its headers alone, so that they can be read in any order and at once. ustar,
 * with the extensions of pax (POSIX.1-2001: path, linkpath, size) and GNU (long names, sizes in base 256). All of it is hostile. */

#include "extent.h"

typedef struct ScTarIndex ScTarIndex;

/* fd: a regular file, which stays the caller's and must outlive the index. Corrupt, naming the entry: paths that are absolute or
 * climb, a name twice, entries that reach behind the file's end, a tar file that ends before its end mark, sparse files;
 * Unsupported for one that is compressed. Folders, devices and the like are left out. */
ScTarIndex *sc_tar_index_new(int fd, GCancellable *cancellable, GError **error);
/* Fills the file while it is looked at, from front to back; its end is not known before. What is passed over may be left out. */
typedef struct {
        bool (*fill)(gpointer data, guint64 offset, guint64 size, GError **error);
        gpointer data;
} ScTarFeed;
/* The same of such a file. */
ScTarIndex *sc_tar_index_new_fed(int fd, const ScTarFeed *feed, GCancellable *cancellable, GError **error);
void sc_tar_index_free(ScTarIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTarIndex, sc_tar_index_free)

/* Links are followed, within the archive. NotFound; Corrupt for links that climb or go round. */
bool sc_tar_index_find(const ScTarIndex *index, const char *name, ScExtent *ret, GError **error);
