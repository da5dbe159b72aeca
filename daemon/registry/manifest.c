/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest.h"

#include "base/error.h"
#include "platform.h"
#include "printable.h"
#include <string.h>

#define DOCKER "application/vnd.docker."
#define OCI "application/vnd.oci.image."

const char sc_manifest_accept[] = OCI "index.v1+json, " OCI "manifest.v1+json, " DOCKER
                                      "distribution.manifest.list.v2+json, " DOCKER "distribution.manifest.v2+json";

enum { MAX_INDEX_ENTRIES = 1000, MAX_ENTRIES_SHOWN = 20 };

static const struct {
        const char *media_type;
        ScManifestKind kind;
} manifest_types[] = {
        {OCI "manifest.v1+json", SC_MANIFEST_IMAGE},
        {OCI "index.v1+json", SC_MANIFEST_INDEX},
        {DOCKER "distribution.manifest.v2+json", SC_MANIFEST_IMAGE},
        {DOCKER "distribution.manifest.list.v2+json", SC_MANIFEST_INDEX},
};

static const char *const config_types[] = {OCI "config.v1+json", DOCKER "container.image.v1+json", NULL};

static const char *const layer_types[] = {
        OCI "layer.v1.tar",
        OCI "layer.v1.tar+gzip",
        OCI "layer.v1.tar+zstd",
        DOCKER "image.rootfs.diff.tar",
        DOCKER "image.rootfs.diff.tar.gzip",
        DOCKER "image.rootfs.diff.tar.zstd",
        NULL,
};

/* What servers say that do not know what they serve. */
static const char *const vague_types[] = {"application/json", "application/octet-stream", "text/plain", NULL};

static bool kind_of_type(const char *media_type, ScManifestKind *ret, GError **error)
{
        for (guint i = 0; i < G_N_ELEMENTS(manifest_types); i++)
                if (g_str_equal(manifest_types[i].media_type, media_type)) {
                        *ret = manifest_types[i].kind;
                        return true;
                }
        if (g_str_has_prefix(media_type, DOCKER "distribution.manifest.v1+"))
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "It has the obsolete format schema 1: push the image again with a current tool");
        g_autofree char *shown = sc_printable(media_type);
        return sc_throw(error, SC_ERROR_UNSUPPORTED, "Its media type '%s' is neither an image nor an index of images", shown);
}

static bool check_version(JsonObject *object, GError **error)
{
        guint64 version;
        if (!sc_json_get_uint(object, "schemaVersion", SC_JSON_REQUIRED, &version, error))
                return false;
        if (version == 1)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "It has the obsolete format schema 1: push the image again with a current tool");
        if (version != 2)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "Its schemaVersion is %" G_GUINT64_FORMAT ", not 2", version);
        return true;
}

/* A text that is an image to one reader and an index to another is an attack (CVE-2021-41190). */
static bool kind_of_members(JsonObject *object, ScManifestKind *ret, GError **error)
{
        bool image = json_object_has_member(object, "config") || json_object_has_member(object, "layers");
        bool index = json_object_has_member(object, "manifests");
        if (image == index)
                return sc_throw(error, SC_ERROR_CORRUPT,
                                image ? "It is an image and an index at once" : "It names neither layers nor manifests");
        *ret = index ? SC_MANIFEST_INDEX : SC_MANIFEST_IMAGE;
        return true;
}

static bool kind_of_object(JsonObject *object, ScManifestKind *ret, GError **error)
{
        if (!check_version(object, error))
                return false;
        ScManifestKind kind = SC_MANIFEST_IMAGE;
        if (!kind_of_members(object, &kind, error))
                return false;
        const char *media_type;
        if (!sc_json_get_string(object, "mediaType", SC_JSON_OPTIONAL, &media_type, error))
                return false;
        ScManifestKind named = kind;
        if (media_type != NULL && !kind_of_type(media_type, &named, error))
                return false;
        if (named != kind)
                return sc_throw(error, SC_ERROR_CORRUPT, "Its mediaType does not fit its members");
        *ret = kind;
        return true;
}

bool sc_manifest_kind(const char *content_type, const char *text, gsize size, const char *what, ScManifestKind *ret, GError **error)
{
        bool vague = content_type == NULL || content_type[0] == '\0' || g_strv_contains(vague_types, content_type);
        ScManifestKind said = SC_MANIFEST_IMAGE;
        if (!vague && g_str_has_prefix(content_type, "text/"))
                return sc_throw(
                        error, SC_ERROR_CORRUPT,
                        "The %s is a page of text, no manifest: is that server a registry, or is a proxy answering in its place?",
                        what);
        if (!vague && !kind_of_type(content_type, &said, error))
                return sc_prefix(error, "The %s cannot be used", what);

        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, what, error);
        if (object == NULL)
                return false;
        ScManifestKind kind = SC_MANIFEST_IMAGE;
        if (!kind_of_object(object, &kind, error))
                return sc_prefix(error, "The %s cannot be used", what);
        if (!vague && said != kind)
                return sc_throw(error, SC_ERROR_CORRUPT, "The %s is not what the registry says it is", what);
        *ret = kind;
        return true;
}

