/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "layer.h"
#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "earlier-layers.h"
#include "inflate.h"
#include "large-file.h"
#include "layer-tree.h"
#include "publisher.h"
#include "tar-hash.h"
#include "writer.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_MAX_ENTRIES 2000000
#define MAX_WRITERS 4
#define DEFAULT_MAX_MEMORY (G_GUINT64_CONSTANT(1) << 30)

#define KEY_SIZE "docker.size"
#define KEY_INFLATED_SIZE "docker.uncompressed_size"
#define KEY_DIFF_ID "docker.uncompressed_digest"

struct ScImport {
        ScImportLimits limits;
        ScRepository *repository;
        ScObjectFormat format;
        ScStaging *staging;
        ScWriters *writers;
        ScPublisher *publisher;
        GMutex lock;
        GHashTable *broken; /* a set of ScDigest: layers that broke off and have not come whole since; under the lock */
        gint no_space;      /* atomic */
};

/* One layer on its way. */
typedef struct {
        ScImport *import;
        ScInflate *inflate;
        ScTarHash *tar_hash;
        ScNode *root;
        guint64 room;     /* of memory, for what the tree still gets */
        GPtrArray *files; /* ScLayerFile, also those that a later entry of the same name replaced */
        ScEarlierLayers *earlier;
        ScFeed *feed;
        GCancellable *cancellable;
} Work;

char *sc_layer_ref(const ScDigest *digest)
{
        char hex[SC_DIGEST_HEX_SIZE];

        sc_digest_to_hex(digest, hex);
        return g_strconcat(SC_REF_PREFIX, hex, NULL);
}

ScImport *sc_import_new(ScRepository *repository, const ScImportLimits *limits, GError **error)
{
        ScStaging *staging = sc_staging_new(repository, SC_STAGING_TAKE_OVER, error);
        if (staging == NULL)
                return NULL;

        ScImport *import = g_new0(ScImport, 1);
        import->limits = *limits;
        if (import->limits.max_entries == 0)
                import->limits.max_entries = DEFAULT_MAX_ENTRIES;
        import->format = sc_repository_format(repository);
        import->staging = staging;
        if (import->limits.max_memory == 0)
                import->limits.max_memory = DEFAULT_MAX_MEMORY;
        import->writers = sc_writers_new(staging, limits->writers > 0 ? limits->writers : MIN(g_get_num_processors(), MAX_WRITERS));
        import->publisher = sc_publisher_new(repository, staging);
        import->repository = repository;
        import->broken = g_hash_table_new_full(sc_digest_hash_func, sc_digest_equal_func, g_free, NULL);
        g_mutex_init(&import->lock);
        return import;
}

void sc_import_free(ScImport *import)
{
        if (import == NULL)
                return;
        sc_publisher_free(import->publisher);
        sc_writers_free(import->writers);
        /* On a full disk what is there is in the way of the user, who has to make room. */
        bool keep = g_hash_table_size(import->broken) > 0 && g_atomic_int_get(&import->no_space) == 0;
        sc_staging_free(import->staging, keep ? SC_STAGING_KEEP : SC_STAGING_REMOVE);
        g_hash_table_unref(import->broken);
        g_mutex_clear(&import->lock);
        g_free(import);
}

bool sc_layer_exists(ScRepository *repository, const ScDigest *digest, GError **error)
{
        g_autofree char *ref = sc_layer_ref(digest);

        return sc_repository_has_ref(repository, ref, error) > 0;
}

_Static_assert(SC_INFLATE_CHUNKS > SC_TAR_HASH_DEPTH, "a chunk is used again before it is hashed");

/* The tar's bytes, hashed on their way. */
static gssize read_tar(gpointer data, const void **ret_chunk, GError **error)
{
        Work *work = data;

        if (sc_cancelled(work->cancellable, error))
                return -1;
        gssize size = sc_inflate_read(work->inflate, ret_chunk, error);
        if (size > 0)
                sc_tar_hash_add(work->tar_hash, *ret_chunk, (gsize)size);
        return size;
}

static bool read_content(ScTar *tar, guint8 *data, gsize size, GError **error)
{
        const void *block;
        gsize block_size, done = 0;
        guint64 offset;
        int got;

        while ((got = sc_tar_read_block(tar, &block, &block_size, &offset, error)) > 0) {
                memset(data + done, 0, offset - done);
                memcpy(data + offset, block, block_size);
                done = offset + block_size;
        }
        if (got == 0 && done < size)
                memset(data + done, 0, size - done);
        return got == 0;
}

static bool import_small_file(Work *work, ScTar *tar, ScLayerFile *file, gsize size, GError **error)
{
        guint8 *data = sc_feed_allocate(work->feed, size);

        if (size > 0 && !read_content(tar, data, size, error)) {
                sc_feed_discard(work->feed, data, size);
                return false;
        }
        return sc_feed_add(work->feed, file, data, size, error);
}

