/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/catalog.h"
#include "base/error.h"
#include "base/path.h"
#include "bus/catalog-entry.h"
#include "bus/reply.h"
#include "bus/watch.h"
#include "store/image-cache.h"
#include "store/intent.h"
#include "store/mount-record.h"
#include "store/run-folder.h"
#include <fcntl.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* Folders, by what their entries are. */
typedef enum { WATCHED_CONTAINER, WATCHED_HEADS, WATCHED_REFS } Watched;

struct ScCatalog {
        const ScConfig *config;
        const ScCatalogSink *sink;
        gpointer data;
        GHashTable *containers; /* name -> ScCatalogContainer */
        GHashTable *images;     /* id -> ScCatalogImage */
        ScImageCache *cache;
        bool has_dangling; /* an image */
        GPtrArray *blobs;  /* of ScCatalogBlob; NULL: not read since the last refresh */
        char *repository;
        ScWatch *watch;
        bool containers_changed; /* since they were read, or may have */
};

static GHashTable *read_containers(ScCatalog *catalog)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) list = sc_deployment_list(catalog->config, &error);
        if (list == NULL) {
                sc_bus_complain(LOG_ERR, "Cannot list the containers", error->message);
                return NULL;
        }
        GHashTable *containers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sc_catalog_container_free);
        catalog->containers_changed = false;
        for (guint i = 0; i < list->len; i++) {
                const ScDeployment *deployment = list->pdata[i];
                ScCatalogContainer *container = sc_catalog_container_new(deployment);
                g_hash_table_insert(containers, container->name, container);
                /* Somebody may mend or break its info by hand, or has done so before it was watched. What could not be read just
                 * now is looked at again, too. */
                if (!sc_watch_folder(catalog->watch, WATCHED_CONTAINER, container->path) || deployment->unreadable != NULL)
                        catalog->containers_changed = true;
        }
        return containers;
}

/* As they were when they were read, to be linked anew. */
static GHashTable *copy_containers(const ScCatalog *catalog)
{
        GHashTable *containers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sc_catalog_container_free);
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, catalog->containers);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                ScCatalogContainer *container = sc_catalog_container_copy(value);
                g_hash_table_insert(containers, container->name, container);
        }
        return containers;
}

/* No repository yet is an empty list. */
static GHashTable *read_images(ScCatalog *catalog, char **ret_repository)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScRepositoryView) view = sc_repository_view_open(catalog->config, &error);
        g_autoptr(GPtrArray) list = view != NULL ? sc_image_list(view, catalog->cache, &error) : NULL;
        if (list == NULL && !g_error_matches(error, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                sc_bus_complain(LOG_ERR, "Cannot list the images", error->message);
                return NULL;
        }
        GHashTable *images = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sc_catalog_image_free);
        catalog->has_dangling = false;
        for (guint i = 0; list != NULL && i < list->len; i++) {
                ScCatalogImage *image = sc_catalog_image_new(list->pdata[i]);
                g_hash_table_insert(images, image->id, image);
                catalog->has_dangling = catalog->has_dangling || image->dangling;
        }
        *ret_repository = g_strdup(view != NULL ? sc_repository_view_path(view) : "");
        return images;
}

static void note(GPtrArray *changed, bool same, const char *property)
{
        if (!same)
                g_ptr_array_add(changed, (gpointer)property);
}

static void compare_containers(ScCatalog *catalog, const ScCatalogContainer *old, const ScCatalogContainer *new)
{
        g_autoptr(GPtrArray) changed = g_ptr_array_new();
        note(changed, strcmp(old->image, new->image) == 0, "Image");
        note(changed, strcmp(old->image_id, new->image_id) == 0, "ImageId");
        note(changed, old->created == new->created, "Created");
        note(changed, strcmp(old->command, new->command) == 0, "Command");
        note(changed, strcmp(old->runtime, new->runtime) == 0, "Runtime");
        note(changed, (old->broken == NULL) == (new->broken == NULL) && old->has_service == new->has_service, "State");
        note(changed, old->slot == new->slot, "Deployment");
        note(changed, strcmp(old->previous, new->previous) == 0, "Previous");
        note(changed, old->preinstalled == new->preinstalled, "Preinstalled");
        note(changed, strcmp(old->path, new->path) == 0, "Path");
        if (changed->len == 0)
                return;
        g_ptr_array_add(changed, NULL);
        catalog->sink->container_changed(catalog->data, new, (char **)changed->pdata);
}

