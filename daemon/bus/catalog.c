/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/catalog.h"
#include "base/error.h"
#include "base/image-name.h"
#include "base/path.h"
#include "base/reference.h"
#include "bus/reply.h"
#include "bus/watch.h"
#include "store/deployment.h"
#include "store/image.h"
#include "store/intent.h"
#include "store/layer-list.h"
#include "store/mount-record.h"
#include "store/run-folder.h"
#include <fcntl.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define MIN_ID_PREFIX 4

struct ScCatalog {
        const ScConfig *config;
        const ScCatalogSink *sink;
        gpointer data;
        GHashTable *containers; /* name -> ScCatalogContainer */
        GHashTable *images;     /* id -> ScCatalogImage */
        GPtrArray *blobs;       /* of ScCatalogBlob; NULL: not read since the last refresh */
        char *repository;
        ScWatch *watch;
};

static void container_free(gpointer data)
{
        ScCatalogContainer *container = data;
        g_free(container->name);
        g_free(container->path);
        g_free(container->image);
        g_free(container->image_id);
        g_free(container->command);
        g_free(container->runtime);
        g_free(container->unit);
        g_free(container->previous);
        g_free(container->broken);
        g_free(container);
}

static void image_free(gpointer data)
{
        ScCatalogImage *image = data;
        g_free(image->id);
        g_free(image->commit);
        g_free(image->undescribed);
        g_strfreev(image->names);
        g_free(image->digest);
        g_hash_table_unref(image->labels);
        g_strfreev(image->layers);
        g_hash_table_unref(image->defaults);
        g_strfreev(image->required);
        g_strfreev(image->digests);
        g_strfreev(image->sources);
        g_strfreev(image->used_by);
        g_free(image);
}

static void blob_free(gpointer data)
{
        ScCatalogBlob *blob = data;
        g_free(blob->digest);
        g_strfreev(blob->images);
        g_free(blob);
}

static char *text_of(const char *text)
{
        return g_strdup(text != NULL ? text : "");
}

/* As the image is listed: the atomic command recorded what the user had typed. */
static char *image_name_of(const char *text)
{
        g_autoptr(ScReference) reference = text != NULL ? sc_reference_parse(text, NULL) : NULL;
        return text_of(reference != NULL ? reference->name : text);
}

static ScCatalogContainer *container_new(const ScDeployment *deployment)
{
        ScCatalogContainer *container = g_new0(ScCatalogContainer, 1);
        const ScInfo *info = deployment->info;
        container->name = g_strdup(deployment->name);
        container->path = g_strdup(deployment->path);
        container->image = image_name_of(info != NULL ? info->image : NULL);
        container->image_id = text_of(info != NULL ? sc_info_image_id(info) : NULL);
        container->created = info != NULL ? info->created : 0;
        container->command = text_of(info != NULL ? info->command : NULL);
        container->runtime = text_of(info != NULL ? info->runtime : NULL);
        container->unit = g_strconcat(deployment->name, ".service", NULL);
        container->slot = info != NULL ? deployment->slot : -1;
        container->previous = text_of(deployment->previous != NULL ? sc_info_image_id(deployment->previous) : NULL);
        container->preinstalled = deployment->preinstalled;
        container->broken = g_strdup(deployment->broken);
        container->has_service = info == NULL || info->has_service;
        container->has_remote_rootfs = info != NULL && info->remote != NULL;
        return container;
}

static int compare_strings(gconstpointer a, gconstpointer b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The atomic command called an image by another digest in its records: shown is the id that the image has here. */
static bool is_made_of(const ScImage *image, char **id)
{
        if (!sc_image_is_revision(image, *id))
                return false;
        g_free(*id);
        *id = g_strdup(image->id);
        return true;
}

/* Containers that were made of the image, live or previous. */
static char **find_users(const ScImage *image, GHashTable *containers)
{
        GPtrArray *names = g_ptr_array_new();
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, containers);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                ScCatalogContainer *container = value;
                bool live = is_made_of(image, &container->image_id), previous = is_made_of(image, &container->previous);
                if (live || previous)
                        g_ptr_array_add(names, g_strdup(container->name));
        }
        g_ptr_array_sort(names, compare_strings);
        g_ptr_array_add(names, NULL);
        return (char **)g_ptr_array_free(names, FALSE);
}

