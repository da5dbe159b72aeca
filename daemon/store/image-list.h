/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images in the repository: one ref a name (SC_REF_PREFIX and the encoded name) to a commit whose metadata holds, all strings:
 * docker.manifest (byte for byte), docker.digest ("sha256:..."), signatures, as the atomic command wrote them, and
 * "sysconsd.image": the ScImageInfo as JSON. Its tree holds manifest.json. */

#include "base/image-info.h"
#include "repository-view.h"

typedef struct {
        char **names;      /* canonical names, sorted; at least one */
        char **digests;    /* of each name's manifest: "sha256:HEX"; "": unknown */
        char **sources;    /* of each name: that of its info, or "tag:[SOURCE:]NAME" if it came here by another NAME; "": unknown */
        char *id;          /* hex of the configuration's digest */
        char *commit;      /* OSTree checksum of (the first name's) image commit */
        char *undescribed; /* of a name whose commit lacks our description, the commit; NULL: they all have it */
        char *manifest;    /* text as fetched; NULL from the list */
        ScImageInfo *info; /* NULL for an image that somebody else pulled, and nobody described yet */
        bool dangling;     /* from a list: a layer has no ref */
} ScImage;

void sc_image_free(ScImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScImage, sc_image_free)

typedef struct ScImageCache ScImageCache;

/* All images, one entry an id, sorted by first name. An image that cannot be read is left out, with a line in the journal. cache:
 * of this repository's lists before (image-cache.h), or NULL. */
GPtrArray *sc_image_list(const ScRepositoryView *view, ScImageCache *cache, GError **error);

/* The same with manifests, for who looks for `text`. *ret_unreadable: why the first image was left out that may be in order all the
 * same (too many open files, a failing disk), or has that name; NULL: none was. */
GPtrArray *sc_image_list_whole(const ScRepositoryView *view, const char *text, GError **ret_unreadable, GError **error);

/* What a commit says, without a name: names and sources are NULL, digests has its one digest. */
ScImage *sc_image_read(const ScRepositoryView *view, const char *commit, GError **error);
/* The same of a commit that was read: object; commit: its checksum. */
ScImage *sc_image_of_commit(GVariant *object, const char *commit, GError **error);
/* named: what the name's commit says; may be the image itself, which has then no name yet. */
void sc_image_add_name(ScImage *image, const char *name, const ScImage *named);

/* What `sources` has for a name whose commit says this (NULL: nothing). */
char *sc_image_source_of(const ScImageInfo *info, const char *name);

/* Whether the `revision` in a deployment's info means this image. The atomic command called an image by its manifest's digest,
 * older versions of it by that of the configuration (as we do), or by its commit. */
bool sc_image_is_revision(const ScImage *image, const char *revision);
