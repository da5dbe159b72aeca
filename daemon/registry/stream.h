/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes that come one after the other and are kept by nobody, but can be had again from the start: what an engine sends, or a
 * program writes. */

#include <gio/gio.h>

typedef struct ScStream ScStream;
/* A kind of stream has a structure of its own that begins with this one. One thread at a time. */
struct ScStream {
        /* > 0: so many bytes; 0: the end; -1: error. */
        gssize (*read)(ScStream *stream, void *buffer, gsize size, GCancellable *cancellable, GError **error);
        void (*free)(ScStream *stream);
};

typedef struct ScStreamSource ScStreamSource;
/* As for ScStream; from any thread. */
struct ScStreamSource {
        ScStream *(*open)(ScStreamSource *source, GCancellable *cancellable, GError **error);
        void (*free)(ScStreamSource *source);
};
