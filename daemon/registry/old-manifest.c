/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "old-manifest.h"

#include "base/error.h"
#include "image-config.h"

bool sc_manifest_is_old(const char *text, gsize size)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, "manifest", NULL);
        return object != NULL && !json_object_has_member(object, "config") &&
               (json_object_has_member(object, "fsLayers") || json_object_has_member(object, "Layers"));
}

/* "sha256:HEX"; where an archive was imported, the digits alone. */
static bool add_layer(ScImageInfo *info, const char *text, GError **error)
{
        ScLayerInfo *layer = sc_layer_info_new();
        g_autofree char *digest = sc_digest_is_hex(text) ? g_strconcat("sha256:", text, NULL) : g_strdup(text);
        g_ptr_array_add(info->layers, layer);
        return sc_digest_parse(digest, &layer->digest, error);
}

static bool check_number(JsonArray *layers, guint max_layers, GError **error)
{
        guint length = json_array_get_length(layers);
        if (length == 0)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "It has no layers");
        return length <= max_layers ||
               sc_throw(error, SC_ERROR_UNSUPPORTED, "It has %u layers; %u is the limit (MaxLayers= in the configuration)", length,
                        max_layers);
}

static bool take_fs_layers(ScImageInfo *info, JsonObject *object, guint max_layers, GError **error)
{
        JsonArray *layers;
        if (!sc_json_get_array(object, "fsLayers", SC_JSON_REQUIRED, &layers, error) || !check_number(layers, max_layers, error))
                return false;
        for (guint i = json_array_get_length(layers); i > 0; i--) {
                JsonNode *node = json_array_get_element(layers, i - 1);
                const char *text;
                if (!JSON_NODE_HOLDS_OBJECT(node))
                        return sc_throw(error, SC_ERROR_CORRUPT, "An entry of fsLayers is not an object");
                if (!sc_json_get_string(json_node_get_object(node), "blobSum", SC_JSON_REQUIRED, &text, error) ||
                    !add_layer(info, text, error))
                        return false;
        }
        return true;
}

/* The configuration of the image is that of its topmost layer, as JSON inside a string. */
static bool take_history(ScImageInfo *info, JsonObject *object, GError **error)
{
        JsonArray *history;
        const char *text;
        if (!sc_json_get_array(object, "history", SC_JSON_OPTIONAL, &history, error))
                return false;
        if (history == NULL || json_array_get_length(history) == 0)
                return true;
        JsonNode *node = json_array_get_element(history, 0);
        if (!JSON_NODE_HOLDS_OBJECT(node))
                return sc_throw(error, SC_ERROR_CORRUPT, "An entry of history is not an object");
        if (!sc_json_get_string(json_node_get_object(node), "v1Compatibility", SC_JSON_REQUIRED, &text, error))
                return false;
        g_autoptr(JsonObject) config = sc_json_parse_object(text, -1, SC_CONFIG_MAX_SIZE, "history", error);
        return config != NULL && sc_image_config_take(info, config, SC_JSON_OPTIONAL, error);
}

static bool take_inspected(ScImageInfo *info, JsonObject *object, guint max_layers, GError **error)
{
        JsonArray *layers;
        g_auto(GStrv) texts = NULL;
        g_autoptr(GHashTable) labels = NULL;
        if (!sc_json_get_array(object, "Layers", SC_JSON_REQUIRED, &layers, error) || !check_number(layers, max_layers, error) ||
            !sc_json_get_strv(object, "Layers", SC_JSON_REQUIRED, &texts, error) ||
            !sc_json_get_string_map(object, "Labels", SC_JSON_OPTIONAL, &labels, error))
                return false;
        for (char **text = texts; *text != NULL; text++)
                if (!add_layer(info, *text, error))
                        return false;
        g_hash_table_unref(info->labels);
        info->labels = g_steal_pointer(&labels);
        return true;
}

ScImageInfo *sc_manifest_parse_old(const char *text, gsize size, const ScDigest *id, const ScDigest *digest, guint max_layers,
                                   const char *what, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, what, error);
        if (object == NULL)
                return NULL;
        g_autoptr(ScImageInfo) info = sc_image_info_new();
        info->config = *id;
        info->digest = *digest;
        bool taken = json_object_has_member(object, "fsLayers")
                             ? take_fs_layers(info, object, max_layers, error) && take_history(info, object, error)
                             : take_inspected(info, object, max_layers, error);
        if (!taken) {
                sc_prefix(error, "The %s cannot be used", what);
                return NULL;
        }
        return g_steal_pointer(&info);
}