static bool store_large_file(Work *work, ScTar *tar, ScLayerFile *file, guint64 size, GError **error)
{
        const ScImport *import = work->import;
        int stored_fd = sc_earlier_layers_open(work->earlier, file->path, &file->meta, size);
        g_autoptr(ScLargeFile) large = sc_large_file_new(import->staging, import->format, &file->meta, size, stored_fd, error);
        const void *block;
        gsize block_size;
        guint64 offset;
        int got = large != NULL ? 1 : -1;

        while (got > 0 && (got = sc_tar_read_block(tar, &block, &block_size, &offset, error)) > 0)
                if (!sc_large_file_write(large, block, block_size, offset, work->cancellable, error))
                        return false;
        ScStagedObject *object = got == 0 ? sc_large_file_finish(large, work->cancellable, error) : NULL;
        if (object == NULL)
                return false;
        sc_layer_file_settle(file, object);
        return true;
}

static bool import_large_file(Work *work, ScTar *tar, ScLayerFile *file, guint64 size, GError **error)
{
        return store_large_file(work, tar, file, size, error) || sc_prefix(error, "Cannot store %s", file->path);
}

static bool import_entry(Work *work, ScTar *tar, ScTarEntry *entry, GError **error)
{
        bool has_object = entry->type == SC_TAR_FILE || entry->type == SC_TAR_SYMLINK;
        ScLayerFile *file = NULL;

        if (has_object) {
                file = g_new0(ScLayerFile, 1);
                file->path = g_strdup(entry->path);
                file->meta = entry->meta;
                entry->meta = (ScObjectMeta){0};
                g_ptr_array_add(work->files, file);
        }
        if (!sc_layer_tree_add(work->root, entry, file, &work->room, error))
                return false;
        if (!has_object)
                return true;
        if (entry->size > SC_FEED_MAX_SIZE)
                return import_large_file(work, tar, file, entry->size, error);
        return import_small_file(work, tar, file, (gsize)entry->size, error);
}

static bool import_entries(Work *work, ScTar *tar, GError **error)
{
        for (;;) {
                ScTarEntry entry;
                int got = sc_tar_next(tar, &entry, error);
                if (got <= 0)
                        return got == 0;
                bool imported = import_entry(work, tar, &entry, error);
                sc_tar_entry_clear(&entry);
                if (!imported)
                        return false;
        }
}

static bool import_tar(Work *work, GError **error)
{
        const ScTarLimits limits = {.max_entries = work->import->limits.max_entries,
                                    .max_size = work->import->limits.max_layer_size};
        g_autoptr(ScTar) tar = sc_tar_new(read_tar, work, &limits, error);
        const void *chunk;
        gssize size;

        if (tar == NULL || !import_entries(work, tar, error))
                return false;
        /* libarchive stops at the tar's end mark; the digests are of all that comes. */
        do
                size = read_tar(work, &chunk, error);
        while (size > 0);
        return size == 0;
}

/* From here on file nodes point to their object's id, as a commit needs them. */
static void resolve_files(ScNode *node)
{
        GHashTableIter iter;
        gpointer child;

        if (node->type == SC_NODE_FILE)
                node->file = sc_staged_object_id(((const ScLayerFile *)node->file)->object);
        if (node->type != SC_NODE_FOLDER)
                return;
        g_hash_table_iter_init(&iter, node->children);
        while (g_hash_table_iter_next(&iter, NULL, &child))
                resolve_files(child);
}

static void put_number(GVariantDict *metadata, const char *key, guint64 value)
{
        g_variant_dict_insert_value(metadata, key, g_variant_new_take_string(g_strdup_printf("%" G_GUINT64_FORMAT, value)));
}

static bool publish_layer(Work *work, const ScLayerInfo *layer, const ScDigest *diff_id, GError **error)
{
        g_autoptr(GPtrArray) objects = g_ptr_array_sized_new(work->files->len);
        g_auto(GVariantDict) metadata = G_VARIANT_DICT_INIT(NULL);
        g_autofree char *ref = sc_layer_ref(&layer->digest), *diff_id_text = sc_digest_to_string(diff_id);

        for (guint i = 0; i < work->files->len; i++)
                g_ptr_array_add(objects, ((ScLayerFile *)work->files->pdata[i])->object);
        if (!sc_staging_wait(work->import->staging, objects, error))
                return false;
        resolve_files(work->root);
        put_number(&metadata, KEY_SIZE, sc_inflate_bytes_in(work->inflate));
        put_number(&metadata, KEY_INFLATED_SIZE, sc_inflate_bytes_out(work->inflate));
        g_variant_dict_insert(&metadata, KEY_DIFF_ID, "s", diff_id_text);
        return sc_publisher_publish(work->import->publisher, ref, work->root, objects, &metadata, error);
}

static bool check_diff_id(const ScLayerInfo *layer, const ScDigest *diff_id, GError **error)
{
        if (!layer->has_diff_id || sc_digest_equal(&layer->diff_id, diff_id))
                return true;
        g_autofree char *expected = sc_digest_to_string(&layer->diff_id), *found = sc_digest_to_string(diff_id);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "the tar has the digest %s, but the image's configuration says %s", found,
                        expected);
}

