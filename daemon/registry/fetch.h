/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A blob from its first to its last byte, through broken connections and stalls, checked against its descriptor. */

#include "registry.h"

enum { SC_BLOB_CHUNK = 256 * 1024 };

typedef struct {
        const ScDigest *digest;
        guint64 size;
        /* Gets the bytes in order, in chunks of SC_BLOB_CHUNK but for the last; false with an error ends the fetch. */
        bool (*take)(const void *chunk, gsize size, gpointer data, GError **error);
        gpointer data;
} ScBlobTarget;

/* True: all bytes were taken, and they are the right ones. VerifyFailed, Network, NotFound, AccessDenied, Cancelled. */
bool sc_fetch_blob(ScRegistry *registry, ScHttp *http, const ScBlobTarget *target, GCancellable *cancellable, GError **error);