/* What an image's commit holds changes only with the commit. */
static void compare_images(ScCatalog *catalog, const ScCatalogImage *old, const ScCatalogImage *new)
{
        g_autoptr(GPtrArray) changed = g_ptr_array_new();
        const char *const of_commit[] = {"Digest", "Created", "Size", "VirtualSize", "Labels", "Layers"};
        for (unsigned i = 0; i < G_N_ELEMENTS(of_commit); i++)
                note(changed, strcmp(old->commit, new->commit) == 0, of_commit[i]);
        note(changed, g_strv_equal((const char *const *)old->names, (const char *const *)new->names), "Names");
        note(changed,
             g_strv_equal((const char *const *)old->names, (const char *const *)new->names) &&
                     g_strv_equal((const char *const *)old->digests, (const char *const *)new->digests),
             "Digests");
        note(changed,
             g_strv_equal((const char *const *)old->names, (const char *const *)new->names) &&
                     g_strv_equal((const char *const *)old->sources, (const char *const *)new->sources),
             "Sources");
        note(changed, g_strv_equal((const char *const *)old->used_by, (const char *const *)new->used_by), "UsedBy");
        note(changed, old->dangling == new->dangling, "Dangling");
        if (changed->len == 0)
                return;
        g_ptr_array_add(changed, NULL);
        catalog->sink->image_changed(catalog->data, new, (char **)changed->pdata);
}

static void announce_containers(ScCatalog *catalog, GHashTable *before)
{
        GHashTableIter iter;
        gpointer name, value;
        g_hash_table_iter_init(&iter, before);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                if (!g_hash_table_contains(catalog->containers, name))
                        catalog->sink->container_removed(catalog->data, name);
        g_hash_table_iter_init(&iter, catalog->containers);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
                const ScCatalogContainer *old = g_hash_table_lookup(before, name);
                if (old == NULL)
                        catalog->sink->container_added(catalog->data, value);
                else
                        compare_containers(catalog, old, value);
        }
}

static void announce_images(ScCatalog *catalog, GHashTable *before)
{
        GHashTableIter iter;
        gpointer id, value;
        g_hash_table_iter_init(&iter, before);
        while (g_hash_table_iter_next(&iter, &id, NULL))
                if (!g_hash_table_contains(catalog->images, id))
                        catalog->sink->image_removed(catalog->data, id);
        g_hash_table_iter_init(&iter, catalog->images);
        while (g_hash_table_iter_next(&iter, &id, &value)) {
                const ScCatalogImage *old = g_hash_table_lookup(before, id);
                if (old == NULL)
                        catalog->sink->image_added(catalog->data, value);
                else
                        compare_images(catalog, old, value);
        }
}

/* Folders appear with the first pull: each refresh looks again which of them are there. */
static void watch_folders(ScCatalog *catalog)
{
        /* What appeared in them before has told nobody. */
        bool checkout = sc_watch_folder(catalog->watch, WATCHED_CONTAINER, catalog->config->checkout_path);
        bool preinstalled = sc_watch_path(catalog->watch, WATCHED_CONTAINER, catalog->config->preinstalled_path);
        if (!checkout || !preinstalled)
                catalog->containers_changed = true;
        if (*catalog->repository == '\0')
                return;
        g_autofree char *heads = g_build_filename(catalog->repository, "refs/heads", NULL);
        g_autofree char *refs = g_build_filename(heads, "ociimage", NULL);
        sc_watch_folder(catalog->watch, WATCHED_HEADS, heads);
        sc_watch_folder(catalog->watch, WATCHED_REFS, refs);
}

/* Nobody looks at a thousand containers again because an image came. */
static void look(ScCatalog *catalog)
{
        /* Watched before it is read: what changes in between is read again. */
        sc_watch_settle(catalog->watch);
        g_clear_pointer(&catalog->blobs, g_ptr_array_unref);
        watch_folders(catalog);
        g_autoptr(GHashTable) containers_before = NULL, images_before = NULL;
        GHashTable *containers = catalog->containers_changed ? read_containers(catalog) : copy_containers(catalog);
        if (containers != NULL) {
                containers_before = catalog->containers;
                catalog->containers = containers;
        }
        g_autofree char *repository = NULL;
        GHashTable *images = read_images(catalog, &repository);
        if (images != NULL) {
                images_before = catalog->images;
                catalog->images = images;
        }
        sc_catalog_link(catalog->containers, catalog->images);
        if (repository != NULL && strcmp(repository, catalog->repository) != 0) {
                g_free(catalog->repository);
                catalog->repository = g_steal_pointer(&repository);
                watch_folders(catalog);
                catalog->sink->repository_changed(catalog->data);
        }
        if (images_before != NULL)
                announce_images(catalog, images_before);
        if (containers_before != NULL)
                announce_containers(catalog, containers_before);
}

void sc_catalog_refresh(ScCatalog *catalog)
{
        catalog->containers_changed = true;
        look(catalog);
}

static void on_disk_changed(gpointer data)
{
        look(data);
}

/* A pull brings many layers, and each matters to nobody but a list of them, unless an image waits for it. Deployments are built and
 * displaced under hidden names, which say nothing; the repository's folder is the exception. */
static bool is_telling(gpointer data, guint watched, const char *name, bool is_gone)
{
        ScCatalog *catalog = data;
        if (watched == WATCHED_REFS && name != NULL && sc_digest_is_hex(name)) {
                g_clear_pointer(&catalog->blobs, g_ptr_array_unref);
                return is_gone || catalog->has_dangling;
        }
        bool tells = name == NULL || name[0] != '.' || strcmp(name, ".storage") == 0;
        catalog->containers_changed = catalog->containers_changed || (tells && watched == WATCHED_CONTAINER);
        return tells;
}

