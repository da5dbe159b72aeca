/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The blobs that have a ref, whether an image holds them or not: layers, and configurations of images. */

#include "repository-view.h"
#include <stdint.h>

typedef struct {
        char *digest;     /* "sha256:HEX" */
        int64_t imported; /* seconds */
        guint64 size;     /* bytes as fetched; 0: unknown */
} ScBlob;

void sc_blob_free(ScBlob *blob);

/* Elements are ScBlob, in the order of their digests. One that cannot be read is listed with what its ref says. */
GPtrArray *sc_blob_list(const ScRepositoryView *view, GError **error);