static bool has_layer(int repository_fd, const char *hex)
{
        g_autofree char *ref = g_strconcat("refs/heads/" SC_REF_PREFIX, hex, NULL);
        return faccessat(repository_fd, ref, F_OK, 0) == 0;
}

static void set_layers(ScCatalogImage *image, const ScImageInfo *info, int repository_fd)
{
        GPtrArray *layers = g_ptr_array_new();
        for (guint i = 0; i < info->layers->len; i++) {
                const ScLayerInfo *layer = g_ptr_array_index(info->layers, i);
                char hex[SC_DIGEST_HEX_SIZE];
                sc_digest_to_hex(&layer->digest, hex);
                if (!has_layer(repository_fd, hex))
                        image->dangling = true;
                g_ptr_array_add(layers, sc_digest_to_string(&layer->digest));
        }
        g_ptr_array_add(layers, NULL);
        image->layers = (char **)g_ptr_array_free(layers, FALSE);
}

static ScCatalogImage *image_new(const ScImage *source, GHashTable *containers, int repository_fd)
{
        ScCatalogImage *image = g_new0(ScCatalogImage, 1);
        const ScImageInfo *info = source->info;
        image->id = g_strdup(source->id);
        image->commit = g_strdup(source->commit);
        image->undescribed = g_strdup(source->undescribed);
        image->names = g_strdupv(source->names);
        image->digests = g_strdupv(source->digests);
        image->sources = g_strdupv(source->sources);
        image->digest = g_strdup(source->digests[0]);
        image->labels = info != NULL ? sc_string_map_copy(info->labels) : sc_string_map_new();
        image->defaults = info != NULL ? sc_string_map_copy(info->defaults) : sc_string_map_new();
        image->required = info != NULL && info->required != NULL ? g_strdupv(info->required) : g_new0(char *, 1);
        image->used_by = find_users(source, containers);
        if (info == NULL) {
                image->layers = g_new0(char *, 1);
                return image;
        }
        image->created = info->created;
        image->size = sc_image_info_size(info);
        image->virtual_size = sc_image_info_virtual_size(info);
        set_layers(image, info, repository_fd);
        return image;
}

static GHashTable *read_containers(ScCatalog *catalog)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) list = sc_deployment_list(catalog->config, &error);
        if (list == NULL) {
                sc_bus_complain(LOG_ERR, "Cannot list the containers", error->message);
                return NULL;
        }
        GHashTable *containers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, container_free);
        for (guint i = 0; i < list->len; i++) {
                ScCatalogContainer *container = container_new(g_ptr_array_index(list, i));
                g_hash_table_insert(containers, container->name, container);
                /* Somebody may mend or break its info by hand. */
                sc_watch_folder(catalog->watch, container->path);
        }
        return containers;
}

/* No repository yet is an empty list. */
static GHashTable *read_images(ScCatalog *catalog, GHashTable *containers, char **ret_repository)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScRepository) repository = sc_repository_open(catalog->config, SC_REPOSITORY_READ, &error);
        g_autoptr(GPtrArray) list = repository != NULL ? sc_image_list(repository, &error) : NULL;
        if (list == NULL && !g_error_matches(error, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                sc_bus_complain(LOG_ERR, "Cannot list the images", error->message);
                return NULL;
        }
        GHashTable *images = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, image_free);
        for (guint i = 0; list != NULL && i < list->len; i++) {
                ScCatalogImage *image = image_new(g_ptr_array_index(list, i), containers, sc_repository_fd(repository));
                g_hash_table_insert(images, image->id, image);
        }
        *ret_repository = g_strdup(repository != NULL ? sc_repository_path(repository) : "");
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
        sc_watch_folder(catalog->watch, catalog->config->checkout_path);
        sc_watch_path(catalog->watch, catalog->config->preinstalled_path);
        if (*catalog->repository == '\0')
                return;
        g_autofree char *heads = g_build_filename(catalog->repository, "refs/heads", NULL);
        g_autofree char *refs = g_build_filename(heads, "ociimage", NULL);
        sc_watch_folder(catalog->watch, heads);
        sc_watch_folder(catalog->watch, refs);
}

