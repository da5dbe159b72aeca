/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-info.h"

#include "error.h"
#include <string.h>

ScLayerInfo *sc_layer_info_new(void)
{
        return g_new0(ScLayerInfo, 1);
}

void sc_layer_info_free(ScLayerInfo *layer)
{
        if (layer == NULL)
                return;
        g_free(layer->media_type);
        g_free(layer);
}

ScImageInfo *sc_image_info_new(void)
{
        ScImageInfo *info = g_rc_box_new0(ScImageInfo);
        info->labels = sc_string_map_new();
        info->defaults = sc_string_map_new();
        info->layers = g_ptr_array_new_with_free_func((GDestroyNotify)sc_layer_info_free);
        return info;
}

ScImageInfo *sc_image_info_ref(ScImageInfo *info)
{
        return g_rc_box_acquire(info);
}

static void clear(gpointer data)
{
        ScImageInfo *info = data;
        g_free(info->architecture);
        g_free(info->os);
        g_hash_table_unref(info->labels);
        g_ptr_array_unref(info->layers);
        g_strfreev(info->entrypoint);
        g_strfreev(info->cmd);
        g_strfreev(info->env);
        g_strfreev(info->ports);
        g_free(info->user);
        g_free(info->working_dir);
        g_strfreev(info->health_test);
        g_hash_table_unref(info->defaults);
        g_strfreev(info->required);
        g_free(info->source);
        g_free(info->name);
        g_free(info->transport);
        g_free(info->signatures);
}

void sc_image_info_free(ScImageInfo *info)
{
        if (info != NULL)
                g_rc_box_release_full(info, clear);
}

static void set_digest(JsonObject *object, const char *key, const ScDigest *digest)
{
        g_autofree char *text = sc_digest_to_string(digest);
        json_object_set_string_member(object, key, text);
}

static bool get_digest(JsonObject *object, const char *key, ScDigest *ret, GError **error)
{
        const char *text;
        return sc_json_get_string(object, key, SC_JSON_REQUIRED, &text, error) && sc_digest_parse(text, ret, error);
}

static void set_string(JsonObject *object, const char *key, const char *text)
{
        if (text != NULL)
                json_object_set_string_member(object, key, text);
}

static bool dup_string(JsonObject *object, const char *key, char **ret, GError **error)
{
        const char *text;
        if (!sc_json_get_string(object, key, SC_JSON_OPTIONAL, &text, error))
                return false;
        *ret = g_strdup(text);
        return true;
}

static const struct {
        const char *key;
        gsize offset;
} vectors[] = {
        {"entrypoint", G_STRUCT_OFFSET(ScImageInfo, entrypoint)},
        {"cmd", G_STRUCT_OFFSET(ScImageInfo, cmd)},
        {"env", G_STRUCT_OFFSET(ScImageInfo, env)},
        {"ports", G_STRUCT_OFFSET(ScImageInfo, ports)},
        {"health-test", G_STRUCT_OFFSET(ScImageInfo, health_test)},
        {"required", G_STRUCT_OFFSET(ScImageInfo, required)},
};

static const struct {
        const char *key;
        gsize offset;
} strings[] = {
        {"architecture", G_STRUCT_OFFSET(ScImageInfo, architecture)},
        {"os", G_STRUCT_OFFSET(ScImageInfo, os)},
        {"user", G_STRUCT_OFFSET(ScImageInfo, user)},
        {"working-dir", G_STRUCT_OFFSET(ScImageInfo, working_dir)},
        {"source", G_STRUCT_OFFSET(ScImageInfo, source)},
        {"name", G_STRUCT_OFFSET(ScImageInfo, name)},
        {"transport", G_STRUCT_OFFSET(ScImageInfo, transport)},
        {"signatures", G_STRUCT_OFFSET(ScImageInfo, signatures)},
};

static JsonObject *layer_to_json(const ScLayerInfo *layer)
{
        JsonObject *object = json_object_new();
        set_digest(object, "digest", &layer->digest);
        if (layer->has_diff_id)
                set_digest(object, "diff-id", &layer->diff_id);
        json_object_set_int_member(object, "size", (gint64)layer->size);
        json_object_set_int_member(object, "inflated-size", (gint64)layer->inflated_size);
        set_string(object, "media-type", layer->media_type);
        return object;
}

