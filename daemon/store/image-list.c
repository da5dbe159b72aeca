/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image-list.h"
#include "base/error.h"
#include "base/journal.h"
#include "base/reference.h"
#include "image-cache.h"
#include "image-commit.h"
#include <string.h>
#include <syslog.h>

#define MAX_INFO (16u << 20)

void sc_image_free(ScImage *image)
{
        if (image == NULL)
                return;
        g_strfreev(image->names);
        g_strfreev(image->digests);
        g_strfreev(image->sources);
        g_free(image->id);
        g_free(image->commit);
        g_free(image->undescribed);
        g_free(image->manifest);
        g_clear_pointer(&image->info, sc_image_info_free);
        g_free(image);
}

static bool read_info(GVariant *metadata, ScImageInfo **ret, GError **error)
{
        const char *text;

        *ret = NULL;
        if (!g_variant_lookup(metadata, SC_IMAGE_INFO, "&s", &text))
                return true;
        g_autoptr(JsonObject) json = sc_json_parse_object(text, -1, MAX_INFO, "image information", error);
        if (json == NULL)
                return false;
        *ret = sc_image_info_from_json(json, error);
        return *ret != NULL;
}

/* Of an image that nobody has described yet: the digest of its configuration; what stands in for it where the manifest is of a kind
 * that knows none is the manifest's digest, or the commit: what the atomic command called the image's id. */
static char *read_id(GVariant *metadata, const char *manifest, const char *commit, GError **error)
{
        g_autoptr(JsonObject) json = sc_json_parse_object(manifest, -1, SC_IMAGE_MANIFEST_MAX, "manifest", error);
        JsonObject *config;
        const char *text = NULL;
        ScDigest digest;

        if (json == NULL || !sc_json_get_object(json, "config", SC_JSON_OPTIONAL, &config, error))
                return NULL;
        if (config != NULL) {
                if (!sc_json_get_string(config, "digest", SC_JSON_REQUIRED, &text, error))
                        return NULL;
        } else if (!g_variant_lookup(metadata, SC_IMAGE_DIGEST, "&s", &text) &&
                   !sc_json_get_string(json, "Digest", SC_JSON_OPTIONAL, &text, error))
                return NULL;
        if (text == NULL)
                return g_strdup(commit);
        if (!sc_digest_parse(text, &digest, error))
                return NULL;
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(&digest, hex);
        return g_strdup(hex);
}

static char *read_digest(GVariant *metadata, const ScImageInfo *info)
{
        const char *text = "";

        if (info != NULL)
                return sc_digest_to_string(&info->digest);
        (void)g_variant_lookup(metadata, SC_IMAGE_DIGEST, "&s", &text);
        return g_strdup(text);
}

ScImage *sc_image_of_commit(GVariant *object, const char *commit, GError **error)
{
        g_autoptr(GVariant) metadata = sc_commit_metadata(object);
        g_autoptr(ScImage) image = g_new0(ScImage, 1);
        const char *manifest;

        if (!read_info(metadata, &image->info, error))
                return NULL;
        if (!g_variant_lookup(metadata, SC_IMAGE_MANIFEST, "&s", &manifest)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The commit %s has no manifest", commit);
                return NULL;
        }
        if (image->info != NULL) {
                char hex[SC_DIGEST_HEX_SIZE];
                sc_digest_to_hex(&image->info->config, hex);
                image->id = g_strdup(hex);
        } else
                image->id = read_id(metadata, manifest, commit, error);
        if (image->id == NULL)
                return NULL;
        image->commit = g_strdup(commit);
        image->undescribed = image->info == NULL ? g_strdup(commit) : NULL;
        image->manifest = g_strdup(manifest);
        image->digests = g_new0(char *, 2);
        image->digests[0] = read_digest(metadata, image->info);
        return g_steal_pointer(&image);
}

ScImage *sc_image_read(const ScRepositoryView *view, const char *commit, GError **error)
{
        g_autoptr(GVariant) object = sc_repository_view_commit(view, commit, error);

        return object != NULL ? sc_image_of_commit(object, commit, error) : NULL;
}

static void image_ref_clear(gpointer data)
{
        ScImageRef *image = data;

        g_free(image->name);
        g_free(image->ref);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
        return strcmp(((const ScImageRef *)a)->name, ((const ScImageRef *)b)->name);
}

/* Of all refs those that are names of images, sorted by them. */
static GArray *select_images(GPtrArray *refs)
{
        GArray *list = g_array_new(FALSE, FALSE, sizeof(ScImageRef));

        g_array_set_clear_func(list, image_ref_clear);
        for (guint i = 0; i < refs->len; i++) {
                const char *ref = refs->pdata[i];
                char *name = sc_ref_is_blob(ref) ? NULL : sc_ref_decode(ref);
                ScImageRef image = {.name = name, .ref = name != NULL ? g_strdup(ref) : NULL};
                if (name != NULL)
                        g_array_append_val(list, image);
        }
        g_array_sort(list, compare_names);
        return list;
}

GArray *sc_image_refs(const ScRepositoryView *view, GError **error)
{
        g_autoptr(GPtrArray) refs = sc_repository_view_refs(view, error);

        return refs != NULL ? select_images(refs) : NULL;
}

static void append(char ***strv, char *text)
{
        guint n = *strv != NULL ? g_strv_length(*strv) : 0;

        *strv = g_renew(char *, *strv, n + 2);
        (*strv)[n] = text;
        (*strv)[n + 1] = NULL;
}

