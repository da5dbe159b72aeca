/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/image.h"
#include "base/reference.h"
#include "bus/call.h"
#include "bus/manager.h"
#include "bus/objects.h"
#include "bus/origin.h"
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

static int get_labels(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply, void *data,
                      sd_bus_error *ret_error)
{
        const ScCatalogImage *image = data;
        return sc_bus_append_map(reply, image->labels);
}

static int describe_variables(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        const ScCatalogImage *image = data;
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sc_bus_append_map(reply, image->defaults);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, image->required);
        if (r >= 0)
                r = sd_bus_send(sd_bus_message_get_bus(message), reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

/* The names, each with what is known of it: `of` has as many. */
static int append_by_name(sd_bus_message *reply, const ScCatalogImage *image, char **of)
{
        int r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (guint i = 0; r >= 0 && image->names[i] != NULL; i++)
                r = sc_bus_append_pair(reply, image->names[i], of[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_by_name(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *data, sd_bus_error *ret_error)
{
        const ScCatalogImage *image = data;
        return append_by_name(reply, image, strcmp(property, "Digests") == 0 ? image->digests : image->sources);
}

#define FIELD(name, signature, field) \
        SD_BUS_PROPERTY(name, signature, NULL, offsetof(ScCatalogImage, field), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Tag", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DescribeVariables", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{ss}", defaults, "as", required),
                                describe_variables, SD_BUS_VTABLE_UNPRIVILEGED),
        FIELD("Names", "as", names),
        SD_BUS_PROPERTY("Id", "s", NULL, offsetof(ScCatalogImage, id), SD_BUS_VTABLE_PROPERTY_CONST),
        FIELD("Digest", "s", digest),
        SD_BUS_PROPERTY("Digests", "a{ss}", get_by_name, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Sources", "a{ss}", get_by_name, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        FIELD("Created", "x", created),
        FIELD("Size", "t", size),
        FIELD("VirtualSize", "t", virtual_size),
        SD_BUS_PROPERTY("Labels", "a{ss}", get_labels, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        FIELD("Layers", "as", layers),
        FIELD("UsedBy", "as", used_by),
        FIELD("Dangling", "b", dangling),
        SD_BUS_VTABLE_END,
};

int sc_bus_image_append_all(sd_bus_message *reply, ScService *service)
{
        g_autofree const char **ids = sc_catalog_image_ids(service->catalog);
        int r = 0;
        for (const char **id = ids; r >= 0 && *id != NULL; id++) {
                g_autofree char *path = sc_bus_image_path(*id);
                r = sc_bus_objects_append(reply, path, SC_BUS_IMAGE, vtable, sc_catalog_image(service->catalog, *id));
        }
        return r;
}

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

static ScCatalogImage *look_up(const ScCall *call, GError **error)
{
        ScCatalogImage *image = sc_catalog_image(call->service->catalog, call->subject);
        if (image == NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found", call->subject);
        return image;
}

/* The names that the option `name` means, all of them without it. */
static char **names_of_option(const ScCall *call, const ScCatalogImage *image, GError **error)
{
        const char *option = sc_options_get(call->options, "name");
        if (option == NULL)
                return g_strdupv(image->names);
        g_autoptr(ScReference) reference = sc_reference_parse(option, error);
        if (reference == NULL)
                return NULL;
        g_auto(GStrv) names = sc_catalog_image_meant(image, reference->name);
        if (names[0] != NULL)
                return g_steal_pointer(&names);
        sc_throw(error, SC_ERROR_NOT_FOUND, "%s is no name of the image %s", reference->name, image->id);
        return NULL;
}

bool sc_bus_image_plan_delete(ScCall *call, GError **error)
{
        const ScCatalogImage *image = look_up(call, error);
        g_auto(GStrv) names = image != NULL ? names_of_option(call, image, error) : NULL;
        if (names == NULL)
                return false;
        call->image = g_strdup(names[0]);
        bool is_last_name = g_strv_length(names) == g_strv_length(image->names);
        if (is_last_name && image->used_by[0] != NULL && g_strcmp0(sc_options_get(call->options, "force"), "yes") != 0) {
                g_autofree char *users = g_strjoinv(", ", image->used_by);
                return sc_throw(error, SC_ERROR_BUSY,
                                "Image %s is used by the container %s: uninstall it first, or force the deletion", call->image,
                                users);
        }
        return true;
}

/* The id names all of it; single names come as the option. */
bool sc_bus_image_run_delete(ScCall *call, GError **error)
{
        g_auto(GStrv) names = names_of_option(call, look_up(call, NULL), error);
        if (sc_options_get(call->options, "name") != NULL) {
                json_object_remove_member(call->options, "name");
                sc_json_set_strv(call->options, "names", names);
        }
        return sc_call_queue(call, call->subject, error);
}

/* ---- tags ---- */

static bool is_of_repository(const ScReference *reference, const ScReference *other)
{
        return other != NULL && g_strcmp0(reference->host, other->host) == 0 && strcmp(reference->path, other->path) == 0;
}

/* A name with a registry in it says where an image came from. Whoever gives such a name to one that did not, or takes it from one
 * that did, imports what nobody vouches for; and whoever gives a container's image name to another image chooses what its next
 * update brings. */
static void need_for_tag(ScCall *call, const ScCatalogImage *image, const char *from, const ScReference *to)
{
        ScCatalog *catalog = call->service->catalog;
        const ScCatalogImage *before = sc_catalog_image_named(catalog, to->name);
        g_autoptr(ScReference) origin = sc_origin_of(image, from);
        bool is_verified = origin != NULL && origin->source == SC_SOURCE_REGISTRY;
        bool takes_verified = before != NULL && sc_origin_is_verified(before, to->name);
        /* The same image, but it is said of it, too, where it came from. */
        if (before == image && (is_verified || !takes_verified))
                return;
        if ((to->host != NULL && !is_of_repository(to, origin)) || (takes_verified && !is_verified))
                sc_call_need(call, "import");
        if (sc_origin_is_installed(catalog, to->name))
                sc_call_need(call, "configure");
}

static const char *one_name(const ScCall *call, const ScCatalogImage *image, GError **error)
{
        g_auto(GStrv) names = names_of_option(call, image, error);
        for (char **name = image->names; names != NULL && *name != NULL; name++)
                if (strcmp(*name, names[0]) == 0)
                        return *name;
        return NULL;
}

bool sc_bus_image_plan_tag(ScCall *call, GError **error)
{
        const ScCatalogImage *image = look_up(call, error);
        g_autoptr(ScReference) reference = image != NULL ? sc_reference_parse(call->argument, error) : NULL;
        if (reference == NULL || !sc_reference_is_tag(reference, error))
                return false;
        const char *from = one_name(call, image, error);
        if (from == NULL)
                return false;
        const ScCatalogImage *before = sc_catalog_image_named(call->service->catalog, reference->name);
        if (before != NULL && before != image && g_strcmp0(sc_options_get(call->options, "replace"), "yes") != 0)
                return sc_throw(error, SC_ERROR_EXISTS,
                                "The name %s means another image already: delete it first, or say that it shall be replaced",
                                reference->name);
        call->image = g_strdup(reference->name);
        need_for_tag(call, image, from, reference);
        return true;
}

/* It may wait for long, and the name mean more by then than it did when the caller was asked for actions. */
static void hold_to_what_was_allowed(ScCall *call, const char *from)
{
        ScCatalog *catalog = call->service->catalog;
        const ScCatalogImage *before = sc_catalog_image_named(catalog, call->image);
        json_object_set_string_member(call->options, "before", before != NULL ? before->id : "");
        json_object_set_string_member(call->options, "before-source",
                                      before != NULL ? sc_catalog_image_source(before, call->image) : "");
        json_object_set_string_member(call->options, "source", sc_catalog_image_source(look_up(call, NULL), from));
        if (!sc_origin_is_installed(catalog, call->image))
                json_object_set_string_member(call->options, "installed", "none");
}

bool sc_bus_image_run_tag(ScCall *call, GError **error)
{
        const char *from = one_name(call, look_up(call, NULL), NULL);
        json_object_set_string_member(call->options, "name", from);
        json_object_set_string_member(call->options, "as", call->image);
        if (!sc_call_is_master(call))
                hold_to_what_was_allowed(call, from);
        return sc_call_queue(call, call->subject, error);
}

/* ---- verification */

static bool is_online(const ScCall *call)
{
        return g_strcmp0(sc_options_get(call->options, "repair"), "yes") == 0 ||
               g_strcmp0(sc_options_get(call->options, "newer"), "ask") == 0;
}

/* Fetching needs the action of a pull from where the image came. */
bool sc_bus_image_plan_verify(ScCall *call, GError **error)
{
        const ScCatalogImage *image = look_up(call, error);
        const char *name = image != NULL ? one_name(call, image, error) : NULL;
        if (name == NULL)
                return false;
        if (is_online(call)) {
                g_autoptr(ScReference) origin = sc_origin_of(image, name);
                if (origin == NULL)
                        return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                        "Image %s came from a file, or it is not known from where: pull it again", name);
                sc_plan_fetch(call, origin);
                if (call->needs[1] == NULL)
                        sc_call_need(call, "pull");
                call->operation = "verify-online";
                /* Nothing comes of it that was not here, but a digest. */
                call->host_logins = true;
        }
        g_free(call->image);
        call->image = g_strdup(name);
        return true;
}

bool sc_bus_image_run_verify(ScCall *call, GError **error)
{
        json_object_set_string_member(call->options, "name", call->image);
        return sc_call_queue(call, call->subject, error);
}
