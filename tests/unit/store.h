/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the store's tests share: a repository in a scratch folder, tars, imports, and a check of every object. Not every test uses
 * all. */

#include "store/checkout.h"
#include "store/image.h"
#include "base/reference.h"
#include "store/layer.h"
#include "test.h"
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNUSED G_GNUC_UNUSED

typedef struct {
        char *folder;
        ScConfig config;
        ScRepository *repository;
} Store;

static UNUSED void store_reopen(Store *store)
{
        g_autoptr(GError) error = NULL;

        g_clear_pointer(&store->repository, sc_repository_free);
        store->repository = sc_repository_open(&store->config, SC_REPOSITORY_CREATE, &error);
        ck_assert_no_error(error);
}

static UNUSED Store *store_new(void)
{
        Store *store = g_new0(Store, 1);

        store->folder = test_folder_new();
        store->config.scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        store->config.checkout_path = g_build_filename(store->folder, "checkout", NULL);
        store_reopen(store);
        return store;
}

/* A user's, of mode "bare-user". */
static UNUSED Store *store_new_user(void)
{
        Store *store = g_new0(Store, 1);
        g_autoptr(GError) error = NULL;

        store->folder = test_folder_new();
        g_setenv("HOME", store->folder, TRUE);
        g_setenv("XDG_DATA_HOME", store->folder, TRUE);
        g_setenv("XDG_RUNTIME_DIR", store->folder, TRUE);
        store->config.scope = sc_scope_new(SC_SCOPE_USER, &error);
        ck_assert_no_error(error);
        store->config.checkout_path = g_strdup(store->config.scope->checkout_path);
        store->config.repository = g_strdup(store->config.scope->repository);
        store_reopen(store);
        return store;
}

static UNUSED void store_free(Store *store)
{
        sc_repository_free(store->repository);
        sc_scope_free(store->config.scope);
        g_free(store->config.checkout_path);
        g_free(store->config.repository);
        test_folder_remove(store->folder);
        g_free(store);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

/* Goes through all objects and commits: each object's content fits its name, each commit has all that it names. */
static UNUSED void store_check(Store *store)
{
        OstreeRepo *ostree = sc_repository_ostree(store->repository);
        g_autoptr(GError) error = NULL;
        g_autoptr(GHashTable) objects = NULL, refs = NULL;
        GHashTableIter iter;
        gpointer key, value;

        ck_assert(ostree_repo_list_objects(ostree, OSTREE_REPO_LIST_OBJECTS_ALL, &objects, NULL, &error));
        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const char *checksum;
                OstreeObjectType type;
                ostree_object_name_deserialize(key, &checksum, &type);
                ostree_repo_fsck_object(ostree, type, checksum, NULL, &error);
                ck_assert_no_error(error);
        }
        ck_assert(ostree_repo_list_refs(ostree, NULL, &refs, NULL, &error));
        g_hash_table_iter_init(&iter, refs);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                g_autoptr(GHashTable) reachable = NULL;
                GHashTableIter reachable_iter;
                ck_assert(ostree_repo_traverse_commit(ostree, value, 0, &reachable, NULL, &error));
                g_hash_table_iter_init(&reachable_iter, reachable);
                while (g_hash_table_iter_next(&reachable_iter, &key, NULL))
                        ck_assert(g_hash_table_contains(objects, key));
        }
}

