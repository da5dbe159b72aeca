/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "commit.h"
#include "base/error.h"
#include "folder-object.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of all paths of implied folders; they end up in one commit object, which libostree reads whole. */
#define MAX_IMPLIED_SIZE (4u << 20)

typedef struct {
        ScStaging *staging;
        GPtrArray *objects;
        GHashTable *folder_metas; /* set of GBytes (a serialised dirmeta) to ScStagedObject */
        GString *path;
        GVariantBuilder implied; /* aay */
        gsize implied_size;
} Walk;

static ScStagedObject *write_bytes(ScStaging *staging, ScObjectType type, const void *data, gsize size, GError **error)
{
        const ScObjectMeta meta = {.uid = geteuid(), .gid = getegid(), .mode = S_IFREG | 0644};
        ScDigest id;
        bool mine;

        if (size > SC_OBJECT_METADATA_MAX) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "A folder of the layer has more files than OSTree can store");
                return NULL;
        }
        sc_digest_of(data, size, &id);
        ScStagedObject *staged = sc_staging_claim(staging, type, &id, &meta, size, &mine);
        if (mine && !sc_staging_write(staging, staged, &meta, data, size, error))
                return NULL;
        return staged;
}

static ScStagedObject *write_object(ScStaging *staging, ScObjectType type, GVariant *object, GError **error)
{
        return write_bytes(staging, type, g_variant_get_data(object), g_variant_get_size(object), error);
}

/* Few folders differ in their metadata: each is hashed once. */
static ScStagedObject *write_folder_meta(Walk *walk, const ScObjectMeta *meta, GError **error)
{
        GVariant *xattrs = meta->xattrs != NULL ? meta->xattrs : g_variant_new_array(G_VARIANT_TYPE("(ayay)"), NULL, 0);
        g_autoptr(GVariant) object = g_variant_ref_sink(g_variant_new("(uuu@a(ayay))", GUINT32_TO_BE(meta->uid),
                                                                      GUINT32_TO_BE(meta->gid), GUINT32_TO_BE(meta->mode), xattrs));
        g_autoptr(GBytes) key = g_variant_get_data_as_bytes(object);
        ScStagedObject *staged = g_hash_table_lookup(walk->folder_metas, key);

        if (staged != NULL)
                return staged;
        staged = write_object(walk->staging, SC_OBJECT_FOLDER_META, object, error);
        if (staged != NULL) {
                g_ptr_array_add(walk->objects, staged);
                g_hash_table_insert(walk->folder_metas, g_steal_pointer(&key), staged);
        }
        return staged;
}

static bool note_implied(Walk *walk, GError **error)
{
        walk->implied_size += walk->path->len + 1;
        if (walk->implied_size > MAX_IMPLIED_SIZE)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The layer's tar has no entries for too many of its folders");
        g_variant_builder_add(&walk->implied, "^ay", walk->path->str);
        return true;
}

static GVariant *id_to_variant(const ScDigest *id)
{
        return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, id->bytes, sizeof id->bytes, 1);
}

typedef struct {
        ScStagedObject *contents;
        ScStagedObject *meta;
} FolderObjects;

static bool write_folder(Walk *walk, const ScNode *folder, FolderObjects *ret, GError **error);

static bool write_subfolder(Walk *walk, const ScNode *folder, FolderObjects *ret, GError **error)
{
        gsize path_size = walk->path->len;

        if (path_size > 0)
                g_string_append_c(walk->path, '/');
        g_string_append(walk->path, folder->name);
        bool written = write_folder(walk, folder, ret, error);
        g_string_truncate(walk->path, path_size);
        return written;
}

/* Writes what lies below the folder, then itself: files, and folders with their contents and metadata, both sorted by name. */
static bool write_folder(Walk *walk, const ScNode *folder, FolderObjects *ret, GError **error)
{
        g_autoptr(GPtrArray) children = sc_node_sorted_children(folder);
        g_autoptr(ScFolderWriter) writer = sc_folder_writer_new();

        if (!sc_staging_check_space(walk->staging, error) || (folder->implied && !note_implied(walk, error)))
                return false;
        for (guint i = 0; i < children->len; i++) {
                const ScNode *child = children->pdata[i];
                FolderObjects below;
                if (child->type == SC_NODE_FILE)
                        sc_folder_writer_add_file(writer, child->name, child->file);
                if (child->type != SC_NODE_FOLDER)
                        continue;
                if (!write_subfolder(walk, child, &below, error))
                        return false;
                sc_folder_writer_add_folder(writer, child->name, sc_staged_object_id(below.contents),
                                            sc_staged_object_id(below.meta));
        }
        gsize size;
        const void *data = sc_folder_writer_end(writer, &size);
        ScStagedObject *contents = write_bytes(walk->staging, SC_OBJECT_FOLDER, data, size, error);
        ScStagedObject *meta = contents == NULL ? NULL : write_folder_meta(walk, &folder->meta, error);
        if (meta == NULL)
                return false;
        g_ptr_array_add(walk->objects, contents);
        *ret = (FolderObjects){.contents = contents, .meta = meta};
        return true;
}

/* No parent, no related commits, no subject and body; the time of now. */
static ScStagedObject *write_commit(Walk *walk, const FolderObjects *root, GVariant *metadata, GError **error)
{
        guint64 now = (guint64)(g_get_real_time() / G_USEC_PER_SEC);
        g_autoptr(GVariant) object = g_variant_ref_sink(
                g_variant_new("(@a{sv}@ay@a(say)sst@ay@ay)", metadata, g_variant_new_array(G_VARIANT_TYPE_BYTE, NULL, 0),
                              g_variant_new_array(G_VARIANT_TYPE("(say)"), NULL, 0), "", "", GUINT64_TO_BE(now),
                              id_to_variant(sc_staged_object_id(root->contents)), id_to_variant(sc_staged_object_id(root->meta))));

        return write_object(walk->staging, SC_OBJECT_COMMIT, object, error);
}

ScStagedObject *sc_commit_write_variant(ScStaging *staging, GVariant *commit, GError **error)
{
        return write_object(staging, SC_OBJECT_COMMIT, commit, error);
}

ScStagedObject *sc_commit_write(ScStaging *staging, const ScNode *root, GVariantDict *metadata, GPtrArray *objects, GError **error)
{
        g_autoptr(GHashTable)
                folder_metas = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
        g_autoptr(GString) path = g_string_new(NULL);
        Walk walk = {.staging = staging, .objects = objects, .folder_metas = folder_metas, .path = path};
        FolderObjects root_objects;

        g_variant_builder_init(&walk.implied, G_VARIANT_TYPE("aay"));
        bool written = write_folder(&walk, root, &root_objects, error);
        g_autoptr(GVariant) implied = g_variant_ref_sink(g_variant_builder_end(&walk.implied));
        if (g_variant_n_children(implied) > 0)
                g_variant_dict_insert_value(metadata, SC_COMMIT_IMPLIED, implied);
        g_autoptr(GVariant) dict = g_variant_ref_sink(g_variant_dict_end(metadata));
        return written ? write_commit(&walk, &root_objects, dict, error) : NULL;
}
