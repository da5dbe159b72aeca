/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/image.h"
#include "base/reference.h"
#include "bus/call.h"
#include "bus/reply.h"
#include <stddef.h>
#include <string.h>

#define IMAGES_PATH SC_BUS_PATH "/image"

char *sc_bus_image_path(const char *id)
{
        char *path;
        return sd_bus_path_encode(IMAGES_PATH, id, &path) >= 0 ? path : NULL;
}

static int find_image(sd_bus *bus, const char *path, const char *interface, void *data, void **ret_found, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autofree char *id = NULL;
        if (sd_bus_path_decode(path, IMAGES_PATH, &id) <= 0)
                return 0;
        *ret_found = sc_catalog_image(service->catalog, id);
        return *ret_found != NULL;
}

static int list_images(sd_bus *bus, const char *prefix, void *data, char ***ret_nodes, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autofree const char **ids = sc_catalog_image_ids(service->catalog);
        g_autoptr(GPtrArray) nodes = g_ptr_array_new();
        for (const char **id = ids; *id != NULL; id++)
                g_ptr_array_add(nodes, sc_bus_image_path(*id));
        g_ptr_array_add(nodes, NULL);
        *ret_nodes = (char **)g_ptr_array_steal(nodes, NULL);
        return 0;
}

static int append_map(sd_bus_message *reply, GHashTable *map)
{
        int r = sd_bus_message_open_container(reply, 'a', "{ss}");
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, map);
        while (r >= 0 && g_hash_table_iter_next(&iter, &key, &value))
                r = sd_bus_message_append(reply, "{ss}", key, value);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_labels(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply, void *data,
                      sd_bus_error *ret_error)
{
        const ScCatalogImage *image = data;
        return append_map(reply, image->labels);
}

static int describe_variables(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        const ScCatalogImage *image = data;
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_map(reply, image->defaults);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, image->required);
        if (r >= 0)
                r = sd_bus_send(sd_bus_message_get_bus(message), reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

#define FIELD(name, signature, field) \
        SD_BUS_PROPERTY(name, signature, NULL, offsetof(ScCatalogImage, field), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DescribeVariables", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{ss}", defaults, "as", required),
                                describe_variables, SD_BUS_VTABLE_UNPRIVILEGED),
        FIELD("Names", "as", names),
        SD_BUS_PROPERTY("Id", "s", NULL, offsetof(ScCatalogImage, id), SD_BUS_VTABLE_PROPERTY_CONST),
        FIELD("Digest", "s", digest),
        FIELD("Created", "x", created),
        FIELD("Size", "t", size),
        FIELD("VirtualSize", "t", virtual_size),
        SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        FIELD("Layers", "as", layers),
        FIELD("UsedBy", "as", used_by),
        FIELD("Dangling", "b", dangling),
        SD_BUS_VTABLE_END,
};

int sc_bus_image_publish(ScService *service)
{
        int r = sd_bus_add_fallback_vtable(service->bus, NULL, IMAGES_PATH, SC_BUS_IMAGE, vtable, find_image, service);
        return r < 0 ? r : sd_bus_add_node_enumerator(service->bus, NULL, IMAGES_PATH, list_images, service);
}

void sc_bus_image_added(ScService *service, const ScCatalogImage *image)
{
        g_autofree char *path = sc_bus_image_path(image->id);
        sd_bus_emit_interfaces_added(service->bus, path, SC_BUS_IMAGE, NULL);
}

void sc_bus_image_changed(ScService *service, const ScCatalogImage *image, char **properties)
{
        g_autofree char *path = sc_bus_image_path(image->id);
        sd_bus_emit_properties_changed_strv(service->bus, path, SC_BUS_IMAGE, properties);
}

void sc_bus_image_removed(ScService *service, const char *id)
{
        g_autofree char *path = sc_bus_image_path(id);
        sd_bus_emit_interfaces_removed(service->bus, path, SC_BUS_IMAGE, NULL);
}

bool sc_bus_image_plan_delete(ScCall *call, GError **error)
{
        const ScCatalogImage *image = sc_catalog_image(call->service->catalog, call->subject);
        if (image == NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found", call->subject);
        const char *option = sc_options_get(call->options, "name");
        g_autoptr(ScReference) name = option != NULL ? sc_reference_parse(option, error) : NULL;
        if (option != NULL && name == NULL)
                return false;
        if (name != NULL && !g_strv_contains((const char *const *)image->names, name->name))
                return sc_throw(error, SC_ERROR_NOT_FOUND, "%s is no name of the image %s", name->name, image->id);
        call->image = g_strdup(name != NULL ? name->name : image->names[0]);
        bool is_last_name = name == NULL || g_strv_length(image->names) == 1;
        if (is_last_name && image->used_by[0] != NULL && g_strcmp0(sc_options_get(call->options, "force"), "yes") != 0) {
                g_autofree char *users = g_strjoinv(", ", image->used_by);
                return sc_throw(error, SC_ERROR_BUSY, "Image %s is used by %s: uninstall it, or use force", call->image, users);
        }
        return true;
}

/* The id names all of it; a single name comes as the option. */
bool sc_bus_image_run_delete(ScCall *call, GError **error)
{
        return sc_call_queue(call, call->subject, error);
}