/* A commit of libostree's with nothing but a manifest, NULL: without one either; its checksum. */
static UNUSED char *store_commit_manifest(Store *store, const char *ref, const char *manifest)
{
        OstreeRepo *ostree = sc_repository_ostree(store->repository);
        g_autoptr(OstreeMutableTree) tree = ostree_mutable_tree_new();
        g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
        g_autoptr(GFile) root = NULL;
        g_autoptr(GError) error = NULL;
        g_autofree guchar *checksum = NULL;
        char *commit;
        g_autoptr(GVariant) meta = g_variant_ref_sink(g_variant_new("(uuu@a(ayay))", 0, 0, GUINT32_TO_BE(S_IFDIR | 0755),
                                                                    g_variant_new_array(G_VARIANT_TYPE("(ayay)"), NULL, 0)));

        if (manifest != NULL)
                g_variant_dict_insert(&dict, "docker.manifest", "s", manifest);
        g_autoptr(GVariant) metadata = g_variant_ref_sink(g_variant_dict_end(&dict));
        ck_assert(ostree_repo_prepare_transaction(ostree, NULL, NULL, &error));
        ck_assert(ostree_repo_write_metadata(ostree, OSTREE_OBJECT_TYPE_DIR_META, NULL, meta, &checksum, NULL, &error));
        g_autofree char *hex = ostree_checksum_from_bytes(checksum);
        ostree_mutable_tree_set_metadata_checksum(tree, hex);
        ck_assert(ostree_repo_write_mtree(ostree, tree, &root, NULL, &error));
        ck_assert(ostree_repo_write_commit(ostree, NULL, "a subject", "a body", metadata, OSTREE_REPO_FILE(root), &commit, NULL,
                                           &error));
        ostree_repo_transaction_set_ref(ostree, NULL, ref, commit);
        ck_assert(ostree_repo_commit_transaction(ostree, NULL, NULL, &error));
        return commit;
}

static UNUSED GVariant *store_checksum_bytes(const char *checksum)
{
        return ostree_checksum_to_bytes_v(checksum);
}

/* By hand: libostree makes no such objects. */
static UNUSED char *store_write_metadata(OstreeRepo *ostree, OstreeObjectType type, GVariant *object)
{
        g_autoptr(GVariant) sunk = g_variant_ref_sink(object);
        g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes(sunk);
        char *checksum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
        g_autofree char *folder = g_strdup_printf("%s/objects/%.2s", g_file_peek_path(ostree_repo_get_path(ostree)), checksum);
        g_autofree char *path = g_strdup_printf("%s/%s.%s", folder, checksum + 2, ostree_object_type_to_string(type));

        ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
        ck_assert(g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL));
        return checksum;
}

/* A dirtree with the name that its bytes give it; they must stay. */
static UNUSED char *store_write_tree_bytes(OstreeRepo *ostree, const void *data, gsize size)
{
        return store_write_metadata(ostree, OSTREE_OBJECT_TYPE_DIR_TREE,
                                    g_variant_new_from_data(G_VARIANT_TYPE("(a(say)a(sayay))"), data, size, FALSE, NULL, NULL));
}

/* Of a file with a name that is no UTF-8. */
static UNUSED char *store_write_damaged_tree(OstreeRepo *ostree)
{
        static const guint8 bytes[] = {0xff, 0, [34] = 2, 35, 36};

        return store_write_tree_bytes(ostree, bytes, sizeof bytes);
}

/* Whatever the layer was, it has this tree now. */
static UNUSED void store_turn_layer(OstreeRepo *ostree, const ScLayerInfo *layer, const char *tree, const char *meta)
{
        GVariant *nothing = g_variant_new_array(G_VARIANT_TYPE_BYTE, NULL, 0);
        g_autofree char *ref = sc_layer_ref(&layer->digest);
        g_autofree char *commit = store_write_metadata(
                ostree, OSTREE_OBJECT_TYPE_COMMIT,
                g_variant_new("(@a{sv}@ay@a(say)sst@ay@ay)", g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0), nothing,
                              g_variant_new_array(G_VARIANT_TYPE("(say)"), NULL, 0), "", "", (guint64)0, store_checksum_bytes(tree),
                              store_checksum_bytes(meta)));
        ck_assert(ostree_repo_set_ref_immediate(ostree, NULL, ref, commit, NULL, NULL));
}

/* Names below extensions/sysconsd that begin with "staging-". */
static UNUSED GPtrArray *store_staging_folders(Store *store)
{
        g_autofree char *path = g_build_filename(sc_repository_path(store->repository), "extensions/sysconsd", NULL);
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

        for (const char *name = dir != NULL ? g_dir_read_name(dir) : NULL; name != NULL; name = g_dir_read_name(dir))
                if (g_str_has_prefix(name, "staging-"))
                        g_ptr_array_add(paths, g_build_filename(path, name, NULL));
        return paths;
}

/* A tar under construction, in the pax format: ustar where that will do. */
typedef struct {
        struct archive *archive;
        GByteArray *bytes;
        locale_t locale, outer_locale; /* libarchive writes names in UTF-8 only from such a locale */
} Tar;

