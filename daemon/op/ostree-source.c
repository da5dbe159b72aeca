/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ostree-source.h"

#include "base/error.h"
#include "base/json.h"
#include "base/path.h"
#include "registry/manifest.h"
#include "store/other-repository.h"
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 512 };

typedef struct {
        char *commit, *name; /* name: in the archive */
        ScDigest digest;
        guint64 size;
} Layer;

typedef struct {
        ScStreamSource source;
        const ScOpContext *context;
        char *image;
        ScOtherRepository *other;
        GPtrArray *layers; /* Layer */
        char *config;      /* NULL: not looked at yet */
        char *list;
} Ostree;

static void layer_free(gpointer data)
{
        Layer *layer = data;
        g_free(layer->commit);
        g_free(layer->name);
        g_free(layer);
}

/* ---- what will be in it ---- */

typedef struct {
        ScHasher *hasher;
        guint64 size;
} Measure;

static bool measure(gpointer data, const void *bytes, gsize size, GError **error G_GNUC_UNUSED)
{
        Measure *sum = data;
        sc_hasher_update(sum->hasher, bytes, size);
        sum->size += size;
        return true;
}

static bool add_layer(Ostree *ostree, const ScDigest *digest, GCancellable *cancellable, GError **error)
{
        g_autofree char *commit = sc_other_repository_layer(ostree->other, digest, cancellable, error);
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        Measure sum = {.hasher = hasher};
        if (commit == NULL || !sc_other_repository_export(ostree->other, commit, measure, &sum, cancellable, error))
                return false;
        Layer *layer = g_new0(Layer, 1);
        layer->commit = g_steal_pointer(&commit);
        layer->name = g_strdup_printf("%u.tar", ostree->layers->len);
        layer->size = sum.size;
        sc_hasher_finish(hasher, &layer->digest);
        g_ptr_array_add(ostree->layers, layer);
        return true;
}

/* The image's own, but for the digests of its layers' tars. */
static char *make_config(const Ostree *ostree, const char *old, gsize size, GError **error)
{
        g_autoptr(JsonObject) config = sc_json_parse_object(old, (gssize)size, SC_CONFIG_MAX_SIZE, "image's configuration", error);
        if (config == NULL)
                return NULL;
        JsonObject *rootfs = json_object_new();
        JsonArray *ids = json_array_new();
        for (guint i = 0; i < ostree->layers->len; i++) {
                g_autofree char *digest = sc_digest_to_string(&((const Layer *)ostree->layers->pdata[i])->digest);
                json_array_add_string_element(ids, digest);
        }
        json_object_set_string_member(rootfs, "type", "layers");
        json_object_set_array_member(rootfs, "diff_ids", ids);
        json_object_set_object_member(config, "rootfs", rootfs);
        json_object_remove_member(config, "history"); /* of other layers */
        return sc_json_to_string(config, false);
}

static char *make_list(const Ostree *ostree)
{
        JsonArray *list = json_array_new(), *layers = json_array_new();
        JsonObject *image = json_object_new();
        for (guint i = 0; i < ostree->layers->len; i++)
                json_array_add_string_element(layers, ((const Layer *)ostree->layers->pdata[i])->name);
        json_object_set_string_member(image, "Config", "config");
        json_object_set_array_member(image, "Layers", layers);
        json_array_add_object_element(list, image);
        g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), list);
        json_array_unref(list);
        return json_to_string(node, FALSE);
}

static bool look(Ostree *ostree, GCancellable *cancellable, GError **error)
{
        g_autofree char *manifest = sc_other_repository_manifest(ostree->other, ostree->image, error);
        if (manifest == NULL)
                return false;
        ScDigest digest;
        gsize size;
        sc_digest_of(manifest, strlen(manifest), &digest);
        g_autoptr(ScImageInfo) info = sc_manifest_parse(manifest, strlen(manifest), &digest, ostree->context->config->max_layers,
                                                        ostree->image, error);
        g_autofree char *config = info != NULL
                                          ? sc_other_repository_blob(ostree->other, &info->config, SC_CONFIG_MAX_SIZE, &size, error)
                                          : NULL;
        if (config == NULL)
                return false;
        g_ptr_array_set_size(ostree->layers, 0);
        for (guint i = 0; i < info->layers->len; i++)
                if (!add_layer(ostree, &((const ScLayerInfo *)info->layers->pdata[i])->digest, cancellable, error))
                        return false;
        ostree->list = make_list(ostree);
        ostree->config = make_config(ostree, config, size, error);
        return ostree->config != NULL;
}

/* ---- the archive ---- */

/* The thread writes into a pipe, which ends when it does. */
typedef struct {
        ScStream stream;
        Ostree *ostree;
        GInputStream *output;
        int write_fd;
        GCancellable *end;
        GThread *thread; /* NULL: it has ended, and the error is known */
        GError *error;
} Writing;

