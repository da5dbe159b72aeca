/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* index.json and oci-layout of an OCI image layout (image-spec: image-layout.md). Hostile. */

#include "base/digest.h"

typedef struct {
        bool is_whole; /* index.json itself is the image's index of platforms; then only that is set */
        ScDigest digest;
        guint64 size;
        char *media_type;
        char *name; /* io.containerd.image.name, else org.opencontainers.image.ref.name; NULL: neither */
} ScOciEntry;
void sc_oci_entry_clear(ScOciEntry *entry);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScOciEntry, sc_oci_entry_clear)

/* The layout's version is one that is known here. */
bool sc_oci_layout_check(const char *text, gsize size, GError **error);
/* The image of this name, or (NULL) the only one. NotFound and InvalidArgument list what there is; Corrupt. */
bool sc_oci_index_find(const char *text, gsize size, const char *name, ScOciEntry *ret, GError **error);
