/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images that another program pulled: their commits lack our description (image.h), and get it. */

#include "base/image-info.h"
#include "repository.h"

typedef struct {
        char *name;     /* canonical */
        char *commit;   /* OSTree checksum */
        char *manifest; /* text */
        gint64 created; /* when that program stored it */
        char *digest;   /* "sha256:...", docker.digest; NULL: that program wrote none */
} ScForeignImage;

void sc_foreign_image_free(ScForeignImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScForeignImage, sc_foreign_image_free)

/* One entry a name, sorted; those that cannot be read are left out. */
GPtrArray *sc_foreign_images(ScRepository *repository, GError **error);

/* What the commit of an image holds, of whatever program; NotFound where the commit is gone. name: for messages. */
ScForeignImage *sc_foreign_image_at(ScRepository *repository, const char *commit, const char *name, GError **error);

/* The configuration's text, as its blob was fetched. NotFound where it is not here. */
bool sc_foreign_config(ScRepository *repository, const ScDigest *config, gsize max, char **ret, gsize *ret_size, GError **error);

/* The signatures beside the manifest, signature-1 and so on: GBytes, none where that program kept none. No more than max_count.
 * Corrupt for one of more than max_size bytes. */
GPtrArray *sc_foreign_signatures(ScRepository *repository, const ScForeignImage *image, guint max_count, gsize max_size,
                                 GError **error);

/* Publishes the description, durably: a new commit with the tree, the time and all metadata of the old one, and our key beside
 * them. A name that means another commit by now is left alone. */
bool sc_foreign_describe(ScRepository *repository, const ScForeignImage *image, const ScImageInfo *info, GError **error);
