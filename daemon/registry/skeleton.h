/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tar archive that streams by, as a file in memory with holes where its large entries are: its index can be made of that, and
 * what is small can be read from it. */

#include "stream.h"
#include "tar-index.h"

typedef struct ScSkeleton ScSkeleton;

/* Owns the stream from here on. */
ScSkeleton *sc_skeleton_new(ScStream *stream, GCancellable *cancellable, GError **error);
void sc_skeleton_free(ScSkeleton *skeleton);
/* The file is the skeleton's. */
int sc_skeleton_fd(const ScSkeleton *skeleton);
/* For sc_tar_index_new(): the stream is read as far as the index looks, an entry that it passes over is kept if it is small. More
 * of those than an image can have is Corrupt. */
ScTarFeed sc_skeleton_feed(ScSkeleton *skeleton);
/* What was there makes no sense: false with the error that the stream ends with, if it does soon. A program may leave half an
 * archive, and say behind it why. */
bool sc_skeleton_ends_well(ScSkeleton *skeleton, GError **error);
/* What is left of the stream is not wanted. */
void sc_skeleton_stop(ScSkeleton *skeleton);
/* Whether it is all there, and no hole. */
bool sc_skeleton_has(const ScSkeleton *skeleton, const ScExtent *extent);