char *sc_image_source_of(const ScImageInfo *info, const char *name)
{
        const ScSourceFacts *facts = info != NULL && info->source != NULL ? sc_source_of_provenance(info->source) : NULL;
        if (info != NULL && info->name != NULL && strcmp(info->name, name) != 0)
                return g_strconcat("tag:", facts != NULL ? facts->prefix : "", info->name, NULL);
        return g_strdup(info != NULL && info->source != NULL ? info->source : "");
}

void sc_image_add_name(ScImage *image, const char *name, const ScImage *named)
{
        append(&image->names, g_strdup(name));
        append(&image->sources, sc_image_source_of(named->info, name));
        if (named != image)
                append(&image->digests, g_strdup(named->digests[0]));
}

/* NULL without an error: it was removed meanwhile. */
static ScImage *read_named(const ScRepositoryView *view, ScImageCache *cache, const ScImageRef *named, GError **error)
{
        g_autoptr(GError) own_error = NULL;
        g_autofree char *commit = sc_repository_view_resolve(view, named->ref, &own_error);

        if (commit != NULL)
                return cache != NULL ? sc_image_cache_read(cache, view, commit, error) : sc_image_read(view, commit, error);
        if (!g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                g_propagate_error(error, g_steal_pointer(&own_error));
        return NULL;
}

static void complain(ScImageCache *cache, const ScImageRef *named, const GError *error)
{
        g_autofree char *message = g_strdup_printf("Image %s cannot be read: %s", named->name, error->message);

        if (cache == NULL || sc_image_cache_is_news(cache, message))
                sc_journal(LOG_WARNING, message, SC_FIELD_IMAGE, named->name, NULL);
}

/* To the entry of its id, if there is one. */
static void add_image(GPtrArray *images, GHashTable *by_id, const char *name, ScImage *new_image)
{
        g_autoptr(ScImage) image = new_image;
        ScImage *known = g_hash_table_lookup(by_id, image->id);

        if (known == NULL) {
                sc_image_add_name(image, name, image);
                g_hash_table_insert(by_id, image->id, image);
                g_ptr_array_add(images, g_steal_pointer(&image));
                return;
        }
        if (known->undescribed == NULL)
                known->undescribed = g_steal_pointer(&image->undescribed);
        sc_image_add_name(known, name, image);
}

/* What is damaged, or lost, is no image any more, unless it is the one that is looked for. */
static void keep_first(GError **first, const ScImageRef *named, const char *text, const GError *error)
{
        if (*first == NULL && (g_strcmp0(named->name, text) == 0 || (!g_error_matches(error, SC_ERROR, SC_ERROR_CORRUPT) &&
                                                                     !g_error_matches(error, SC_ERROR, SC_ERROR_NOT_FOUND)))) {
                *first = g_error_copy(error);
                sc_prefix(first, "Image %s cannot be read", named->name);
        }
}

/* As sc_image_list_whole(); ret_unreadable may be NULL. */
static GPtrArray *read_all(const ScRepositoryView *view, ScImageCache *cache, GPtrArray *refs, const char *text,
                           GError **ret_unreadable)
{
        g_autoptr(GArray) names = select_images(refs);
        g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);
        GPtrArray *images = g_ptr_array_new_with_free_func((GDestroyNotify)sc_image_free);

        for (guint i = 0; i < names->len; i++) {
                const ScImageRef *named = &g_array_index(names, ScImageRef, i);
                g_autoptr(GError) error = NULL;
                ScImage *image = read_named(view, cache, named, &error);
                if (image != NULL)
                        add_image(images, by_id, named->name, image);
                else if (error != NULL) {
                        complain(cache, named, error);
                        if (ret_unreadable != NULL)
                                keep_first(ret_unreadable, named, text, error);
                }
        }
        return images;
}

GPtrArray *sc_image_list_whole(const ScRepositoryView *view, const char *text, GError **ret_unreadable, GError **error)
{
        g_autoptr(GPtrArray) refs = sc_repository_view_refs(view, error);

        return refs != NULL ? read_all(view, NULL, refs, text, ret_unreadable) : NULL;
}

static bool lacks_a_layer(const ScImageInfo *info, GHashTable *refs)
{
        for (guint i = 0; i < info->layers->len; i++) {
                char ref[sizeof(SC_REF_PREFIX) - 1 + SC_DIGEST_HEX_SIZE] = SC_REF_PREFIX;
                sc_digest_to_hex(&((const ScLayerInfo *)info->layers->pdata[i])->digest, ref + sizeof(SC_REF_PREFIX) - 1);
                if (!g_hash_table_contains(refs, ref))
                        return true;
        }
        return false;
}

GPtrArray *sc_image_list(const ScRepositoryView *view, ScImageCache *cache, GError **error)
{
        g_autoptr(GPtrArray) refs = sc_repository_view_refs(view, error);
        g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

        if (refs == NULL)
                return NULL;
        for (guint i = 0; i < refs->len; i++)
                g_hash_table_add(known, refs->pdata[i]);
        if (cache != NULL)
                sc_image_cache_begin(cache);
        GPtrArray *images = read_all(view, cache, refs, NULL, NULL);
        if (cache != NULL)
                sc_image_cache_end(cache);
        for (guint i = 0; i < images->len; i++) {
                ScImage *image = images->pdata[i];
                g_clear_pointer(&image->manifest, g_free);
                image->dangling = image->info != NULL && lacks_a_layer(image->info, known);
        }
        return images;
}

bool sc_image_is_revision(const ScImage *image, const char *revision)
{
        if (revision == NULL || revision[0] == '\0')
                return false;
        char digest[SC_DIGEST_HEX_SIZE] = "";
        if (image->info != NULL)
                sc_digest_to_hex(&image->info->digest, digest);
        return strcmp(revision, image->id) == 0 || strcmp(revision, digest) == 0 || g_strcmp0(revision, image->commit) == 0;
}