ScCatalog *sc_catalog_new(const ScConfig *config, const ScCatalogSink *sink, gpointer data)
{
        ScCatalog *catalog = g_new0(ScCatalog, 1);
        catalog->config = config;
        catalog->sink = sink;
        catalog->data = data;
        catalog->containers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sc_catalog_container_free);
        catalog->images = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, sc_catalog_image_free);
        catalog->cache = sc_image_cache_new();
        catalog->repository = g_strdup("");
        catalog->watch = sc_watch_new(on_disk_changed, is_telling, catalog);
        return catalog;
}

void sc_catalog_free(ScCatalog *catalog)
{
        if (catalog == NULL)
                return;
        sc_watch_free(catalog->watch);
        g_hash_table_unref(catalog->containers);
        g_hash_table_unref(catalog->images);
        sc_image_cache_free(catalog->cache);
        g_clear_pointer(&catalog->blobs, g_ptr_array_unref);
        g_free(catalog->repository);
        g_free(catalog);
}

const char *sc_catalog_repository(ScCatalog *catalog)
{
        return catalog->repository;
}

ScCatalogContainer *sc_catalog_container(ScCatalog *catalog, const char *name)
{
        return g_hash_table_lookup(catalog->containers, name);
}

ScCatalogImage *sc_catalog_image(ScCatalog *catalog, const char *id)
{
        return g_hash_table_lookup(catalog->images, id);
}

GHashTable *sc_catalog_images(ScCatalog *catalog)
{
        return catalog->images;
}

static const char **sorted_keys(GHashTable *table)
{
        guint n_keys;
        gpointer *keys = g_hash_table_get_keys_as_array(table, &n_keys);
        qsort(keys, n_keys, sizeof(*keys), sc_catalog_compare_texts);
        return (const char **)keys;
}

const char **sc_catalog_container_names(ScCatalog *catalog)
{
        return sorted_keys(catalog->containers);
}

const char **sc_catalog_image_ids(ScCatalog *catalog)
{
        return sorted_keys(catalog->images);
}

GPtrArray *sc_catalog_blobs(ScCatalog *catalog, GError **error)
{
        if (catalog->blobs != NULL)
                return catalog->blobs;
        g_autoptr(GError) none = NULL;
        g_autoptr(ScRepositoryView) view = sc_repository_view_open(catalog->config, &none);
        g_autoptr(GPtrArray) list = view != NULL ? sc_blob_list(view, &none) : NULL;
        if (list == NULL && !g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&none));
                return NULL;
        }
        g_autoptr(GPtrArray) none_yet = g_ptr_array_new();
        catalog->blobs = sc_catalog_blobs_new(list != NULL ? list : none_yet, catalog->images);
        return catalog->blobs;
}

GHashTable *sc_catalog_read_values(ScCatalog *catalog, const char *container, GError **error)
{
        g_autoptr(ScDeployment) deployment = sc_deployment_find(catalog->config, container, error);
        if (deployment == NULL)
                return NULL;
        if (deployment->info == NULL) {
                sc_throw(error, SC_ERROR_CORRUPT, "The values of %s cannot be read: %s", container, deployment->broken);
                return NULL;
        }
        return sc_string_map_copy(deployment->info->values);
}

char **sc_catalog_unfinished(ScCatalog *catalog)
{
        g_autoptr(GError) error = NULL;
        sc_autofd checkout_fd = sc_checkout_open(catalog->config, false, &error);
        g_auto(GStrv) intents = checkout_fd >= 0 ? sc_intent_list(checkout_fd, &error) : NULL;
        g_auto(GStrv) leftovers = checkout_fd >= 0 ? sc_slot_leftovers(checkout_fd, NULL) : NULL;
        if (intents == NULL && !g_error_matches(error, SC_ERROR, SC_ERROR_NOT_FOUND))
                sc_bus_complain(LOG_ERR, "Cannot look for unfinished operations", error->message);
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        if (intents != NULL)
                g_strv_builder_addv(names, (const char **)intents);
        for (char **name = leftovers; name != NULL && *name != NULL; name++)
                if (intents == NULL || !g_strv_contains((const char *const *)intents, *name))
                        g_strv_builder_add(names, *name);
        return g_strv_builder_end(names);
}

bool sc_catalog_is_interrupted(ScCatalog *catalog, const char *container)
{
        sc_autofd checkout_fd = sc_checkout_open(catalog->config, false, NULL);
        g_auto(GStrv) intents = checkout_fd >= 0 ? sc_intent_list(checkout_fd, NULL) : NULL;
        return intents != NULL && g_strv_contains((const char *const *)intents, container);
}

bool sc_catalog_has_mounts(ScCatalog *catalog)
{
        sc_autofd checkout_fd = sc_checkout_open(catalog->config, false, NULL);
        g_autoptr(GPtrArray) records = checkout_fd >= 0 ? sc_mount_record_list(checkout_fd, NULL) : NULL;
        return records != NULL && records->len > 0;
}

bool sc_catalog_has_commands(ScCatalog *catalog)
{
        sc_autofd checkout_fd = sc_checkout_open(catalog->config, false, NULL);
        return checkout_fd >= 0 && sc_run_folder_any(checkout_fd);
}
