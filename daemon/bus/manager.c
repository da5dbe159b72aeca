/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/manager.h"
#include "bus/call.h"
#include "bus/container.h"
#include "bus/image.h"
#include "bus/job.h"
#include "bus/origin.h"
#include "bus/policy.h"
#include "bus/reply.h"
#include "bus/short-name.h"
#include "job/stage.h"
#include <stddef.h>
#include <string.h>

static int get_container(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autoptr(GError) error = NULL;
        const char *name;
        int r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;
        if (!sc_container_name_check(name, &error))
                return sc_bus_reply_error(message, error);
        if (sc_catalog_container(service->catalog, name) == NULL) {
                sc_throw(&error, SC_ERROR_NOT_FOUND, "There is no container %s", name);
                return sc_bus_reply_error(message, error);
        }
        g_autofree char *path = sc_bus_container_path(name);
        return sd_bus_reply_method_return(message, "o", path);
}

static int get_image(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autoptr(GError) error = NULL;
        const char *name;
        int r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;
        const ScCatalogImage *image = sc_catalog_image_find(service->catalog, name, &error);
        if (image == NULL)
                return sc_bus_reply_error(message, error);
        g_autofree char *path = sc_bus_image_path(image->id);
        return sd_bus_reply_method_return(message, "o", path);
}

static int append_job_paths(sd_bus_message *reply, ScQueue *queue)
{
        g_autoptr(GPtrArray) jobs = sc_queue_list(queue);
        int r = sd_bus_message_open_container(reply, 'a', "o");
        for (guint i = 0; i < jobs->len && r >= 0; i++) {
                g_autofree char *path = sc_bus_job_path(((const ScJob *)g_ptr_array_index(jobs, i))->id);
                r = sd_bus_message_append(reply, "o", path);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int list_jobs(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_job_paths(reply, service->queue);
        if (r >= 0)
                r = sd_bus_send(sd_bus_message_get_bus(message), reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static int append_layers(sd_bus_message *reply, GPtrArray *blobs)
{
        int r = sd_bus_message_open_container(reply, 'a', "(sxtas)");
        for (guint i = 0; r >= 0 && i < blobs->len; i++) {
                const ScCatalogBlob *blob = blobs->pdata[i];
                r = sd_bus_message_open_container(reply, 'r', "sxtas");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "sxt", blob->digest, blob->imported, blob->size);
                if (r >= 0)
                        r = sd_bus_message_append_strv(reply, blob->images);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int list_layers(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autoptr(GError) error = NULL;
        GPtrArray *blobs = sc_catalog_blobs(service->catalog, &error);
        if (blobs == NULL)
                return sc_bus_reply_error(message, error);
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_layers(reply, blobs);
        if (r >= 0)
                r = sd_bus_send(sd_bus_message_get_bus(message), reply, NULL);
        sd_bus_message_unref(reply);
        return r < 0 ? r : 1;
}

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                        void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        const char *value = strcmp(property, "Version") == 0      ? VERSION
                            : strcmp(property, "Repository") == 0 ? sc_catalog_repository(service->catalog)
                            : strcmp(property, "Runtime") == 0    ? service->config->runtime
                                                                  : service->config->checkout_path;
        return sd_bus_message_append(reply, "s", value);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Pull", SD_BUS_ARGS("s", image, "a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CheckLogin", SD_BUS_ARGS("s", registry, "a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Install", SD_BUS_ARGS("s", image, "a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Mount", SD_BUS_ARGS("s", subject, "s", where, "a{sv}", options), SD_BUS_RESULT("o", job),
                                sc_call_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unmount", SD_BUS_ARGS("s", where, "a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Plan", SD_BUS_ARGS("s", operation, "s", subject, "a{sv}", options), SD_BUS_RESULT("a{sv}", plan),
                                sc_call_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Run", SD_BUS_ARGS("s", subject, "as", command, "a{sv}", options), SD_BUS_RESULT("o", job),
                                sc_call_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Prune", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetPolicy", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", policy), sc_bus_policy_get,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetLookaside", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{ss}", storages), sc_bus_policy_get_lookaside,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetPolicy", SD_BUS_ARGS("s", policy, "a{sv}", options), SD_BUS_RESULT("o", job), sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetContainer", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", container), get_container,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetImage", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", image), get_image,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, SD_BUS_RESULT("ao", jobs), list_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListLayers", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sxtas)", layers), list_layers,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Repository", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("CheckoutPath", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Runtime", "s", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("o", job), 0),
        SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("o", job, "s", result), 0),
        SD_BUS_VTABLE_END,
};

int sc_bus_manager_publish(ScService *service)
{
        return sd_bus_add_object_vtable(service->bus, NULL, SC_BUS_PATH, SC_BUS_MANAGER, vtable, service);
}

