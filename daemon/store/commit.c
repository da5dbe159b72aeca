/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "commit.h"
#include "base/error.h"
#include <string.h>

/* Of all paths of implied folders; they end up in one commit object, which libostree reads whole. */
#define MAX_IMPLIED_SIZE (4u << 20)

struct ScTransaction {
        ScRepository *repository;
        bool committed;
        GHashTable *folder_metas; /* GBytes of a dirmeta to its checksum (GVariant ay) */
};

ScTransaction *sc_transaction_begin(ScRepository *repository, GError **error)
{
        if (!ostree_repo_prepare_transaction(sc_repository_ostree(repository), NULL, NULL, error)) {
                sc_prefix(error, "Cannot begin a transaction in the repository %s", sc_repository_path(repository));
                return NULL;
        }
        ScTransaction *transaction = g_new0(ScTransaction, 1);
        transaction->repository = repository;
        transaction->folder_metas = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                                          (GDestroyNotify)g_variant_unref);
        return transaction;
}

bool sc_transaction_commit(ScTransaction *transaction, GError **error)
{
        if (!ostree_repo_commit_transaction(sc_repository_ostree(transaction->repository), NULL, NULL, error))
                return sc_prefix(error, "Cannot commit to the repository %s", sc_repository_path(transaction->repository));
        transaction->committed = true;
        return true;
}

void sc_transaction_free(ScTransaction *transaction)
{
        if (!transaction->committed)
                (void)ostree_repo_abort_transaction(sc_repository_ostree(transaction->repository), NULL, NULL);
        g_hash_table_unref(transaction->folder_metas);
        g_free(transaction);
}

static GVariant *write_metadata(ScTransaction *transaction, OstreeObjectType type, GVariant *object, GError **error)
{
        g_autofree guchar *checksum = NULL;

        if (!ostree_repo_write_metadata(sc_repository_ostree(transaction->repository), type, NULL, object, &checksum, NULL,
                                        error)) {
                sc_prefix(error, "Cannot write to the repository %s", sc_repository_path(transaction->repository));
                return NULL;
        }
        return g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, checksum, OSTREE_SHA256_DIGEST_LEN, 1));
}

/* Few folders differ in their metadata: each is written once. The reference is the table's. */
static GVariant *write_folder_meta(ScTransaction *transaction, const ScObjectMeta *meta, GError **error)
{
        GVariant *xattrs = meta->xattrs != NULL ? meta->xattrs : g_variant_new_array(G_VARIANT_TYPE("(ayay)"), NULL, 0);
        g_autoptr(GVariant) object = g_variant_ref_sink(g_variant_new("(uuu@a(ayay))", GUINT32_TO_BE(meta->uid),
                                                                      GUINT32_TO_BE(meta->gid), GUINT32_TO_BE(meta->mode), xattrs));
        g_autoptr(GBytes) key = g_variant_get_data_as_bytes(object);
        GVariant *checksum = g_hash_table_lookup(transaction->folder_metas, key);

        if (checksum == NULL) {
                checksum = write_metadata(transaction, OSTREE_OBJECT_TYPE_DIR_META, object, error);
                if (checksum != NULL)
                        g_hash_table_insert(transaction->folder_metas, g_steal_pointer(&key), checksum);
        }
        return checksum;
}

typedef struct {
        ScTransaction *transaction;
        GString *path;
        GVariantBuilder implied; /* aay */
        gsize implied_size;
} Walk;

static bool note_implied(Walk *walk, GError **error)
{
        walk->implied_size += walk->path->len + 1;
        if (walk->implied_size > MAX_IMPLIED_SIZE)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The layer's tar has no entries for too many of its folders");
        g_variant_builder_add(&walk->implied, "^ay", walk->path->str);
        return true;
}

static GVariant *digest_to_variant(const ScDigest *digest)
{
        return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, digest->bytes, sizeof digest->bytes, 1);
}

