/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/service.h"
#include "bus/call.h"
#include "bus/container.h"
#include "bus/image.h"
#include "bus/job.h"
#include "bus/loop.h"
#include "bus/manager.h"
#include "bus/objects.h"
#include "bus/plan.h"
#include "bus/reply.h"
#include "job/adopt.h"
#include "job/number.h"
#include <string.h>
#include <syslog.h>

static void on_container_added(gpointer data, const ScCatalogContainer *container)
{
        ScService *service = data;
        sc_units_follow(service->units, container->unit);
        sc_bus_container_added(service, container);
}

static void on_container_changed(gpointer data, const ScCatalogContainer *container, char **properties)
{
        sc_bus_container_changed(data, container->name, properties);
}

static void on_container_removed(gpointer data, const char *name)
{
        ScService *service = data;
        g_autofree char *unit = g_strconcat(name, ".service", NULL);
        sc_units_forget(service->units, unit);
        sc_bus_container_removed(service, name);
}

/* A worker reads what another program pulled; once in the life of a daemon, as one that it cannot use stays as it is: it is not
 * recorded as bad, because a later sysconsd may be able to use it, and one look at a start costs nothing. */
static void look_at_image(ScService *service, const ScCatalogImage *image)
{
        if (service->looked_at != NULL && image->undescribed != NULL &&
            g_hash_table_add(service->looked_at, g_strdup(image->undescribed)))
                sc_bus_job_describe(service);
}

static void look_at_images(ScService *service)
{
        service->looked_at = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree const char **ids = sc_catalog_image_ids(service->catalog);
        bool wanted = false;
        for (const char **id = ids; *id != NULL; id++) {
                const ScCatalogImage *image = sc_catalog_image(service->catalog, *id);
                if (image->undescribed != NULL && g_hash_table_add(service->looked_at, g_strdup(image->undescribed)))
                        wanted = true;
        }
        if (wanted)
                sc_bus_job_describe(service);
}

static void on_image_added(gpointer data, const ScCatalogImage *image)
{
        sc_bus_image_added(data, image);
        look_at_image(data, image);
}

static void on_image_changed(gpointer data, const ScCatalogImage *image, char **properties)
{
        sc_bus_image_changed(data, image, properties);
        look_at_image(data, image);
}

static void on_image_removed(gpointer data, const char *id)
{
        sc_bus_image_removed(data, id);
}

static void on_repository_changed(gpointer data)
{
        ScService *service = data;
        g_free(service->workers.repository);
        const char *path = sc_catalog_repository(service->catalog);
        service->workers.repository = *path != '\0' ? g_strdup(path) : NULL;
        sd_bus_emit_properties_changed(service->bus, SC_BUS_PATH, SC_BUS_MANAGER, "Repository", NULL);
}

static const ScCatalogSink catalog_sink = {
        .container_added = on_container_added,
        .container_changed = on_container_changed,
        .container_removed = on_container_removed,
        .image_added = on_image_added,
        .image_changed = on_image_changed,
        .image_removed = on_image_removed,
        .repository_changed = on_repository_changed,
};

static void on_unit_changed(gpointer data, const char *unit)
{
        g_autofree char *name = g_strndup(unit, strlen(unit) - strlen(".service"));
        char *properties[] = {"State", NULL};
        sc_bus_container_changed(data, name, properties);
}

static void on_peer_gone(gpointer data, const char *name)
{
        ScService *service = data;
        sc_call_drop_sender(service, name);
        sc_queue_owner_gone(service->queue, name);
}

static void on_bus_lost(gpointer data)
{
        ScService *service = data;
        g_autoptr(GError) error = g_error_new(SC_ERROR, SC_ERROR_FAILED, "The connection to the bus is lost");
        service->sink->ended(service->data, error);
}

/* What is said to all comes by our matches, whose senders the bus has looked at. A signal that is addressed to us comes from
 * anybody, and sd-bus, to whom the bus tells no names but the unique ones, would take it for systemd's, or for the bus's own. */
static bool is_forged(sd_bus_message *message)
{
        return sd_bus_message_is_signal(message, NULL, NULL) > 0 && sd_bus_message_get_destination(message) != NULL;
}

static int on_message(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        if (sd_bus_message_is_method_call(message, NULL, NULL) > 0)
                service->last_activity = g_get_monotonic_time();
        return is_forged(message);
}

static bool is_idle(ScService *service)
{
        gint64 limit = (gint64)service->config->idle_timeout * G_USEC_PER_SEC;
        return service->calls->len == 0 && sc_queue_is_empty(service->queue) &&
               g_get_monotonic_time() - service->last_activity >= limit;
}

