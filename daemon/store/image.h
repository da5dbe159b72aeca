/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What workers do with images: find one, publish it, give it names, delete it. */

#include "image-list.h"
#include "repository.h"

/* Adds the refs of every blob that some image name holds to a set of owned strings. One image that cannot be read is an error: what
 * it holds is not known, so nothing may be called unused. */
bool sc_image_held_refs(ScRepository *repository, GHashTable *refs, GError **error);

/* By canonical name, by name without ":latest", by digest (base/image-name.h), or by a prefix (at least 4 digits) of its id.
 * NotFound: "Image X not found"; a prefix of different images: InvalidArgument "more images matching prefix `X`". */
ScImage *sc_image_find(ScRepository *repository, const char *name_or_id, GError **error);

/* The image of a commit that the name means, or meant until somebody pulled a newer one: until prune it can still be used. */
ScImage *sc_image_at(ScRepository *repository, const char *commit, const char *name, GError **error);

typedef enum {
        SC_TAG_NEW = 0,          /* Exists if the name means another image */
        SC_TAG_REPLACE = 1 << 0, /* takes the name from it */
} ScTagFlags;

typedef struct {
        const char *from, *to; /* names */
        ScTagFlags flags;
        const char *before; /* the id of the image that the new name means, "": none, NULL: any. Busy where it means another one */
        const char *before_source, *source; /* as in ScImage, of that image's name and of `from`; NULL: any. Busy for another one */
} ScTag;

/* One more name, durably: only a ref, to the commit of the old name, which says where the image came from. */
bool sc_image_tag(ScRepository *repository, const ScTag *tag, bool *ret_changed, GError **error);

typedef struct {
        const char *name;
        const char *from;   /* the commit that the name means, "": none, NULL: any. One that means another by then is left alone,
                               without an error. */
        const char *config; /* the configuration, info->config_size bytes, to be published together with it; NULL: it is here */
} ScImageTarget;

/* Publishes the image under a name, durably, replacing what the name meant: all layers must be here. */
bool sc_image_publish(ScRepository *repository, const ScImageTarget *target, const char *manifest, gsize manifest_size,
                      const ScImageInfo *info, GError **error);

/* Drops names (NULL: all of them) of an image; layers stay until prune. */
bool sc_image_delete(ScRepository *repository, const ScImage *image, const char *const *names, GError **error);
