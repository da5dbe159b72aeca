/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A layer's blob as a stream of the tar inside. gzip (RFC 1952, any number of members), zstd (RFC 8878, any number of frames) and
 * plain are told apart by their first bytes. */

#include "layer.h"

typedef struct ScInflate ScInflate;

/* No byte is read yet. A media type that names a compression ("...tar+gzip", "...tar.gzip", "...tar+zstd", "...tar") must agree
 * with what comes, else the first read is Corrupt; NULL and others name none. More than max inflated bytes are
 * InvalidArgument. `source` must outlive the object. */
ScInflate *sc_inflate_new(ScLayerRead read, gpointer source, const char *media_type, guint64 max);
void sc_inflate_free(ScInflate *inflate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScInflate, sc_inflate_free)

/* > 0: bytes at *ret_chunk, valid until so many calls later; 0: the end of both the compressed stream and its source; -1: error. A
 * stream that ends early, is damaged, or has anything but a further member or frame behind its end is Corrupt. */
#define SC_INFLATE_CHUNKS 4
gssize sc_inflate_read(ScInflate *inflate, const void **ret_chunk, GError **error);

/* Bytes taken from the source, and given out, so far. */
guint64 sc_inflate_bytes_in(const ScInflate *inflate);
guint64 sc_inflate_bytes_out(const ScInflate *inflate);