void sc_catalog_refresh(ScCatalog *catalog)
{
        /* Watched before it is read: what changes in between is read again. */
        sc_watch_settle(catalog->watch);
        g_clear_pointer(&catalog->blobs, g_ptr_array_unref);
        watch_folders(catalog);
        g_autoptr(GHashTable) containers_before = NULL, images_before = NULL;
        GHashTable *containers = read_containers(catalog);
        if (containers != NULL) {
                containers_before = catalog->containers;
                catalog->containers = containers;
        }
        g_autofree char *repository = NULL;
        GHashTable *images = read_images(catalog, catalog->containers, &repository);
        if (images != NULL) {
                images_before = catalog->images;
                catalog->images = images;
        }
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

static void on_disk_changed(gpointer data)
{
        sc_catalog_refresh(data);
}

ScCatalog *sc_catalog_new(const ScConfig *config, const ScCatalogSink *sink, gpointer data)
{
        ScCatalog *catalog = g_new0(ScCatalog, 1);
        catalog->config = config;
        catalog->sink = sink;
        catalog->data = data;
        catalog->containers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, container_free);
        catalog->images = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, image_free);
        catalog->repository = g_strdup("");
        catalog->watch = sc_watch_new(on_disk_changed, catalog);
        return catalog;
}

void sc_catalog_free(ScCatalog *catalog)
{
        if (catalog == NULL)
                return;
        sc_watch_free(catalog->watch);
        g_hash_table_unref(catalog->containers);
        g_hash_table_unref(catalog->images);
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

ScCatalogImage *sc_catalog_image_named(ScCatalog *catalog, const char *name)
{
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, catalog->images);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                ScCatalogImage *image = value;
                if (g_strv_contains((const char *const *)image->names, name))
                        return image;
        }
        return NULL;
}

static bool is_id_prefix(const char *text)
{
        gsize length = strspn(text, "0123456789abcdef");
        return length >= MIN_ID_PREFIX && length <= SC_DIGEST_HEX_SIZE - 1 && text[length] == '\0';
}

const char *sc_catalog_image_source(const ScCatalogImage *image, const char *name)
{
        for (guint i = 0; image->names[i] != NULL; i++)
                if (strcmp(image->names[i], name) == 0)
                        return image->sources[i];
        return "";
}

char **sc_catalog_image_meant(const ScCatalogImage *image, const char *text)
{
        if (g_strv_contains((const char *const *)image->names, text))
                return g_strdupv((char *[]){(char *)text, NULL});
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        for (guint i = 0; image->names[i] != NULL; i++)
                if (sc_image_is_meant(text, image->names[i], image->digests[i], image->id))
                        g_strv_builder_add(names, image->names[i]);
        return g_strv_builder_end(names);
}

static ScCatalogImage *find_meant(ScCatalog *catalog, const char *text)
{
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, catalog->images);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                g_auto(GStrv) names = sc_catalog_image_meant(value, text);
                if (names[0] != NULL)
                        return value;
        }
        return NULL;
}

/* A name without a registry is exact here; the one that was probably meant is told. */
static bool throw_not_found(const ScCatalog *catalog, const ScReference *reference, GError **error)
{
        g_autofree char *end = g_strconcat("/", reference->name, NULL);
        const char *first = NULL;
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, catalog->images);
        while (g_hash_table_iter_next(&iter, NULL, &value))
                for (char *const *name = ((const ScCatalogImage *)value)->names; *name != NULL; name++)
                        if (g_str_has_suffix(*name, end) && (first == NULL || strcmp(*name, first) < 0))
                                first = *name;
        if (reference->host != NULL || first == NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found", reference->name);
        return sc_throw(error, SC_ERROR_NOT_FOUND, "Image %s not found: did you mean %s?", reference->name, first);
}

