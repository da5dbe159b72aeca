/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the store's own files share of the commits that make an image. */

#include "repository-view.h"

#define SC_IMAGE_MANIFEST "docker.manifest"
#define SC_IMAGE_DIGEST "docker.digest"
#define SC_IMAGE_SIGNATURES "signatures"
#define SC_IMAGE_INFO "sysconsd.image"
#define SC_IMAGE_MANIFEST_MAX (4u << 20)
/* What is told of an image on the bus, with all others, and read for each list; a label of a megabyte says nothing to anybody. What
 * versions before this limit stored is still read. */
#define SC_IMAGE_INFO_MAX (1u << 20)

typedef struct {
        char *name; /* of the image */
        char *ref;
} ScImageRef;

/* Refs of images, sorted by name. */
GArray *sc_image_refs(const ScRepositoryView *view, GError **error);