static bool import_layer(Work *work, const ScLayerInfo *layer, GError **error)
{
        ScDigest diff_id;

        /* Nothing that is packed is larger than what is in it, by more than a little. */
        if (layer->size > work->import->limits.max_layer_size)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The layer has %" G_GUINT64_FORMAT
                                " bytes; MaxLayerSize= in sysconsd.conf sets the limit of %" G_GUINT64_FORMAT,
                                layer->size, work->import->limits.max_layer_size);
        if (!import_tar(work, error) || !sc_feed_finish(work->feed, error))
                return false;
        sc_tar_hash_finish(work->tar_hash, &diff_id);
        return check_diff_id(layer, &diff_id, error) && publish_layer(work, layer, &diff_id, error);
}

static void note_outcome(ScImport *import, const ScLayerInfo *layer, const GError *problem)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&import->lock);
        if (problem == NULL)
                g_hash_table_remove(import->broken, &layer->digest);
        else
                g_hash_table_add(import->broken, g_memdup2(&layer->digest, sizeof layer->digest));
        if (g_error_matches(problem, SC_ERROR, SC_ERROR_NO_SPACE))
                g_atomic_int_set(&import->no_space, 1);
}

void sc_import_announce(ScImport *import, bool last)
{
        sc_publisher_announce(import->publisher, last);
}

void sc_import_withdraw(ScImport *import)
{
        sc_publisher_withdraw(import->publisher);
}

bool sc_import_layer(ScImport *import, const ScLayerInfo *layer, ScLayerRead read, gpointer source, guint64 *ret_inflated,
                     GCancellable *cancellable, GError **error)
{
        g_autoptr(ScInflate) inflate = sc_inflate_new(read, source, layer->media_type, import->limits.max_layer_size);
        /* Behind the other, so that it goes first: it uses those chunks. */
        g_autoptr(ScTarHash) tar_hash = sc_tar_hash_new();
        g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)sc_layer_file_free);
        g_autoptr(ScNode) root = sc_node_new_root();
        g_autoptr(ScEarlierLayers) earlier = sc_earlier_layers_new(import->repository);
        /* Last, so that it goes first: it waits for the writers, who use the files. */
        g_autoptr(ScFeed) feed = sc_feed_new(import->writers);
        Work work = {
                .import = import,
                .inflate = inflate,
                .tar_hash = tar_hash,
                .root = root,
                .room = import->limits.max_memory,
                .files = files,
                .earlier = earlier,
                .feed = feed,
                .cancellable = cancellable,
        };

        g_autoptr(GError) own_error = NULL;
        bool imported = import_layer(&work, layer, &own_error);
        note_outcome(import, layer, own_error);
        if (!imported) {
                g_autofree char *digest = sc_digest_to_string(&layer->digest);
                g_propagate_error(error, g_steal_pointer(&own_error));
                return sc_prefix(error, "Layer %s", digest);
        }
        *ret_inflated = sc_inflate_bytes_out(inflate);
        return true;
}

bool sc_import_config(ScImport *import, const ScDigest *digest, const char *data, gsize size, GError **error)
{
        g_auto(GVariantDict) metadata = G_VARIANT_DICT_INIT(NULL);
        g_autofree char *ref = sc_layer_ref(digest);
        const ScPublisherFile file = sc_layer_config_file(ref, data, size, &metadata);

        return sc_publisher_publish_files(import->publisher, &file, 1, error) ||
               sc_prefix(error, "Cannot store the image's configuration");
}

ScPublisherFile sc_layer_config_file(const char *ref, const char *data, gsize size, GVariantDict *metadata)
{
        put_number(metadata, KEY_SIZE, size);
        return (ScPublisherFile){.target = {.ref = ref}, .name = "content", .data = data, .size = size, .metadata = metadata};
}

static void take_number(GVariant *metadata, const char *key, guint64 *number)
{
        const char *text;

        if (*number == 0 && g_variant_lookup(metadata, key, "&s", &text) &&
            !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, number, NULL))
                *number = 0;
}

bool sc_layer_know_sizes(ScRepository *repository, ScLayerInfo *layer, GError **error)
{
        g_autofree char *ref = sc_layer_ref(&layer->digest), *checksum = sc_repository_resolve(repository, ref, error);
        g_autoptr(GVariant) commit = NULL;

        if (checksum == NULL)
                return false;
        if (!ostree_repo_load_commit(sc_repository_ostree(repository), checksum, &commit, NULL, error))
                return sc_prefix(error, "Cannot read the layer %s", ref);
        g_autoptr(GVariant) metadata = g_variant_get_child_value(commit, 0);
        take_number(metadata, KEY_SIZE, &layer->size);
        take_number(metadata, KEY_INFLATED_SIZE, &layer->inflated_size);
        return true;
}
