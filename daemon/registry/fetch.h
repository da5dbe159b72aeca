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

/* What the tries at one blob have shown, each of which begins with the first byte. Zeros: there was none. */
typedef struct {
        GHashTable *distrusted; /* a set of ScLocation: mirrors that had a part in a damaged copy, and are not asked again */
        guint64 reported;       /* bytes that the progress knows: what comes twice counts once */
        gint mirrored;          /* atomically: of what the try at hand has brought something came from a mirror */
        bool again;             /* the copy was damaged, and a mirror had a part in it: the next try asks others */
} ScBlobTries;
void sc_blob_tries_clear(ScBlobTries *tries);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScBlobTries, sc_blob_tries_clear)

/* One try. True: all bytes were taken, and they are the right ones. VerifyFailed, Network, NotFound, AccessDenied, Cancelled. */
bool sc_fetch_blob(ScRegistry *registry, ScHttp *http, const ScBlobTarget *target, ScBlobTries *tries, GCancellable *cancellable,
                   GError **error);
