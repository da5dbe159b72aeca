/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/container.h"
#include "bus/call.h"
#include "bus/manager.h"
#include "bus/objects.h"
#include "bus/origin.h"
#include "bus/reply.h"
#include "bus/short-name.h"
#include <stddef.h>
#include <string.h>

#define CONTAINERS_PATH SC_BUS_PATH "/container"

char *sc_bus_container_path(const char *name)
{
        char *path;
        return sd_bus_path_encode(CONTAINERS_PATH, name, &path) >= 0 ? path : NULL;
}

static int find_container(sd_bus *bus, const char *path, const char *interface, void *data, void **ret_found,
                          sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autofree char *name = NULL;
        if (sd_bus_path_decode(path, CONTAINERS_PATH, &name) <= 0)
                return 0;
        *ret_found = sc_catalog_container(service->catalog, name);
        return *ret_found != NULL;
}

static int list_containers(sd_bus *bus, const char *prefix, void *data, char ***ret_nodes, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autofree const char **names = sc_catalog_container_names(service->catalog);
        g_autoptr(GPtrArray) nodes = g_ptr_array_new();
        for (const char **name = names; *name != NULL; name++)
                g_ptr_array_add(nodes, sc_bus_container_path(*name));
        g_ptr_array_add(nodes, NULL);
        *ret_nodes = (char **)g_ptr_array_steal(nodes, NULL);
        return 0;
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply, void *data,
                     sd_bus_error *ret_error)
{
        const ScCatalogContainer *container = data;
        ScService *service = sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));
        const char *state = container->broken != NULL ? "broken"
                            : !container->has_service ? "no service"
                                                      : sc_units_state(service->units, container->unit);
        return sd_bus_message_append(reply, "s", state);
}

#define MUTATING(name)                                                                                        \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method, \
                                SD_BUS_VTABLE_UNPRIVILEGED)
