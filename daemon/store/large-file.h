/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file that is too large for memory on its way to become an object. Its name is known only at its end, so it goes into a
 * temporary file of the staging folder while it is hashed. Where an interrupted import has left a file of its size and metadata, or
 * the repository has one that may be the same, it is compared with that and not written again, as long as they are the same. Holes
 * stay holes on the disk. */

#include "staging.h"

typedef struct ScLargeFile ScLargeFile;

/* meta must outlive the object. stored_fd: an object of the repository, of this size and metadata, to compare with; -1: none; it is
 * taken over in any case. */
ScLargeFile *sc_large_file_new(ScStaging *staging, ScObjectFormat format, const ScObjectMeta *meta, guint64 size, int stored_fd,
                               GError **error);
/* Takes a temporary file away that has not become an object. */
void sc_large_file_free(ScLargeFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScLargeFile, sc_large_file_free)

/* The blocks in their order; what lies between them is a hole. */
bool sc_large_file_write(ScLargeFile *file, const void *data, gsize size, guint64 offset, GCancellable *cancellable,
                         GError **error);
/* The object, settled or somebody else's. NULL: error. */
ScStagedObject *sc_large_file_finish(ScLargeFile *file, GCancellable *cancellable, GError **error);
