/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known of an image once a worker has checked its manifest and configuration: the value that the registry side
 * makes, the store keeps (as JSON in the image commit's metadata, key "sysconsd.image"), and the bus shows. */

#include "digest.h"
#include "json.h"

typedef struct {
        ScDigest digest;       /* of the blob as it is fetched; names the layer's ref */
        ScDigest diff_id;      /* of the tar inside; from the image's configuration */
        bool has_diff_id;      /* false only for images that somebody else pulled */
        guint64 size;          /* bytes as fetched */
        guint64 inflated_size; /* bytes of the tar; 0: not known yet */
        char *media_type;
} ScLayerInfo;

typedef struct {
        ScDigest digest; /* of the manifest */
        ScDigest config; /* of the configuration; its hex digits are the image's id */
        guint64 config_size;
        gint64 created; /* seconds since the epoch, 0: unknown */
        char *architecture;
        char *os;
        GHashTable *labels; /* strings, never NULL */
        GPtrArray *layers;  /* ScLayerInfo, lowest first */
        char **entrypoint;  /* NULL: none; so are the next ones */
        char **cmd;
        char **env;
        char **ports; /* ExposedPorts: "2379/tcp" */
        char *user;
        char *working_dir;
        char **health_test;   /* Healthcheck.Test, NULL: none */
        GHashTable *defaults; /* exports/manifest.json's defaultValues, as text; empty until the store has seen the layers */
        char **required;      /* variables of the templates without any default */
        char *source;         /* where it came from: "registry", "registry-insecure"; NULL: unknown */
        char *name;           /* the canonical name by which it came from there: any other is a tag; NULL: unknown */
        char *transport;      /* by which rules of policy.json it came in: "docker" ...; NULL: nobody asked */
        char *signatures;     /* that were needed for it, as registry/signature.h has them; NULL: none */
} ScImageInfo;

ScImageInfo *sc_image_info_new(void);
/* One more reference to one that nobody changes any more; each is given up by free. Not for several threads at once. */
ScImageInfo *sc_image_info_ref(ScImageInfo *info);
void sc_image_info_free(ScImageInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScImageInfo, sc_image_info_free)
ScLayerInfo *sc_layer_info_new(void);
void sc_layer_info_free(ScLayerInfo *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScLayerInfo, sc_layer_info_free)

/* Whether an image with this `source` counts as one that a registry vouched for. What is not known to have come otherwise does. */
bool sc_provenance_is_verified(const char *source);

JsonObject *sc_image_info_to_json(const ScImageInfo *info);
ScImageInfo *sc_image_info_from_json(JsonObject *object, GError **error);

/* Bytes to fetch (configuration and layers), and bytes of the layers inflated (0 if unknown). */
guint64 sc_image_info_size(const ScImageInfo *info);
guint64 sc_image_info_virtual_size(const ScImageInfo *info);