#define FIELD(name, signature, field) \
        SD_BUS_PROPERTY(name, signature, NULL, offsetof(ScCatalogContainer, field), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        MUTATING("Update"),
        MUTATING("Rollback"),
        MUTATING("Uninstall"),
        MUTATING("Start"),
        MUTATING("Stop"),
        MUTATING("Restart"),
        SD_BUS_METHOD_WITH_ARGS("GetValues", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{ss}", values), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Name", "s", NULL, offsetof(ScCatalogContainer, name), SD_BUS_VTABLE_PROPERTY_CONST),
        FIELD("Image", "s", image),
        FIELD("ImageId", "s", image_id),
        FIELD("Created", "x", created),
        FIELD("Command", "s", command),
        FIELD("Runtime", "s", runtime),
        SD_BUS_PROPERTY("Unit", "s", NULL, offsetof(ScCatalogContainer, unit), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        FIELD("Deployment", "i", slot),
        FIELD("Previous", "s", previous),
        FIELD("Preinstalled", "b", preinstalled),
        FIELD("Path", "s", path),
        SD_BUS_VTABLE_END,
};

int sc_bus_container_append_all(sd_bus_message *reply, ScService *service)
{
        g_autofree const char **names = sc_catalog_container_names(service->catalog);
        int r = 0;
        for (const char **name = names; r >= 0 && *name != NULL; name++) {
                g_autofree char *path = sc_bus_container_path(*name);
                r = sc_bus_objects_append(reply, path, SC_BUS_CONTAINER, vtable, sc_catalog_container(service->catalog, *name));
        }
        return r;
}

int sc_bus_container_publish(ScService *service)
{
        int r = sd_bus_add_fallback_vtable(service->bus, NULL, CONTAINERS_PATH, SC_BUS_CONTAINER, vtable, find_container, service);
        return r < 0 ? r : sd_bus_add_node_enumerator(service->bus, NULL, CONTAINERS_PATH, list_containers, service);
}

void sc_bus_container_added(ScService *service, const ScCatalogContainer *container)
{
        g_autofree char *path = sc_bus_container_path(container->name);
        sd_bus_emit_interfaces_added(service->bus, path, SC_BUS_CONTAINER, NULL);
}

void sc_bus_container_changed(ScService *service, const char *name, char **properties)
{
        g_autofree char *path = sc_bus_container_path(name);
        sd_bus_emit_properties_changed_strv(service->bus, path, SC_BUS_CONTAINER, properties);
}

void sc_bus_container_removed(ScService *service, const char *name)
{
        g_autofree char *path = sc_bus_container_path(name);
        sd_bus_emit_interfaces_removed(service->bus, path, SC_BUS_CONTAINER, NULL);
}

static const ScCatalogContainer *look_up(const ScCall *call, GError **error)
{
        const ScCatalogContainer *container = sc_catalog_container(call->service->catalog, call->subject);
        if (container == NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND, "There is no container %s", call->subject);
        return container;
}

bool sc_bus_container_plan(ScCall *call, GError **error)
{
        const ScCatalogContainer *container = look_up(call, error);
        if (container == NULL)
                return false;
        call->container = g_strdup(container->name);
        call->image = *container->image != '\0' ? g_strdup(container->image) : NULL;
        return true;
}

/* The image to update to. Where it came from when it was pulled is where its next version is fetched; NULL in *ret_origin: nowhere,
 * whatever its name means here now is the newest. */
static ScReference *parse_update_source(const ScCall *call, const ScCatalogContainer *container, ScReference **ret_origin,
                                        GError **error)
{
        const char *rebase = sc_options_get(call->options, "image");
        g_autoptr(ScReference) reference = sc_reference_parse(rebase != NULL ? rebase : container->image, error);
        if (reference == NULL)
                return NULL;
        const ScCatalogImage *image = sc_catalog_image_named(call->service->catalog, reference->name);
        if (rebase != NULL || image == NULL) {
                *ret_origin = sc_reference_copy(reference);
                return g_steal_pointer(&reference);
        }
        g_autoptr(ScReference) origin = sc_origin_of(image, reference->name);
        /* Of a name that was given here to another one, that one's source says nothing: it is the name that is asked for, but only
         * of a registry, and not in place of what nobody vouches for. */
        if (sc_origin_is_verified(image, reference->name))
                *ret_origin = sc_reference_copy(reference);
        else if (origin != NULL && strcmp(origin->name, reference->name) == 0)
                *ret_origin = g_steal_pointer(&origin);
        return g_steal_pointer(&reference);
}

static bool wants_pull(const ScCall *call, const ScReference *reference, const ScReference *origin)
{
        const char *pull = sc_options_get(call->options, "pull");
        bool is_missing = sc_catalog_image_named(call->service->catalog, reference->name) == NULL;
        /* A name without a registry was given here. */
        if (pull == NULL && (origin == NULL || (origin->host == NULL && origin->source == SC_SOURCE_REGISTRY)))
                return is_missing;
        /* Nothing can be newer. */
        if (pull == NULL && reference->digest != NULL)
                return is_missing;
        if (pull == NULL || strcmp(pull, "always") == 0)
                return true;
        return strcmp(pull, "missing") == 0 && is_missing;
}

static bool plan_update_pull(ScCall *call, const ScCatalogContainer *container, GError **error)
{
        g_autoptr(ScReference) origin = NULL;
        g_autoptr(ScReference) reference = parse_update_source(call, container, &origin, error);
        if (reference == NULL)
                return false;
        /* A container with another one's rootfs gets new configuration only. */
        if (container->has_remote_rootfs || !wants_pull(call, reference, origin))
                return true;
        if (origin == NULL)
                return sc_throw(
                        error, SC_ERROR_UNSUPPORTED,
                        "The image %s came from a file, or was given its name here: pull the newer one from where it is, and "
                        "then update without `pull`",
                        reference->name);
        bool is_short = origin->host == NULL;
        if ((origin = sc_short_name_to_pull(call, origin, error)) == NULL || !sc_plan_pull(call, origin, error))
                return false;
        call->pull = sc_reference_to_text(origin);
        /* A name that was given here is perhaps somebody else's where short names are looked for: it is another image then. */
        if (is_short)
                sc_call_need(call, "configure");
        /* The pull gives the image that name and no other. */
        call->renamed = is_short ? g_strdup(origin->name) : NULL;
        return true;
}

void sc_bus_container_rename(ScCall *call)
{
        if (call->renamed != NULL)
                json_object_set_string_member(call->options, "image", call->renamed);
}

bool sc_bus_container_plan_update(ScCall *call, GError **error)
{
        if (!sc_bus_container_plan(call, error))
                return false;
        const ScCatalogContainer *container = look_up(call, error);
        if (container->preinstalled)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "Cannot update a preinstalled container");
        if (container->broken != NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "Cannot update %s, which is broken (uninstall it and install it anew): %s",
                                container->name, container->broken);
        if (!plan_update_pull(call, container, error))
                return false;
        /* Root has installed it: that it is kept up to date is in root's sense. What else there is to be had with root's logins is
         * not. */
        call->host_logins = !json_object_has_member(call->options, "image");
        const char *const root_only[] = {"values", "unset-values", "image"};
        for (unsigned i = 0; i < G_N_ELEMENTS(root_only); i++)
                if (json_object_has_member(call->options, root_only[i]))
                        sc_call_need(call, "configure");
        return true;
}

bool sc_bus_container_run(ScCall *call, GError **error)
{
        sc_bus_container_rename(call);
        return sc_call_queue(call, call->container, error);
}

bool sc_bus_container_run_get_values(ScCall *call, GError **error)
{
        g_autoptr(GHashTable) values = sc_catalog_read_values(call->service->catalog, call->container, error);
        if (values == NULL)
                return false;
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sc_bus_append_map(reply, values);
        if (r >= 0)
                r = sd_bus_send(call->service->bus, reply, NULL);
        sd_bus_message_unref(reply);
        return r >= 0 || sc_bus_throw(error, r, "Cannot answer");
}