ScCatalogImage *sc_catalog_image_find(ScCatalog *catalog, const char *name_or_id, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse(name_or_id, NULL);
        ScCatalogImage *found = reference != NULL ? sc_catalog_image_named(catalog, reference->name) : NULL;
        if (found == NULL && reference != NULL)
                found = find_meant(catalog, reference->name);
        if (found == NULL && is_id_prefix(name_or_id)) {
                GHashTableIter iter;
                gpointer value;
                g_hash_table_iter_init(&iter, catalog->images);
                while (g_hash_table_iter_next(&iter, NULL, &value)) {
                        ScCatalogImage *image = value;
                        if (!g_str_has_prefix(image->id, name_or_id))
                                continue;
                        if (found != NULL) {
                                sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "more images matching prefix `%s`", name_or_id);
                                return NULL;
                        }
                        found = image;
                }
        }
        if (found == NULL && reference != NULL)
                throw_not_found(catalog, reference, error);
        else if (found == NULL)
                sc_throw(error, SC_ERROR_NOT_FOUND, "Image of that name not found");
        return found;
}

static const char **sorted_keys(GHashTable *table)
{
        guint n_keys;
        gpointer *keys = g_hash_table_get_keys_as_array(table, &n_keys);
        qsort(keys, n_keys, sizeof(*keys), compare_strings);
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

/* Digests to the GPtrArray of the ids that hold them. */
static GHashTable *index_holders(GHashTable *images)
{
        GHashTable *holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, images);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const ScCatalogImage *image = value;
                g_autofree char *config = g_strconcat("sha256:", image->id, NULL);
                g_autoptr(GHashTable) held = g_hash_table_new(g_str_hash, g_str_equal);
                g_hash_table_add(held, config);
                for (char **layer = image->layers; *layer != NULL; layer++)
                        g_hash_table_add(held, *layer);
                GHashTableIter each;
                gpointer digest;
                g_hash_table_iter_init(&each, held);
                while (g_hash_table_iter_next(&each, &digest, NULL)) {
                        GPtrArray *ids = g_hash_table_lookup(holders, digest);
                        if (ids == NULL) {
                                ids = g_ptr_array_new();
                                g_hash_table_insert(holders, g_strdup(digest), ids);
                        }
                        g_ptr_array_add(ids, image->id);
                }
        }
        return holders;
}

static ScCatalogBlob *blob_new(const ScBlob *source, GHashTable *holders)
{
        ScCatalogBlob *blob = g_new0(ScCatalogBlob, 1);
        GPtrArray *ids = g_hash_table_lookup(holders, source->digest);
        g_autoptr(GStrvBuilder) images = g_strv_builder_new();
        blob->digest = g_strdup(source->digest);
        blob->imported = source->imported;
        blob->size = source->size;
        if (ids != NULL)
                g_ptr_array_sort(ids, compare_strings);
        for (guint i = 0; ids != NULL && i < ids->len; i++)
                g_strv_builder_add(images, ids->pdata[i]);
        blob->images = g_strv_builder_end(images);
        return blob;
}

GPtrArray *sc_catalog_blobs(ScCatalog *catalog, GError **error)
{
        if (catalog->blobs != NULL)
                return catalog->blobs;
        g_autoptr(GError) none = NULL;
        g_autoptr(ScRepository) repository = sc_repository_open(catalog->config, SC_REPOSITORY_READ, &none);
        g_autoptr(GPtrArray) list = repository != NULL ? sc_blob_list(repository, &none) : NULL;
        if (list == NULL && !g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&none));
                return NULL;
        }
        g_autoptr(GHashTable) holders = index_holders(catalog->images);
        catalog->blobs = g_ptr_array_new_with_free_func(blob_free);
        for (guint i = 0; list != NULL && i < list->len; i++)
                g_ptr_array_add(catalog->blobs, blob_new(list->pdata[i], holders));
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