/* image-spec descriptor.md. The media type stays owned by the object. */
typedef struct {
        const char *media_type;
        ScDigest digest;
        guint64 size;
} Descriptor;

static bool parse_digest(const char *text, ScDigest *ret, GError **error)
{
        g_autoptr(GError) problem = NULL;
        if (sc_digest_parse(text, ret, &problem))
                return true;
        g_autofree char *shown = sc_printable(text);
        if (g_error_matches(problem, SC_ERROR, SC_ERROR_UNSUPPORTED))
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "The digest '%s' is not a sha256 one", shown);
        return sc_throw(error, SC_ERROR_CORRUPT, "'%s' is not a digest", shown);
}

static bool parse_descriptor(JsonObject *object, Descriptor *ret, GError **error)
{
        Descriptor descriptor = {};
        const char *digest;
        if (!sc_json_get_string(object, "mediaType", SC_JSON_REQUIRED, &descriptor.media_type, error) ||
            !sc_json_get_string(object, "digest", SC_JSON_REQUIRED, &digest, error) ||
            !sc_json_get_uint(object, "size", SC_JSON_REQUIRED, &descriptor.size, error) ||
            !parse_digest(digest, &descriptor.digest, error))
                return false;
        *ret = descriptor;
        return true;
}

static bool element_object(JsonArray *array, guint i, const char *key, JsonObject **ret, GError **error)
{
        JsonNode *node = json_array_get_element(array, i);
        if (!JSON_NODE_HOLDS_OBJECT(node))
                return sc_throw(error, SC_ERROR_CORRUPT, "Element %u of '%s' is not an object", i, key);
        *ret = json_node_get_object(node);
        return true;
}

typedef struct {
        ScPlatform host;
        guint rank; /* of the best entry so far; 0: none */
        Descriptor best;
        guint without; /* entries that name no platform */
        Descriptor last_without;
        GPtrArray *others; /* platforms that do not fit, for the message */
} Choice;

static bool consider_platform(Choice *choice, JsonObject *platform, const Descriptor *descriptor, GError **error)
{
        const char *os, *architecture, *variant;
        if (!sc_json_get_string(platform, "os", SC_JSON_OPTIONAL, &os, error) ||
            !sc_json_get_string(platform, "architecture", SC_JSON_OPTIONAL, &architecture, error) ||
            !sc_json_get_string(platform, "variant", SC_JSON_OPTIONAL, &variant, error))
                return false;
        guint rank = sc_platform_rank(&choice->host, os, architecture, variant);
        if (rank > choice->rank) {
                choice->rank = rank;
                choice->best = *descriptor;
        }
        if (rank == 0 && choice->others->len < MAX_ENTRIES_SHOWN) {
                g_autofree char *name = g_strjoin("/", os != NULL ? os : "?", architecture != NULL ? architecture : "?", variant,
                                                  NULL);
                g_ptr_array_add(choice->others, sc_printable(name));
        }
        return true;
}

static bool consider(Choice *choice, JsonObject *entry, GError **error)
{
        Descriptor descriptor;
        JsonObject *platform;
        ScManifestKind kind = SC_MANIFEST_IMAGE;
        if (!parse_descriptor(entry, &descriptor, error) ||
            !sc_json_get_object(entry, "platform", SC_JSON_OPTIONAL, &platform, error))
                return false;
        /* An index may list other things beside images: signatures, further indexes. */
        if (!kind_of_type(descriptor.media_type, &kind, NULL) || kind != SC_MANIFEST_IMAGE)
                return true;
        if (descriptor.size > SC_MANIFEST_MAX_SIZE)
                return sc_throw(error, SC_ERROR_CORRUPT, "It names a manifest of %" G_GUINT64_FORMAT " bytes", descriptor.size);
        if (platform != NULL)
                return consider_platform(choice, platform, &descriptor, error);
        choice->without++;
        choice->last_without = descriptor;
        return true;
}