static UNUSED la_ssize_t tar_append(struct archive *archive, void *data, const void *buffer, size_t size)
{
        g_byte_array_append(data, buffer, (guint)size);
        return (la_ssize_t)size;
}

static UNUSED Tar *tar_new(void)
{
        Tar *tar = g_new0(Tar, 1);

        tar->bytes = g_byte_array_new();
        tar->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        tar->outer_locale = uselocale(tar->locale);
        tar->archive = archive_write_new();
        archive_write_set_format_pax_restricted(tar->archive);
        archive_write_set_bytes_in_last_block(tar->archive, 1);
        ck_assert_int_eq(archive_write_open(tar->archive, tar->bytes, NULL, tar_append, NULL), ARCHIVE_OK);
        return tar;
}

static UNUSED struct archive_entry *tar_entry(const char *path, guint type, guint mode)
{
        struct archive_entry *entry = archive_entry_new();

        archive_entry_set_pathname(entry, path);
        archive_entry_set_filetype(entry, type);
        archive_entry_set_perm(entry, (mode_t)mode);
        archive_entry_set_mtime(entry, 1700000000, 0);
        return entry;
}

/* Takes the entry. */
static UNUSED void tar_add(Tar *tar, struct archive_entry *entry, const void *data, gsize size)
{
        if (data != NULL)
                archive_entry_set_size(entry, (la_int64_t)size);
        ck_assert_msg(archive_write_header(tar->archive, entry) == ARCHIVE_OK, "%s", archive_error_string(tar->archive));
        if (size > 0)
                ck_assert_int_eq(archive_write_data(tar->archive, data, size), (la_ssize_t)size);
        archive_entry_free(entry);
}

static UNUSED void tar_folder(Tar *tar, const char *path, guint mode)
{
        tar_add(tar, tar_entry(path, AE_IFDIR, mode), NULL, 0);
}

static UNUSED void tar_file(Tar *tar, const char *path, guint mode, const char *text)
{
        tar_add(tar, tar_entry(path, AE_IFREG, mode), text, strlen(text));
}

static UNUSED void tar_symlink(Tar *tar, const char *path, const char *target)
{
        struct archive_entry *entry = tar_entry(path, AE_IFLNK, 0777);

        archive_entry_set_symlink(entry, target);
        tar_add(tar, entry, NULL, 0);
}

static UNUSED void tar_hardlink(Tar *tar, const char *path, const char *target)
{
        struct archive_entry *entry = tar_entry(path, AE_IFREG, 0644);

        archive_entry_set_hardlink(entry, target);
        tar_add(tar, entry, NULL, 0);
}

static UNUSED GBytes *tar_end(Tar *tar)
{
        ck_assert_int_eq(archive_write_close(tar->archive), ARCHIVE_OK);
        archive_write_free(tar->archive);
        uselocale(tar->outer_locale);
        freelocale(tar->locale);
        GBytes *bytes = g_byte_array_free_to_bytes(tar->bytes);
        g_free(tar);
        return bytes;
}

/* A layer's source: chunks out of memory. */
typedef struct {
        const guint8 *data;
        gsize size;
        gsize chunk;
        guint delay; /* microseconds before each chunk */
} LayerSource;

static UNUSED gssize layer_source_read(gpointer data, const void **ret_chunk, GError **error)
{
        LayerSource *source = data;
        gsize size = MIN(source->chunk, source->size);

        if (source->delay > 0)
                g_usleep(source->delay);
        *ret_chunk = source->data;
        source->data += size;
        source->size -= size;
        return (gssize)size;
}

static UNUSED ScImport *import_new(Store *store)
{
        const ScImportLimits limits = {.writers = 2, .max_layer_size = 1u << 30};
        g_autoptr(GError) error = NULL;
        ScImport *import = sc_import_new(store->repository, &limits, &error);

        ck_assert_no_error(error);
        return import;
}

/* The plain tar as a layer whose digest is that of the tar. */
static UNUSED ScLayerInfo *layer_info(GBytes *tar)
{
        ScLayerInfo *layer = sc_layer_info_new();

        sc_digest_of(g_bytes_get_data(tar, NULL), g_bytes_get_size(tar), &layer->digest);
        layer->diff_id = layer->digest;
        layer->has_diff_id = true;
        layer->size = g_bytes_get_size(tar);
        return layer;
}