/* A file comes as a descriptor: a path would be opened in somebody else's name. */
static bool check_file_options(const ScCall *call, const ScReference *reference, GError **error)
{
        static const char *const of_files[] = {"file", "name", "file-name"};
        bool is_file = sc_source_is_file(reference->source);
        if (is_file && !json_object_has_member(call->options, "file"))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "A pull from %s needs the opened file, as the option `file`; its path is not part of the name",
                                sc_source_facts(reference->source)->prefix);
        for (unsigned i = 0; i < G_N_ELEMENTS(of_files) && !is_file; i++)
                if (json_object_has_member(call->options, of_files[i]))
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Option `%s` is for an image from a file", of_files[i]);
        for (unsigned i = 1; i < G_N_ELEMENTS(of_files); i++) {
                const char *text = sc_options_get(call->options, of_files[i]);
                g_autoptr(ScReference) name = text != NULL ? sc_reference_parse(text, error) : NULL;
                if (text != NULL && (name == NULL || !sc_reference_is_tag(name, error)))
                        return false;
        }
        return true;
}

/* What is known before the file has been read: nobody is asked about a name that turns out to be another. */
static char *name_from_file(const ScCall *call, const ScReference *reference)
{
        const char *given = sc_options_get(call->options, "name");
        g_autoptr(ScReference) name = given != NULL ? sc_reference_parse(given, NULL) : NULL;
        if (name != NULL)
                return g_strdup(name->name);
        return reference->source == SC_SOURCE_DOCKER_ARCHIVE ? g_strdup(reference->choice) : NULL;
}

bool sc_bus_manager_plan_pull(ScCall *call, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse_to_pull(call->subject, error);
        if (reference == NULL || !check_file_options(call, reference, error) ||
            (reference = sc_short_name_to_pull(call, reference, error)) == NULL)
                return false;
        if (!sc_plan_pull(call, reference, error))
                return false;
        if (sc_source_is_file(reference->source)) {
                g_free(call->image);
                call->image = name_from_file(call, reference);
        }
        /* Nobody may pull by `http:` with the weaker action alone, nor needs both. */
        if (call->needs[1] != NULL)
                memmove(call->needs, call->needs + 1, SC_CALL_MAX_NEEDS * sizeof(call->needs[0]));
        return true;
}

bool sc_bus_manager_run_pull(ScCall *call, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse_to_pull(call->subject, error);
        if (reference == NULL || (reference = sc_short_name_to_pull(call, reference, error)) == NULL)
                return false;
        g_autofree char *subject = sc_reference_to_text(reference);
        return sc_call_queue(call, subject, error);
}

/* It is a pull that fetches nothing. */
bool sc_bus_manager_plan_check_login(ScCall *call, GError **error)
{
        g_autoptr(ScReference) registry = sc_reference_parse_registry(call->subject, error);
        return registry != NULL && sc_plan_pull(call, registry, error);
}

bool sc_bus_manager_run_check_login(ScCall *call, GError **error)
{
        if (!json_object_has_member(call->options, SC_STAGE_CREDENTIALS) &&
            !json_object_has_member(call->options, SC_STAGE_AUTHFILE))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Without credentials or an authfile there is no login to check");
        return sc_call_queue(call, call->subject, error);
}

ScReference *sc_reference_or_id(const ScCall *call, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse(call->subject, error);
        const ScCatalogImage *image = reference != NULL && reference->host == NULL
                                              ? sc_catalog_image_find(call->service->catalog, call->subject, NULL)
                                              : NULL;
        if (image == NULL || image->names[0] == NULL || !g_str_has_prefix(image->id, call->subject))
                return g_steal_pointer(&reference);
        return sc_reference_parse(image->names[0], error);
}

static char *container_name(const ScCall *call, const ScReference *reference, GError **error)
{
        const char *name = sc_options_get(call->options, "name");
        return name != NULL ? g_strdup(name) : sc_container_name_from_reference(reference, error);
}

bool sc_plan_wants_pull(const ScCall *call, const ScReference *reference)
{
        const char *pull = sc_options_get(call->options, "pull");
        if (g_strcmp0(pull, "never") == 0 ||
            (call->container != NULL && sc_catalog_container(call->service->catalog, call->container) != NULL))
                return false;
        if (g_strcmp0(pull, "always") == 0)
                return true;
        const ScCatalogImage *image = sc_catalog_image_named(call->service->catalog, reference->name);
        return image == NULL || image->dangling;
}

bool sc_bus_manager_plan_install(ScCall *call, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_or_id(call, error);
        call->container = reference != NULL ? container_name(call, reference, error) : NULL;
        if (call->container == NULL || (reference = sc_short_name_to_use(call, reference, error)) == NULL)
                return false;
        json_object_set_string_member(call->options, SC_OPTION_KEY_CONTAINER, call->container);
        call->image = g_strdup(reference->name);
        if (sc_plan_wants_pull(call, reference)) {
                if (!sc_plan_pull(call, reference, error))
                        return false;
                call->pull = sc_reference_to_text(reference);
        }
        const char *const root_only[] = {"values", "runtime", "rootfs"};
        for (unsigned i = 0; i < G_N_ELEMENTS(root_only); i++)
                if (json_object_has_member(call->options, root_only[i]))
                        sc_call_need(call, "configure");
        return true;
}

bool sc_bus_manager_run_install(ScCall *call, GError **error)
{
        return sc_call_queue(call, call->image, error);
}

bool sc_bus_manager_run_prune(ScCall *call, GError **error)
{
        return sc_call_queue(call, "", error);
}