static bool write_bytes(gpointer data, const void *bytes, gsize size, GError **error)
{
        return sc_write_all(((const Writing *)data)->write_fd, bytes, size, error);
}

static bool write_header(Writing *writing, const char *name, guint64 size, GError **error)
{
        char header[BLOCK] = {0};
        unsigned sum = 0;
        g_strlcpy(header, name, 100);
        memcpy(header + 100, "0000644", 8);
        if (size >= G_GUINT64_CONSTANT(1) << 33) { /* base 256 */
                header[124] = (char)0x80;
                for (unsigned i = 0; i < 8; i++)
                        header[135 - i] = (char)(size >> (8 * i));
        } else {
                g_snprintf(header + 124, 12, "%011" G_GINT64_MODIFIER "o", size);
        }
        memset(header + 148, ' ', 8);
        header[156] = '0';
        for (gsize i = 0; i < sizeof(header); i++)
                sum += (guint8)header[i];
        g_snprintf(header + 148, 8, "%06o", sum);
        return write_bytes(writing, header, sizeof(header), error);
}

static bool pad(Writing *writing, guint64 size, GError **error)
{
        static const char zeros[BLOCK];
        return write_bytes(writing, zeros, (BLOCK - size % BLOCK) % BLOCK, error);
}

static bool write_text(Writing *writing, const char *name, const char *text, GError **error)
{
        gsize size = strlen(text);
        return write_header(writing, name, size, error) && write_bytes(writing, text, size, error) && pad(writing, size, error);
}

static bool write_archive(Writing *writing, GError **error)
{
        static const char end[2 * BLOCK];
        const Ostree *ostree = writing->ostree;
        if (!write_text(writing, "config", ostree->config, error) || !write_text(writing, "manifest.json", ostree->list, error))
                return false;
        for (guint i = 0; i < ostree->layers->len; i++) {
                const Layer *layer = ostree->layers->pdata[i];
                if (!write_header(writing, layer->name, layer->size, error) ||
                    !sc_other_repository_export(ostree->other, layer->commit, write_bytes, writing, writing->end, error) ||
                    !pad(writing, layer->size, error))
                        return false;
        }
        return write_bytes(writing, end, sizeof(end), error);
}

static gpointer write_in_thread(gpointer data)
{
        Writing *writing = data;
        (void)write_archive(writing, &writing->error);
        sc_close(&writing->write_fd);
        return NULL;
}

static gssize writing_read(ScStream *stream, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
        Writing *writing = (Writing *)stream;
        gssize n = g_input_stream_read(writing->output, buffer, size, cancellable, error);
        if (n != 0)
                return n;
        if (writing->thread != NULL)
                g_thread_join(g_steal_pointer(&writing->thread));
        if (writing->error == NULL)
                return 0;
        g_propagate_error(error, g_error_copy(writing->error));
        return -1;
}

static void writing_free(ScStream *stream)
{
        Writing *writing = (Writing *)stream;
        g_cancellable_cancel(writing->end);
        g_clear_object(&writing->output); /* it finds the pipe broken */
        if (writing->thread != NULL)
                g_thread_join(writing->thread);
        sc_close(&writing->write_fd);
        g_clear_object(&writing->end);
        g_clear_error(&writing->error);
        g_free(writing);
}

static ScStream *ostree_open(ScStreamSource *source, GCancellable *cancellable, GError **error)
{
        Ostree *ostree = (Ostree *)source;
        int ends[2];
        if (ostree->config == NULL && !look(ostree, cancellable, error))
                return NULL;
        if (pipe2(ends, O_CLOEXEC) < 0) {
                sc_throw_errno(error, "Cannot make a pipe");
                return NULL;
        }
        Writing *writing = g_new0(Writing, 1);
        writing->stream = (ScStream){writing_read, writing_free};
        writing->ostree = ostree;
        writing->output = g_unix_input_stream_new(ends[0], TRUE);
        writing->write_fd = ends[1];
        writing->end = g_cancellable_new();
        writing->thread = g_thread_new("ostree", write_in_thread, writing);
        return &writing->stream;
}

static void ostree_free(ScStreamSource *source)
{
        Ostree *ostree = (Ostree *)source;
        sc_other_repository_free(ostree->other);
        g_ptr_array_unref(ostree->layers);
        g_free(ostree->config);
        g_free(ostree->list);
        g_free(ostree->image);
        g_free(ostree);
}

ScStreamSource *sc_ostree_source_new(const ScOpContext *context, const ScReference *reference, GError **error)
{
        ScOtherRepository *other = sc_other_repository_open(reference->place, error);
        if (other == NULL)
                return NULL;
        Ostree *ostree = g_new0(Ostree, 1);
        ostree->source = (ScStreamSource){ostree_open, ostree_free};
        ostree->context = context;
        ostree->image = g_strdup(reference->name);
        ostree->other = other;
        ostree->layers = g_ptr_array_new_with_free_func(layer_free);
        return &ostree->source;
}