static UNUSED bool import_layer(ScImport *import, const ScLayerInfo *layer, GBytes *tar, GError **error)
{
        LayerSource source = {.data = g_bytes_get_data(tar, NULL), .size = g_bytes_get_size(tar), .chunk = 10000};
        guint64 inflated = 0;

        if (!sc_import_layer(import, layer, layer_source_read, &source, &inflated, NULL, error))
                return false;
        ck_assert_uint_eq(inflated, g_bytes_get_size(tar));
        return true;
}

/* Imports a tar by an import of its own. */
static UNUSED ScLayerInfo *store_add_layer(Store *store, Tar *tar)
{
        g_autoptr(GBytes) bytes = tar_end(tar);
        g_autoptr(ScImport) import = import_new(store);
        g_autoptr(GError) error = NULL;
        ScLayerInfo *layer = layer_info(bytes);

        import_layer(import, layer, bytes, &error);
        ck_assert_no_error(error);
        return layer;
}

static UNUSED char *layer_ref(const ScLayerInfo *layer)
{
        char hex[SC_DIGEST_HEX_SIZE];

        sc_digest_to_hex(&layer->digest, hex);
        return g_strconcat("ociimage/", hex, NULL);
}

/* The root of a ref's commit. */
static UNUSED GFile *store_root(Store *store, const char *ref)
{
        g_autoptr(GError) error = NULL;
        GFile *root = NULL;

        ostree_repo_read_commit(sc_repository_ostree(store->repository), ref, &root, NULL, NULL, &error);
        ck_assert_no_error(error);
        return root;
}

static UNUSED GFile *layer_root(Store *store, const ScLayerInfo *layer)
{
        g_autofree char *ref = layer_ref(layer);

        return store_root(store, ref);
}

/* What a commit holds under a path; NULL where it holds nothing. */
static UNUSED GFileInfo *file_info(GFile *root, const char *path)
{
        g_autoptr(GFile) file = strcmp(path, ".") == 0 ? g_object_ref(root) : g_file_resolve_relative_path(root, path);

        return g_file_query_info(file, "*", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
}

static UNUSED guint32 file_mode(GFile *root, const char *path)
{
        g_autoptr(GFileInfo) info = file_info(root, path);

        ck_assert_msg(info != NULL, "%s is missing", path);
        return g_file_info_get_attribute_uint32(info, "unix::mode");
}

static UNUSED char *file_checksum(GFile *root, const char *path)
{
        g_autoptr(GFile) file = g_file_resolve_relative_path(root, path);
        g_autoptr(GError) error = NULL;

        ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(file), &error));
        return g_strdup(ostree_repo_file_get_checksum(OSTREE_REPO_FILE(file)));
}

static UNUSED char *file_content(GFile *root, const char *path)
{
        g_autoptr(GFile) file = g_file_resolve_relative_path(root, path);
        g_autoptr(GError) error = NULL;
        char *content = NULL;

        g_file_load_contents(file, NULL, &content, NULL, NULL, &error);
        ck_assert_no_error(error);
        return content;
}

/* Whether two files of a commit are the same object. */
static UNUSED bool same_object(GFile *root, const char *path, const char *other_path)
{
        g_autofree char *one = file_checksum(root, path), *other = file_checksum(root, other_path);

        return strcmp(one, other) == 0;
}

/* The path of a commit's file as an object. */
static UNUSED char *object_path(Store *store, GFile *root, const char *path)
{
        g_autofree char *id = file_checksum(root, path);

        return g_strdup_printf("%s/objects/%.2s/%s.file", sc_repository_path(store->repository), id, id + 2);
}

