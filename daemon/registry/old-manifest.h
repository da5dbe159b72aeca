/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manifests that are not pulled any more, but lie in repositories that the atomic command filled: Docker's image manifest v2
 * schema 1 (distribution/spec/manifest-v2-1.md: `fsLayers` and `history`, the topmost first), and what its first versions kept
 * instead of a manifest, the output of `skopeo inspect` (`Layers`, the lowest first, `Digest`, `Labels`). Neither has a
 * configuration blob. */

#include "manifest.h"

/* True where the text is a JSON object of one of these kinds. */
bool sc_manifest_is_old(const char *text, gsize size);

/* Digest, layers (of which neither sizes nor diff_ids are known), and what stands there of a configuration. `id` stands in for the
 * configuration's digest. An image for another machine is Unsupported. */
ScImageInfo *sc_manifest_parse_old(const char *text, gsize size, const ScDigest *id, const ScDigest *digest, guint max_layers,
                                   const char *what, GError **error);
