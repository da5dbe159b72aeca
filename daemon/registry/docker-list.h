/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* manifest.json of what `docker save` writes: a list of images, each with the paths of its configuration and layers in the archive
 * (github.com/moby/docker-image-spec, "Combined Image JSON + Filesystem Changeset Format"). Hostile. */

#include "base/json.h"

typedef struct {
        char *config;  /* path in the archive, as it stands there */
        char **layers; /* the same, lowest first */
        char **tags;   /* canonical names; what is no name is left out. Not NULL */
} ScDockerImage;

/* ScDockerImage; at least one. Corrupt. */
GPtrArray *sc_docker_list_parse(const char *text, gsize size, guint max_layers, GError **error);
/* The image that goes by the name, in the short form, too, or (NULL) the only one. NotFound and InvalidArgument list what there is.
 * *ret_name: its name, borrowed; NULL: it has none. */
const ScDockerImage *sc_docker_list_choose(const GPtrArray *images, const char *name, const char **ret_name, GError **error);

/* Of `repositories`, which older archives have besides: the name, where it holds one only; else NULL. */
char *sc_docker_repositories_name(const char *text, gsize size);