/* A tar in which libostree's own import and ours must agree. */
static UNUSED GBytes *ordinary_tar(void)
{
        Tar *tar = tar_new();
        struct archive_entry *entry;

        tar_folder(tar, "./", 0755);
        tar_folder(tar, "./usr/", 0755);
        tar_folder(tar, "./usr/bin", 0711);
        tar_file(tar, "./usr/bin/tool", 0755, "#!/bin/sh\n");
        tar_file(tar, "./usr/bin/su", 04755, "setuid");
        tar_hardlink(tar, "./usr/bin/tool2", "./usr/bin/tool");
        tar_symlink(tar, "./bin", "usr/bin");
        tar_folder(tar, "./tmp", 01777);
        tar_file(tar, "./empty", 0600, "");
        tar_file(tar, "./\xc3\xa4\xe2\x82\xac with space\nand newline", 0644, "umlaut");
        tar_file(tar, "./usr/.wh.gone", 0, "");
        entry = tar_entry("./owned", AE_IFREG, 0640);
        archive_entry_set_uid(entry, 1234);
        archive_entry_set_gid(entry, 4321);
        tar_add(tar, entry, "owned", 5);
        entry = tar_entry("./home", AE_IFDIR, 0750);
        archive_entry_set_uid(entry, 77);
        tar_add(tar, entry, NULL, 0);
        g_autofree char *deep = g_strnfill(200, 'd'), *path = g_strdup_printf("./usr/%s/%s/%s", deep, deep, deep);
        tar_folder(tar, "./usr", 0755);
        for (char *slash = strchr(path + 6, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
                g_autofree char *folder = g_strndup(path, (gsize)(slash - path));
                tar_folder(tar, folder, 0755);
        }
        tar_file(tar, path, 0644, "a long path");
        return tar_end(tar);
}

static UNUSED char *libostree_commit(Store *store, GBytes *bytes)
{
        OstreeRepo *ostree = sc_repository_ostree(store->repository);
        OstreeRepoImportArchiveOptions options = {.autocreate_parents = TRUE};
        g_autoptr(OstreeMutableTree) tree = ostree_mutable_tree_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(GFile) root = NULL;
        struct archive *archive = archive_read_new();
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);
        locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), outer_locale = uselocale(locale);

        archive_read_support_format_all(archive);
        ck_assert_int_eq(archive_read_open_memory(archive, data, size), ARCHIVE_OK);
        ck_assert(ostree_repo_prepare_transaction(ostree, NULL, NULL, &error));
        ostree_repo_import_archive_to_mtree(ostree, &options, archive, tree, NULL, NULL, &error);
        ck_assert_no_error(error);
        ck_assert(ostree_repo_write_mtree(ostree, tree, &root, NULL, &error));
        ck_assert(ostree_repo_commit_transaction(ostree, NULL, NULL, &error));
        archive_read_free(archive);
        uselocale(outer_locale);
        freelocale(locale);
        return g_strconcat(ostree_repo_file_tree_get_contents_checksum(OSTREE_REPO_FILE(root)), " ",
                           ostree_repo_file_tree_get_metadata_checksum(OSTREE_REPO_FILE(root)), NULL);
}

/* Of a file: its name in OSTree. */
static UNUSED char *object_id(const ScObjectMeta *meta, const void *data, gsize size)
{
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        ScDigest id;
        char *hex = g_malloc(SC_DIGEST_HEX_SIZE);

        sc_object_hash_header(hasher, meta);
        sc_hasher_update(hasher, data, size);
        sc_hasher_finish(hasher, &id);
        sc_digest_to_hex(&id, hex);
        return hex;
}

static UNUSED void sparse_file(Tar *tar, const char *path, guint64 size)
{
        struct archive_entry *entry = tar_entry(path, AE_IFREG, 0644);
        g_autofree char *data = g_malloc0(size);

        /* Two islands, holes around them. */
        memset(data + 8192, 'x', 4096);
        memset(data + size / 2, 'y', 100);
        archive_entry_set_size(entry, (la_int64_t)size);
        archive_entry_sparse_add_entry(entry, 8192, 4096);
        archive_entry_sparse_add_entry(entry, (la_int64_t)size / 2, 100);
        ck_assert_int_eq(archive_write_header(tar->archive, entry), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_data(tar->archive, data, size), (la_ssize_t)size);
        archive_entry_free(entry);
}

static UNUSED ino_t inode(const char *path)
{
        struct stat st;

        ck_assert_msg(lstat(path, &st) == 0, "%s is missing", path);
        return st.st_ino;
}
