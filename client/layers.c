/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "layers.h"
#include "value.h"
#include <string.h>

static const char *skip_algorithm(const char *digest)
{
        return g_str_has_prefix(digest, "sha256:") ? digest + strlen("sha256:") : digest;
}

/* An image's id is the digest of its configuration. */
static bool is_configuration(const char *hex, JsonArray *images)
{
        for (guint i = 0; i < json_array_get_length(images); i++)
                if (g_strcmp0(json_array_get_string_element(images, i), hex) == 0)
                        return true;
        return false;
}

static JsonObject *layer_new(JsonArray *fields)
{
        const char *digest = json_array_get_string_element(fields, 0), *hex = skip_algorithm(digest);
        JsonArray *images = json_array_get_array_element(fields, 3);
        if (is_configuration(hex, images))
                return NULL;
        JsonObject *layer = json_object_new();
        json_object_set_string_member(layer, "Id", hex);
        json_object_set_string_member(layer, "Digest", digest);
        json_object_set_int_member(layer, "Created", json_array_get_int_element(fields, 1));
        json_object_set_int_member(layer, "Size", json_array_get_int_element(fields, 2));
        json_object_set_array_member(layer, "Images", json_array_ref(images));
        json_object_set_boolean_member(layer, "Dangling", json_array_get_length(images) == 0);
        return layer;
}

static void unref_object(gpointer object)
{
        json_object_unref(object);
}

static bool read_layers(sd_bus_message *reply, GPtrArray **ret, GError **error)
{
        g_autoptr(JsonNode) node = NULL;
        if (!sd_bus_message_has_signature(reply, "a(sxtas)"))
                return sc_bus_check(-EBADMSG, "The answer of sysconsd cannot be read", error);
        if (!sc_bus_check(sc_value_read(reply, &node), "The answer of sysconsd cannot be read", error))
                return false;
        JsonArray *list = json_node_get_array(node);
        g_autoptr(GPtrArray) layers = g_ptr_array_new_with_free_func(unref_object);
        for (guint i = 0; i < json_array_get_length(list); i++) {
                JsonObject *layer = layer_new(json_array_get_array_element(list, i));
                if (layer != NULL)
                        g_ptr_array_add(layers, layer);
        }
        *ret = g_steal_pointer(&layers);
        return true;
}

bool sc_layers_list(ScClient *client, GPtrArray **ret, GError **error)
{
        sd_bus_message *call, *reply;
        if (!sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "ListLayers", NULL, &call, error))
                return false;
        bool ok = sc_call(client, call, NULL, &reply, error);
        sd_bus_message_unref(call);
        if (!ok)
                return false;
        ok = read_layers(reply, ret, error);
        sd_bus_message_unref(reply);
        return ok;
}

bool sc_layers_complete(ScClient *client, ScListFlags flags, GPtrArray *objects, GError **error)
{
        g_autoptr(GPtrArray) layers = NULL;
        if ((flags & SC_LIST_ALL) == 0)
                return true;
        if (!sc_layers_list(client, &layers, error))
                return false;
        g_assert(layers != NULL);
        for (guint i = 0; i < layers->len; i++) {
                ScObject *object = g_new0(ScObject, 1);
                object->kind = SC_OBJECT_IMAGE;
                object->properties = json_object_ref(layers->pdata[i]);
                g_ptr_array_add(objects, object);
        }
        return true;
}