/* A call that came before the name was given up is answered first; one that comes later activates the next daemon. */
static gboolean on_idle_check(gpointer data)
{
        ScService *service = data;
        if (!is_idle(service))
                return G_SOURCE_CONTINUE;
        sd_bus_release_name(service->bus, SC_BUS_NAME);
        while (sd_bus_process(service->bus, NULL) > 0)
                ;
        if (!is_idle(service) && sd_bus_request_name(service->bus, SC_BUS_NAME, 0) >= 0)
                return G_SOURCE_CONTINUE;
        service->idle_source = 0;
        service->sink->ended(service->data, NULL);
        return G_SOURCE_REMOVE;
}

static void recover_unfinished(ScService *service)
{
        g_auto(GStrv) names = sc_catalog_unfinished(service->catalog);
        /* of some nothing but the record may be left */
        if (sc_catalog_has_mounts(service->catalog) || sc_catalog_has_commands(service->catalog))
                sc_bus_job_recover(service, NULL);
        for (char **name = names; *name != NULL; name++)
                if (!sc_queue_is_busy(service->queue, *name))
                        sc_bus_job_recover(service, *name);
}

/* The states of the units are here: nobody sees the daemon before it can answer everything. */
static void on_first_states(gpointer data)
{
        ScService *service = data;
        g_autoptr(GError) error = NULL;
        sc_queue_skip_numbers(service->queue, sc_job_number_load());
        if (!sc_adopt_workers(service->queue, &service->workers, &error))
                sc_bus_complain(LOG_ERR, "Workers of an earlier daemon cannot be taken over", error->message);
        sc_bus_job_watch_owners(service);
        recover_unfinished(service);
        look_at_images(service);
        int r = sd_bus_request_name(service->bus, SC_BUS_NAME, 0);
        if (r < 0) {
                g_autoptr(GError) taken = NULL;
                sc_bus_throw(&taken, r, "Cannot take the bus name " SC_BUS_NAME);
                service->sink->ended(service->data, taken);
                return;
        }
        service->last_activity = g_get_monotonic_time();
        if (service->config->idle_timeout > 0)
                service->idle_source = g_timeout_add_seconds(1, on_idle_check, service);
        service->sink->ready(service->data);
}

static bool publish(ScService *service, GError **error)
{
        int r = sd_bus_add_filter(service->bus, NULL, on_message, service);
        if (r >= 0)
                r = sd_bus_add_object_manager(service->bus, NULL, SC_BUS_PATH);
        if (r >= 0)
                r = sc_bus_objects_publish(service);
        if (r >= 0)
                r = sc_bus_manager_publish(service);
        if (r >= 0)
                r = sc_bus_container_publish(service);
        if (r >= 0)
                r = sc_bus_image_publish(service);
        if (r >= 0)
                r = sc_bus_job_publish(service);
        return r >= 0 || sc_bus_throw(error, r, "Cannot publish the objects");
}

ScService *sc_service_new(sd_bus *bus, const ScConfig *config, const ScServicePaths *paths, const ScServiceSink *sink,
                          gpointer data, GError **error)
{
        g_autoptr(ScService) service = g_new0(ScService, 1);
        service->bus = sd_bus_ref(bus);
        service->config = config;
        service->sink = sink;
        service->data = data;
        service->workers = (ScWorkers){.bus = bus, .config = config, .worker = paths->worker, .config_path = paths->config_path};
        service->plans = sc_bus_plans_new();
        service->calls = g_ptr_array_new_with_free_func((GDestroyNotify)sc_call_free);
        service->settings = sc_settings_new(config->scope);
        service->peers = sc_peers_new(bus, on_peer_gone, service);
        service->queue = sc_queue_new(config, &sc_process_runner, &service->workers, &sc_bus_job_sink, service);
        service->catalog = sc_catalog_new(config, &catalog_sink, service);
        service->units = sc_units_new(bus, on_unit_changed, service, error);
        if (service->units == NULL || !publish(service, error))
                return NULL;
        service->bus_source = sc_bus_attach(bus, on_bus_lost, service);
        sc_catalog_refresh(service->catalog);
        sc_units_when_fresh(service->units, on_first_states, service);
        return g_steal_pointer(&service);
}

void sc_service_free(ScService *service)
{
        if (service == NULL)
                return;
        g_clear_handle_id(&service->idle_source, g_source_remove);
        g_ptr_array_unref(service->calls);
        g_clear_pointer(&service->looked_at, g_hash_table_unref);
        g_hash_table_unref(service->plans);
        sc_queue_free(service->queue);
        sc_units_free(service->units);
        sc_catalog_free(service->catalog);
        sc_peers_free(service->peers);
        sc_settings_free(service->settings);
        if (service->bus_source != NULL) {
                g_source_destroy(service->bus_source);
                g_source_unref(service->bus_source);
        }
        g_free(service->workers.repository);
        sd_bus_flush_close_unref(service->bus);
        g_free(service);
}