/* Writes what lies below the folder, then itself: a dirtree (a(say)a(sayay)) of files, and folders with their contents and
 * metadata, both sorted by name. */
static bool write_folder(Walk *walk, const ScNode *folder, GVariant **ret_contents, GVariant **ret_meta, GError **error)
{
        g_autoptr(GPtrArray) children = sc_node_sorted_children(folder);
        g_auto(GVariantBuilder) files = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(say)"));
        g_auto(GVariantBuilder) folders = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(sayay)"));
        gsize path_size = walk->path->len;

        if (folder->implied && !note_implied(walk, error))
                return false;
        for (guint i = 0; i < children->len; i++) {
                const ScNode *child = children->pdata[i];
                if (child->type == SC_NODE_FILE)
                        g_variant_builder_add(&files, "(s@ay)", child->name, digest_to_variant(child->file));
                if (child->type != SC_NODE_FOLDER)
                        continue;
                g_autoptr(GVariant) contents = NULL, meta = NULL;
                if (path_size > 0)
                        g_string_append_c(walk->path, '/');
                g_string_append(walk->path, child->name);
                if (!write_folder(walk, child, &contents, &meta, error))
                        return false;
                g_string_truncate(walk->path, path_size);
                g_variant_builder_add(&folders, "(s@ay@ay)", child->name, contents, meta);
        }
        g_autoptr(GVariant) object = g_variant_ref_sink(g_variant_new("(a(say)a(sayay))", &files, &folders));
        GVariant *meta = write_folder_meta(walk->transaction, &folder->meta, error);
        if (meta == NULL)
                return false;
        g_autoptr(GVariant) contents = write_metadata(walk->transaction, OSTREE_OBJECT_TYPE_DIR_TREE, object, error);
        if (contents == NULL)
                return false;
        *ret_contents = g_steal_pointer(&contents);
        *ret_meta = g_variant_ref(meta);
        return true;
}

static char *write_commit(ScTransaction *transaction, GVariant *contents, GVariant *meta, GVariantDict *metadata, GError **error)
{
        OstreeRepo *ostree = sc_repository_ostree(transaction->repository);
        g_autofree char *contents_hex = ostree_checksum_from_bytes_v(contents), *meta_hex = ostree_checksum_from_bytes_v(meta),
                        *commit = NULL;
        g_autoptr(OstreeMutableTree) tree = ostree_mutable_tree_new_from_checksum(ostree, contents_hex, meta_hex);
        g_autoptr(GVariant) dict = g_variant_ref_sink(g_variant_dict_end(metadata));
        g_autoptr(GFile) root = NULL;

        if (!ostree_repo_write_mtree(ostree, tree, &root, NULL, error) ||
            !ostree_repo_write_commit(ostree, NULL, NULL, NULL, dict, OSTREE_REPO_FILE(root), &commit, NULL, error)) {
                sc_prefix(error, "Cannot write to the repository %s", sc_repository_path(transaction->repository));
                return NULL;
        }
        return g_steal_pointer(&commit);
}

char *sc_transaction_write(ScTransaction *transaction, const ScNode *root, GVariantDict *metadata, GError **error)
{
        Walk walk = {.transaction = transaction, .path = g_string_new(NULL)};
        g_autoptr(GVariant) contents = NULL, meta = NULL;

        g_variant_builder_init(&walk.implied, G_VARIANT_TYPE("aay"));
        bool written = write_folder(&walk, root, &contents, &meta, error);
        g_autoptr(GVariant) implied = g_variant_ref_sink(g_variant_builder_end(&walk.implied));
        g_string_free(walk.path, TRUE);
        if (!written)
                return NULL;
        if (g_variant_n_children(implied) > 0)
                g_variant_dict_insert_value(metadata, SC_COMMIT_IMPLIED, implied);
        return write_commit(transaction, contents, meta, metadata, error);
}
