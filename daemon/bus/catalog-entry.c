/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/catalog-entry.h"
#include "base/reference.h"
#include <string.h>

int sc_catalog_compare_texts(gconstpointer a, gconstpointer b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void sc_catalog_container_free(gpointer data)
{
        ScCatalogContainer *container = data;
        g_free(container->name);
        g_free(container->path);
        g_free(container->image);
        g_free(container->revision);
        g_free(container->previous_revision);
        g_free(container->image_id);
        g_free(container->command);
        g_free(container->runtime);
        g_free(container->unit);
        g_free(container->previous);
        g_free(container->broken);
        g_free(container);
}

void sc_catalog_image_free(gpointer data)
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

ScCatalogContainer *sc_catalog_container_new(const ScDeployment *deployment)
{
        ScCatalogContainer *container = g_new0(ScCatalogContainer, 1);
        const ScInfo *info = deployment->info;
        container->name = g_strdup(deployment->name);
        container->path = g_strdup(deployment->path);
        container->image = image_name_of(info != NULL ? info->image : NULL);
        container->revision = text_of(info != NULL ? sc_info_image_id(info) : NULL);
        container->created = info != NULL ? info->created : 0;
        container->command = text_of(info != NULL ? info->command : NULL);
        container->runtime = text_of(info != NULL ? info->runtime : NULL);
        container->unit = g_strconcat(deployment->name, ".service", NULL);
        container->slot = info != NULL ? deployment->slot : -1;
        container->previous_revision = text_of(deployment->previous != NULL ? sc_info_image_id(deployment->previous) : NULL);
        container->image_id = g_strdup(container->revision);
        container->previous = g_strdup(container->previous_revision);
        container->preinstalled = deployment->preinstalled;
        container->broken = g_strdup(deployment->broken);
        container->has_service = info == NULL || info->has_service;
        container->has_remote_rootfs = info != NULL && info->remote != NULL;
        return container;
}

ScCatalogContainer *sc_catalog_container_copy(const ScCatalogContainer *container)
{
        ScCatalogContainer *copy = g_memdup2(container, sizeof(*container));
        copy->name = g_strdup(container->name);
        copy->path = g_strdup(container->path);
        copy->image = g_strdup(container->image);
        copy->revision = g_strdup(container->revision);
        copy->image_id = g_strdup(container->revision);
        copy->command = g_strdup(container->command);
        copy->runtime = g_strdup(container->runtime);
        copy->unit = g_strdup(container->unit);
        copy->previous_revision = g_strdup(container->previous_revision);
        copy->previous = g_strdup(container->previous_revision);
        copy->broken = g_strdup(container->broken);
        return copy;
}

static char **layers_of(const ScImageInfo *info)
{
        g_autoptr(GStrvBuilder) layers = g_strv_builder_new();
        for (guint i = 0; info != NULL && i < info->layers->len; i++) {
                g_autofree char *digest = sc_digest_to_string(&((const ScLayerInfo *)info->layers->pdata[i])->digest);
                g_strv_builder_add(layers, digest);
        }
        return g_strv_builder_end(layers);
}

ScCatalogImage *sc_catalog_image_new(const ScImage *source)
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
        /* Of the description, which does not change. */
        image->labels = info != NULL ? g_hash_table_ref(info->labels) : sc_string_map_new();
        image->defaults = info != NULL ? g_hash_table_ref(info->defaults) : sc_string_map_new();
        image->required = info != NULL && info->required != NULL ? g_strdupv(info->required) : g_new0(char *, 1);
        image->layers = layers_of(info);
        image->dangling = source->dangling;
        image->used_by = g_new0(char *, 1);
        if (info == NULL)
                return image;
        image->created = info->created;
        image->size = sc_image_info_size(info);
        image->virtual_size = sc_image_info_virtual_size(info);
        sc_digest_to_hex(&info->digest, image->manifest);
        return image;
}

/* By what containers call their images: GPtrArrays of ScCatalogContainers. */
static GHashTable *index_revisions(GHashTable *containers)
{
        GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, containers);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                const ScCatalogContainer *container = value;
                char *const revisions[] = {container->revision, container->previous_revision};
                for (guint i = 0; i < G_N_ELEMENTS(revisions); i++) {
                        GPtrArray *users = g_hash_table_lookup(index, revisions[i]);
                        if (users == NULL) {
                                users = g_ptr_array_new();
                                g_hash_table_insert(index, revisions[i], users);
                        }
                        g_ptr_array_add(users, value);
                }
        }
        return index;
}

/* The atomic command called an image by another digest in its records: shown is the id that the image has here. */
static void show_id(char **shown, const char *revision, const char *wanted, const char *id)
{
        if (strcmp(revision, wanted) != 0 || strcmp(*shown, id) == 0)
                return;
        g_free(*shown);
        *shown = g_strdup(id);
}

/* The containers that call the image by this revision, live or previous. */
static void add_users(GHashTable *names, GHashTable *index, const ScCatalogImage *image, const char *revision)
{
        const GPtrArray *users = *revision != '\0' ? g_hash_table_lookup(index, revision) : NULL;
        for (guint i = 0; users != NULL && i < users->len; i++) {
                ScCatalogContainer *container = users->pdata[i];
                show_id(&container->image_id, container->revision, revision, image->id);
                show_id(&container->previous, container->previous_revision, revision, image->id);
                g_hash_table_add(names, container->name);
        }
}

void sc_catalog_link(GHashTable *containers, GHashTable *images)
{
        g_autoptr(GHashTable) index = index_revisions(containers);
        GHashTableIter iter;
        gpointer value;
        g_hash_table_iter_init(&iter, images);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                ScCatalogImage *image = value;
                g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
                /* as sc_image_is_revision() has them */
                add_users(names, index, image, image->id);
                add_users(names, index, image, image->manifest);
                add_users(names, index, image, image->commit);
                guint count;
                g_autofree char **sorted = (char **)g_hash_table_get_keys_as_array(names, &count);
                qsort(sorted, count, sizeof(*sorted), sc_catalog_compare_texts);
                g_strfreev(image->used_by);
                image->used_by = g_strdupv(sorted);
        }
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
                g_ptr_array_sort(ids, sc_catalog_compare_texts);
        for (guint i = 0; ids != NULL && i < ids->len; i++)
                g_strv_builder_add(images, ids->pdata[i]);
        blob->images = g_strv_builder_end(images);
        return blob;
}

GPtrArray *sc_catalog_blobs_new(GPtrArray *blobs, GHashTable *images)
{
        g_autoptr(GHashTable) holders = index_holders(images);
        GPtrArray *list = g_ptr_array_new_with_free_func(blob_free);
        for (guint i = 0; i < blobs->len; i++)
                g_ptr_array_add(list, blob_new(blobs->pdata[i], holders));
        return list;
}
