/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image-cache.h"

typedef struct {
        ScImage *image; /* without names */
        guint list;     /* that needed it last */
} Entry;

struct ScImageCache {
        GHashTable *entries; /* commit to Entry */
        GHashTable *said;    /* message to the number of the list that said it last */
        guint list;
};

static void entry_free(gpointer data)
{
        Entry *entry = data;

        sc_image_free(entry->image);
        g_free(entry);
}

ScImageCache *sc_image_cache_new(void)
{
        ScImageCache *cache = g_new0(ScImageCache, 1);

        cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
        cache->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return cache;
}

void sc_image_cache_free(ScImageCache *cache)
{
        if (cache == NULL)
                return;
        g_hash_table_unref(cache->entries);
        g_hash_table_unref(cache->said);
        g_free(cache);
}

void sc_image_cache_begin(ScImageCache *cache)
{
        cache->list++;
}

static gboolean is_old_entry(gpointer commit, gpointer entry, gpointer cache)
{
        return ((const Entry *)entry)->list != ((const ScImageCache *)cache)->list;
}

static gboolean is_old_message(gpointer message, gpointer list, gpointer cache)
{
        return GPOINTER_TO_UINT(list) != ((const ScImageCache *)cache)->list;
}

void sc_image_cache_end(ScImageCache *cache)
{
        g_hash_table_foreach_remove(cache->entries, is_old_entry, cache);
        g_hash_table_foreach_remove(cache->said, is_old_message, cache);
}

static ScImage *copy_nameless(const ScImage *image)
{
        ScImage *copy = g_new0(ScImage, 1);

        copy->id = g_strdup(image->id);
        copy->commit = g_strdup(image->commit);
        copy->undescribed = g_strdup(image->undescribed);
        copy->digests = g_strdupv(image->digests);
        copy->info = image->info != NULL ? sc_image_info_ref(image->info) : NULL;
        return copy;
}

ScImage *sc_image_cache_read(ScImageCache *cache, const ScRepositoryView *view, const char *commit, GError **error)
{
        Entry *entry = g_hash_table_lookup(cache->entries, commit);

        if (entry == NULL) {
                ScImage *image = sc_image_read(view, commit, error);
                if (image == NULL)
                        return NULL;
                g_clear_pointer(&image->manifest, g_free);
                entry = g_new0(Entry, 1);
                entry->image = image;
                g_hash_table_insert(cache->entries, image->commit, entry);
        }
        entry->list = cache->list;
        return copy_nameless(entry->image);
}

bool sc_image_cache_is_news(ScImageCache *cache, const char *message)
{
        return g_hash_table_insert(cache->said, g_strdup(message), GUINT_TO_POINTER(cache->list));
}