static bool choose(Choice *choice, JsonObject *object, const Descriptor **ret, GError **error)
{
        ScManifestKind kind = SC_MANIFEST_IMAGE;
        JsonArray *entries;
        if (!kind_of_object(object, &kind, error) || !sc_json_get_array(object, "manifests", SC_JSON_REQUIRED, &entries, error))
                return false;
        guint length = json_array_get_length(entries);
        if (length > MAX_INDEX_ENTRIES)
                return sc_throw(error, SC_ERROR_CORRUPT, "It has %u entries; %d is the limit", length, MAX_INDEX_ENTRIES);
        for (guint i = 0; i < length; i++) {
                JsonObject *entry = NULL;
                if (!element_object(entries, i, "manifests", &entry, error) || !consider(choice, entry, error))
                        return false;
        }
        /* An index of one image need not say for which platform that is; its configuration will. */
        if (choice->rank > 0)
                *ret = &choice->best;
        else if (choice->without == 1)
                *ret = &choice->last_without;
        else
                *ret = NULL;
        return true;
}

bool sc_index_choose(const char *text, gsize size, const char *what, ScDigest *ret_digest, guint64 *ret_size, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, what, error);
        if (object == NULL)
                return false;
        g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func(g_free);
        Choice choice = {.others = others};
        sc_platform_of_host(&choice.host);
        const Descriptor *chosen = NULL;
        if (!choose(&choice, object, &chosen, error))
                return sc_prefix(error, "The %s cannot be used", what);
        if (chosen == NULL) {
                g_ptr_array_add(others, NULL);
                g_autofree char *list = g_strjoinv(", ", (char **)others->pdata);
                return sc_throw(error, SC_ERROR_NOT_FOUND, "The %s has no image for linux/%s, only for: %s", what,
                                choice.host.architecture, list[0] != '\0' ? list : "nothing");
        }
        *ret_digest = chosen->digest;
        *ret_size = chosen->size;
        return true;
}

static bool parse_config_descriptor(ScImageInfo *info, JsonObject *object, GError **error)
{
        JsonObject *config;
        Descriptor descriptor;
        if (!sc_json_get_object(object, "config", SC_JSON_REQUIRED, &config, error) ||
            !parse_descriptor(config, &descriptor, error))
                return false;
        if (!g_strv_contains(config_types, descriptor.media_type)) {
                g_autofree char *shown = sc_printable(descriptor.media_type);
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "It is an artifact of type '%s', not a container image", shown);
        }
        if (descriptor.size > SC_CONFIG_MAX_SIZE)
                return sc_throw(error, SC_ERROR_CORRUPT, "Its configuration has %" G_GUINT64_FORMAT " bytes; %u is the limit",
                                descriptor.size, SC_CONFIG_MAX_SIZE);
        info->config = descriptor.digest;
        info->config_size = descriptor.size;
        return true;
}

static bool check_layer_type(const char *media_type, GError **error)
{
        if (g_strv_contains(layer_types, media_type))
                return true;
        g_autofree char *shown = sc_printable(media_type);
        if (strstr(media_type, "nondistributable") != NULL || strstr(media_type, ".foreign.") != NULL)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "A layer has to be fetched from elsewhere ('%s')", shown);
        return sc_throw(error, SC_ERROR_UNSUPPORTED, "A layer has the unknown media type '%s'", shown);
}

/* The same layer may stand there twice. */
static bool parse_layers(ScImageInfo *info, JsonObject *object, guint max_layers, GError **error)
{
        JsonArray *layers;
        if (!sc_json_get_array(object, "layers", SC_JSON_REQUIRED, &layers, error))
                return false;
        guint length = json_array_get_length(layers);
        if (length == 0)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "It has no layers");
        if (length > max_layers)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "It has %u layers; %u is the limit (MaxLayers= in the configuration)",
                                length, max_layers);
        guint64 total = info->config_size;
        for (guint i = 0; i < length; i++) {
                JsonObject *entry = NULL;
                Descriptor descriptor;
                if (!element_object(layers, i, "layers", &entry, error) || !parse_descriptor(entry, &descriptor, error) ||
                    !check_layer_type(descriptor.media_type, error))
                        return false;
                if (descriptor.size > G_MAXINT64 - total)
                        return sc_throw(error, SC_ERROR_CORRUPT, "The sizes of its layers overflow");
                total += descriptor.size;
                ScLayerInfo *layer = sc_layer_info_new();
                layer->digest = descriptor.digest;
                layer->size = descriptor.size;
                layer->media_type = g_strdup(descriptor.media_type);
                g_ptr_array_add(info->layers, layer);
        }
        return true;
}

ScImageInfo *sc_manifest_parse(const char *text, gsize size, const ScDigest *digest, guint max_layers, const char *what,
                               GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, what, error);
        if (object == NULL)
                return NULL;
        g_autoptr(ScImageInfo) info = sc_image_info_new();
        info->digest = *digest;
        ScManifestKind kind = SC_MANIFEST_IMAGE;
        if (!kind_of_object(object, &kind, error) || !parse_config_descriptor(info, object, error) ||
            !parse_layers(info, object, max_layers, error)) {
                sc_prefix(error, "The %s cannot be used", what);
                return NULL;
        }
        return g_steal_pointer(&info);
}