JsonObject *sc_image_info_to_json(const ScImageInfo *info)
{
        JsonObject *object = json_object_new();
        set_digest(object, "digest", &info->digest);
        set_digest(object, "config", &info->config);
        json_object_set_int_member(object, "config-size", (gint64)info->config_size);
        json_object_set_int_member(object, "created", info->created);
        for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
                set_string(object, strings[i].key, G_STRUCT_MEMBER(char *, info, strings[i].offset));
        for (guint i = 0; i < G_N_ELEMENTS(vectors); i++) {
                char **vector = G_STRUCT_MEMBER(char **, info, vectors[i].offset);
                if (vector != NULL)
                        sc_json_set_strv(object, vectors[i].key, vector);
        }
        sc_json_set_string_map(object, "labels", info->labels);
        sc_json_set_string_map(object, "defaults", info->defaults);
        JsonArray *layers = json_array_new();
        for (guint i = 0; i < info->layers->len; i++)
                json_array_add_object_element(layers, layer_to_json(info->layers->pdata[i]));
        json_object_set_array_member(object, "layers", layers);
        return object;
}

static ScLayerInfo *layer_from_json(JsonObject *object, GError **error)
{
        g_autoptr(ScLayerInfo) layer = sc_layer_info_new();
        layer->has_diff_id = json_object_has_member(object, "diff-id");
        if (!get_digest(object, "digest", &layer->digest, error) ||
            (layer->has_diff_id && !get_digest(object, "diff-id", &layer->diff_id, error)) ||
            !sc_json_get_uint(object, "size", SC_JSON_REQUIRED, &layer->size, error) ||
            !sc_json_get_uint(object, "inflated-size", SC_JSON_OPTIONAL, &layer->inflated_size, error) ||
            !dup_string(object, "media-type", &layer->media_type, error))
                return NULL;
        return g_steal_pointer(&layer);
}

ScImageInfo *sc_image_info_from_json(JsonObject *object, GError **error)
{
        g_autoptr(ScImageInfo) info = sc_image_info_new();
        JsonArray *layers;
        g_autoptr(GHashTable) labels = NULL;
        g_autoptr(GHashTable) defaults = NULL;
        if (!get_digest(object, "digest", &info->digest, error) || !get_digest(object, "config", &info->config, error) ||
            !sc_json_get_uint(object, "config-size", SC_JSON_OPTIONAL, &info->config_size, error) ||
            !sc_json_get_int(object, "created", SC_JSON_OPTIONAL, &info->created, error) ||
            !sc_json_get_string_map(object, "labels", SC_JSON_OPTIONAL, &labels, error) ||
            !sc_json_get_string_map(object, "defaults", SC_JSON_OPTIONAL, &defaults, error) ||
            !sc_json_get_array(object, "layers", SC_JSON_REQUIRED, &layers, error))
                return NULL;
        for (guint i = 0; i < G_N_ELEMENTS(strings); i++)
                if (!dup_string(object, strings[i].key, &G_STRUCT_MEMBER(char *, info, strings[i].offset), error))
                        return NULL;
        for (guint i = 0; i < G_N_ELEMENTS(vectors); i++)
                if (!sc_json_get_strv(object, vectors[i].key, SC_JSON_OPTIONAL, &G_STRUCT_MEMBER(char **, info, vectors[i].offset),
                                      error))
                        return NULL;
        for (guint i = 0; i < json_array_get_length(layers); i++) {
                JsonNode *node = json_array_get_element(layers, i);
                ScLayerInfo *layer = JSON_NODE_HOLDS_OBJECT(node) ? layer_from_json(json_node_get_object(node), error) : NULL;
                if (layer == NULL) {
                        if (error != NULL && *error == NULL)
                                sc_throw(error, SC_ERROR_CORRUPT, "A layer is not an object");
                        return NULL;
                }
                g_ptr_array_add(info->layers, layer);
        }
        g_hash_table_unref(info->labels);
        info->labels = g_steal_pointer(&labels);
        g_hash_table_unref(info->defaults);
        info->defaults = g_steal_pointer(&defaults);
        return g_steal_pointer(&info);
}

guint64 sc_image_info_size(const ScImageInfo *info)
{
        guint64 size = info->config_size;
        for (guint i = 0; i < info->layers->len; i++)
                size += ((ScLayerInfo *)info->layers->pdata[i])->size;
        return size;
}

guint64 sc_image_info_virtual_size(const ScImageInfo *info)
{
        guint64 size = 0;
        for (guint i = 0; i < info->layers->len; i++) {
                guint64 layer = ((ScLayerInfo *)info->layers->pdata[i])->inflated_size;
                if (layer == 0)
                        return 0;
                size += layer;
        }
        return size;
}

bool sc_provenance_is_verified(const char *source)
{
        return source == NULL || *source == '\0' || strcmp(source, "registry") == 0;
}
