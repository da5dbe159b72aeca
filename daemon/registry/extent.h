/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A piece of a regular file: a blob of an archive, or a file of a layout as a whole. Read with pread, so that several threads share
 * one descriptor. The file belongs to somebody who may change it meanwhile: what is read is what counts, and is checked. */

#include "transport.h"

typedef struct {
        int fd;
        guint64 offset, size;
} ScExtent;

/* Whole, with a zero behind it; larger than max is Corrupt. `what` names it in messages. */
bool sc_extent_read(const ScExtent *extent, gsize max, const char *what, char **ret, GError **error);

typedef enum { SC_EXTENT_PLAIN, SC_EXTENT_COMPRESSED } ScExtentKind;
/* By its first bytes; *ret_suffix: of a media type, "" where it is plain. */
bool sc_extent_kind(const ScExtent *extent, const char *what, ScExtentKind *ret, const char **ret_suffix, GError **error);
bool sc_extent_digest(const ScExtent *extent, const char *what, ScDigest *ret, GCancellable *cancellable, GError **error);

/* What is to be read. */
typedef struct {
        const ScExtent *extent;
        const ScDigest *digest;
        guint64 size;
        const char *image; /* in messages */
        ScReport *report;
        bool owns_fd; /* the blob closes it */
} ScExtentBlob;
/* As sc_transport_open_blob(). */
ScBlob *sc_extent_open_blob(const ScExtentBlob *blob, GCancellable *cancellable);
/* A blob that only tells this error, which it takes. */
ScBlob *sc_extent_open_error(GError *error);
