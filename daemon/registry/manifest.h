/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manifests, indexes and image configurations: Docker image manifest v2 schema 2 (and its manifest list), and the OCI image
 * specification 1.0/1.1 (image-spec: manifest.md, image-index.md, config.md). All is hostile until parsed here. */

#include "base/image-info.h"

/* All media types of manifests and indexes that are understood here, as an Accept header. */
extern const char sc_manifest_accept[];

#define SC_MANIFEST_MAX_SIZE (4u * 1024 * 1024)
#define SC_CONFIG_MAX_SIZE (8u * 1024 * 1024)

typedef enum { SC_MANIFEST_IMAGE, SC_MANIFEST_INDEX } ScManifestKind;

/* From the media type the server said, checked against the text's own mediaType and members. Schema 1 is Unsupported. */
bool sc_manifest_kind(const char *content_type, const char *text, gsize size, const char *what, ScManifestKind *ret,
                      GError **error);

/* The entry of an index for this machine (linux, the CPU's architecture and variant); NotFound lists what is there. */
bool sc_index_choose(const char *text, gsize size, const char *what, ScDigest *ret_digest, guint64 *ret_size, GError **error);

/* Fills a new info with digest, config, layers (media type, size, digest). max_layers bounds them. Foreign layers and
 * unknown media types are Unsupported. */
ScImageInfo *sc_manifest_parse(const char *text, gsize size, const ScDigest *digest, guint max_layers, const char *what,
                               GError **error);

/* Adds what the configuration says (diff_ids: one a layer, created, labels, entrypoint ...). Its os and architecture must be
 * this machine's (Unsupported, naming both), as podman warns and docker refuses. */
bool sc_manifest_add_config(ScImageInfo *info, const char *text, gsize size, const char *what, GError **error);
