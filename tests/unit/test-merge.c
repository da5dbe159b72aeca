/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "layered-image.h"
#include "store/folder-object.h"
#include "store/tree-file.h"
#include <sys/xattr.h>

START_TEST(test_upper_over_lower)
{
        g_autoptr(Image) image = image_new();
        Tar *tar = tar_new();

        tar_file(tar, "a", 0644, "lower a");
        tar_file(tar, "b", 0644, "lower b");
        tar_file(tar, "file-to-folder", 0644, "x");
        tar_folder(tar, "folder-to-file", 0755);
        tar_file(tar, "folder-to-file/inside", 0644, "x");
        tar_folder(tar, "folder-to-symlink", 0755);
        tar_file(tar, "folder-to-symlink/inside", 0644, "x");
        tar_symlink(tar, "symlink-to-folder", "a");
        image_add(image, tar);
        tar = tar_new();
        tar_file(tar, "b", 0600, "upper b");
        tar_folder(tar, "file-to-folder", 0750);
        tar_file(tar, "file-to-folder/new", 0644, "new");
        tar_file(tar, "folder-to-file", 0644, "file");
        tar_symlink(tar, "folder-to-symlink", "/tmp");
        tar_folder(tar, "symlink-to-folder", 0711);
        image_add(image, tar);
        image_checkout(image);

        assert_content(image, "a", "lower a");
        assert_content(image, "b", "upper b");
        assert_mode(image, "b", S_IFREG | 0600);
        assert_mode(image, "file-to-folder", S_IFDIR | 0750);
        assert_content(image, "file-to-folder/new", "new");
        assert_content(image, "folder-to-file", "file");
        assert_mode(image, "folder-to-symlink", S_IFLNK | 0777);
        assert_mode(image, "symlink-to-folder", S_IFDIR | 0711);
}
END_TEST

START_TEST(test_whiteouts)
{
        g_autoptr(Image) image = image_new();
        Tar *tar = tar_new();

        tar_file(tar, "gone", 0644, "x");
        tar_file(tar, "back", 0644, "old");
        tar_file(tar, "gone-folder/a/b", 0644, "x");
        tar_file(tar, "opaque/old", 0644, "x");
        tar_file(tar, "opaque/sub/old", 0644, "x");
        tar_file(tar, "opaque-later/old", 0644, "x");
        tar_file(tar, "kept/old", 0644, "x");
        image_add(image, tar);
        tar = tar_new();
        tar_file(tar, ".wh.gone", 0, "");
        tar_file(tar, ".wh.gone-folder", 0, "");
        tar_file(tar, ".wh.never-there", 0, "");
        /* A whiteout counts for lower layers only, wherever in the tar it stands. */
        tar_file(tar, "back", 0644, "new");
        tar_file(tar, ".wh.back", 0, "");
        tar_file(tar, "opaque/.wh..wh..opq", 0, "");
        tar_file(tar, "opaque/new", 0644, "new");
        tar_file(tar, "opaque-later/new", 0644, "new");
        tar_file(tar, "opaque-later/.wh..wh..opq", 0, "");
        tar_file(tar, "kept/new", 0644, "new");
        tar_file(tar, "kept/.wh..wh.plnk", 0644, "aufs");
        image_add(image, tar);
        tar = tar_new();
        tar_file(tar, "gone-folder/fresh", 0644, "fresh");
        image_add(image, tar);
        image_checkout(image);

        assert_missing(image, "gone");
        assert_content(image, "back", "new");
        assert_missing(image, "gone-folder/a");
        assert_content(image, "gone-folder/fresh", "fresh");
        assert_missing(image, "opaque/old");
        assert_missing(image, "opaque/sub");
        assert_content(image, "opaque/new", "new");
        assert_missing(image, "opaque-later/old");
        assert_content(image, "opaque-later/new", "new");
        assert_content(image, "kept/old", "x");
        assert_content(image, "kept/new", "new");
        const char *const hidden[] = {".wh.gone", ".wh.gone-folder",     ".wh.never-there",
                                      ".wh.back", "opaque/.wh..wh..opq", "kept/.wh..wh.plnk"};
        for (guint i = 0; i < G_N_ELEMENTS(hidden); i++)
                assert_missing(image, hidden[i]);
}
END_TEST

/* They name something above their folder, or nothing. */
START_TEST(test_whiteouts_that_climb)
{
        static const char *const whiteouts[] = {"a/b/.wh...",     "a/b/.wh..",   "a/b/.wh.", "a/b/.wh..wh.",
                                                "a/b/.wh..wh...", "a/.wh.b\\..", ".wh..."};
        g_autoptr(Image) image = image_new();
        Tar *tar = tar_new();

        tar_file(tar, "a/b/stays", 0644, "1");
        tar_file(tar, "a/stays", 0644, "2");
        tar_file(tar, "stays", 0644, "3");
        image_add(image, tar);
        tar = tar_new();
        for (guint i = 0; i < G_N_ELEMENTS(whiteouts); i++)
                tar_file(tar, whiteouts[i], 0, "");
        tar_folder(tar, "a/.wh.folder", 0755);
        tar_file(tar, "a/.wh.folder/evil", 0644, "evil");
        image_add(image, tar);
        image_checkout(image);

        assert_content(image, "a/b/stays", "1");
        assert_content(image, "a/stays", "2");
        assert_content(image, "stays", "3");
        for (guint i = 0; i < G_N_ELEMENTS(whiteouts); i++)
                assert_missing(image, whiteouts[i]);
        assert_missing(image, "a/.wh.folder");
}
END_TEST

START_TEST(test_folder_metadata)
{
        g_autoptr(Image) image = image_new();
        Tar *tar = tar_new();
        struct archive_entry *entry;
        struct stat st;
        char value[8];

        tar_folder(tar, "./", 0711);
        tar_folder(tar, "tmp", 01777);
        tar_folder(tar, "both", 0700);
        tar_folder(tar, "closed", 0000);
        tar_file(tar, "closed/inside", 0644, "x");
        entry = tar_entry("owned", AE_IFDIR, 02750);
        archive_entry_set_uid(entry, 11);
        archive_entry_set_gid(entry, 12);
        archive_entry_xattr_add_entry(entry, "user.note", "yes", 3);
        tar_add(tar, entry, NULL, 0);
        image_add(image, tar);
        tar = tar_new();
        /* This layer names neither the root nor /tmp and /owned, only what is in them. */
        tar_file(tar, "tmp/new", 0644, "x");
        tar_file(tar, "owned/deep/new", 0644, "x");
        tar_folder(tar, "both", 0755);
        image_add(image, tar);
        image_checkout(image);

        assert_mode(image, ".", S_IFDIR | 0711);
        assert_mode(image, "tmp", S_IFDIR | 01777);
        assert_mode(image, "both", S_IFDIR | 0755);
        assert_mode(image, "closed", S_IFDIR);
        assert_mode(image, "closed/inside", S_IFREG | 0644);
        assert_mode(image, "owned", S_IFDIR | 02750);
        assert_mode(image, "owned/deep", S_IFDIR | 0755);
        ck_assert(look(image, "owned", &st));
        ck_assert_uint_eq(st.st_uid, 11);
        ck_assert_uint_eq(st.st_gid, 12);
        ck_assert_int_eq(st.st_mtim.tv_sec, 0);
        g_autofree char *owned = g_build_filename(image->folder, "owned", NULL);
        ck_assert_int_eq(getxattr(owned, "user.note", value, sizeof value), 3);
}
END_TEST

/* Only the root and one folder of it. */
START_TEST(test_merge_of_a_folder)
{
        g_autoptr(Image) image = image_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *data = NULL, *linked = NULL;
        Tar *tar = tar_new();

        tar_file(tar, "exports/a", 0644, "lower");
        tar_file(tar, "exports/b", 0644, "12345");
        tar_file(tar, "share/c", 0644, "out of it");
        tar_symlink(tar, "exports/c", "../share/c");
        image_add(image, tar);
        tar = tar_new();
        tar_file(tar, "exports/a", 0644, "upper");
        tar_file(tar, "exports/.wh.b", 0644, "");
        tar_file(tar, "share/d", 0644, "");
        image_add(image, tar);
        g_autoptr(ScTree) tree = sc_tree_merge_folder(image->store->repository, image->layers, "exports", NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(sc_tree_files(tree), 2);
        ck_assert_uint_eq(sc_tree_folders(tree), 2);
        ck_assert(sc_tree_read(tree, "exports/a", 5, &data, NULL, &error));
        ck_assert_str_eq(data, "upper");
        ck_assert(!sc_tree_read(tree, "exports/b", 5, &linked, NULL, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "exports/b");
        g_clear_error(&error);
        ck_assert(!sc_tree_has_strayed(tree));
        ck_assert(!sc_tree_read(tree, "exports/c", 9, &linked, NULL, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "exports/c");
        ck_assert(sc_tree_has_strayed(tree));
}
END_TEST

START_TEST(test_read_and_list)
{
        g_autoptr(Image) image = image_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *data = NULL;
        gsize size;
        Tar *tar = tar_new();

        tar_file(tar, "exports/manifest.json", 0644, "{}");
        tar_file(tar, "exports/b", 0644, "12345");
        tar_symlink(tar, "exports/link", "b");
        tar_symlink(tar, "exports/absolute", "/share/../exports/./link");
        tar_symlink(tar, "exports/above", "../../../exports/b");
        tar_symlink(tar, "exports/loop", "loop");
        tar_symlink(tar, "exports/dangling", "../etc/none");
        tar_symlink(tar, "exports/through", "b/../b");
        tar_folder(tar, "share", 0755);
        tar_folder(tar, "exports/hostfs", 0755);
        image_add(image, tar);
        g_autoptr(ScTree) tree = image_merge(image);
        ck_assert_uint_eq(sc_tree_files(tree), 8);
        ck_assert_uint_eq(sc_tree_folders(tree), 3);
        ck_assert(sc_tree_read(tree, "exports/b", 5, &data, &size, &error));
        ck_assert_str_eq(data, "12345");
        ck_assert_uint_eq(size, 5);
        const char *const links[] = {"exports/link", "exports/absolute", "exports/above"};
        for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
                g_autofree char *linked = NULL;
                ck_assert(sc_tree_read(tree, links[i], 5, &linked, NULL, &error));
                ck_assert_str_eq(linked, "12345");
        }
        char *other = NULL;
        ck_assert(!sc_tree_read(tree, "exports/b", 4, &other, NULL, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "larger");
        g_clear_error(&error);
        const char *const none[] = {"exports/loop", "exports/dangling", "exports/through", "exports/hostfs",
                                    "exports/none", "exports/b/c",      "exports",         ""};
        for (guint i = 0; i < G_N_ELEMENTS(none); i++) {
                ck_assert(!sc_tree_read(tree, none[i], 100, &other, NULL, &error));
                ck_assert_error(error, SC_ERROR_NOT_FOUND, none[i]);
                g_clear_error(&error);
        }
        g_auto(GStrv) names = sc_tree_list(tree, "exports"), nothing = sc_tree_list(tree, "none");
        g_autofree char *joined = g_strjoinv(" ", names);
        ck_assert_str_eq(joined, "above absolute b dangling hostfs link loop manifest.json through");
        ck_assert_uint_eq(g_strv_length(nothing), 0);
}
END_TEST

START_TEST(test_missing_layer)
{
        g_autoptr(Image) image = image_new();
        g_autoptr(GError) error = NULL;
        ScLayerInfo *layer = sc_layer_info_new();

        g_ptr_array_add(image->layers, layer);
        ck_assert_ptr_null(sc_tree_merge(image->store->repository, image->layers, NULL, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "pull the image again");
}
END_TEST

/* A layer that libostree imported, as the atomic command had it do. */
START_TEST(test_foreign_commit)
{
        g_autoptr(Image) image = image_new();
        OstreeRepo *ostree = sc_repository_ostree(image->store->repository);
        g_autoptr(OstreeMutableTree) tree = ostree_mutable_tree_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(GFile) root = NULL;
        g_autofree char *commit = NULL;
        OstreeRepoImportArchiveOptions options = {.autocreate_parents = TRUE};
        ScLayerInfo *layer = sc_layer_info_new();
        g_autofree char *ref = layer_ref(layer);
        Tar *tar = tar_new();

        tar_folder(tar, "./", 0755);
        tar_file(tar, "usr/bin/tool", 0755, "tool");
        g_autoptr(GBytes) bytes = tar_end(tar);
        struct archive *archive = archive_read_new();
        archive_read_support_format_all(archive);
        archive_read_open_memory(archive, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        ck_assert(ostree_repo_prepare_transaction(ostree, NULL, NULL, &error));
        ck_assert(ostree_repo_import_archive_to_mtree(ostree, &options, archive, tree, NULL, NULL, &error));
        archive_read_free(archive);
        ck_assert(ostree_repo_write_mtree(ostree, tree, &root, NULL, &error));
        ck_assert(ostree_repo_write_commit(ostree, NULL, NULL, NULL, NULL, OSTREE_REPO_FILE(root), &commit, NULL, &error));
        ostree_repo_transaction_set_ref(ostree, NULL, ref, commit);
        ck_assert(ostree_repo_commit_transaction(ostree, NULL, NULL, &error));

        g_ptr_array_add(image->layers, layer);
        image_checkout(image);
        assert_content(image, "usr/bin/tool", "tool");
        assert_mode(image, "usr", S_IFDIR | 0755);
}
END_TEST

/* A folder with one entry; the checksums are those of a file, or of a tree and its metadata. */
static char *write_tree(OstreeRepo *ostree, const char *name, GVariant *file, const char *tree, const char *meta)
{
        g_auto(GVariantBuilder) files = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(say)")),
                                folders = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(sayay)"));

        if (file != NULL)
                g_variant_builder_add(&files, "(s@ay)", name, file);
        else
                g_variant_builder_add(&folders, "(s@ay@ay)", name, store_checksum_bytes(tree), store_checksum_bytes(meta));
        return store_write_metadata(
                ostree, OSTREE_OBJECT_TYPE_DIR_TREE,
                g_variant_new("(@a(say)@a(sayay))", g_variant_builder_end(&files), g_variant_builder_end(&folders)));
}

typedef enum { A_FILE, A_FILE_WITHOUT_CHECKSUM, A_FOLDER, TOO_MANY_FOLDERS } Impossible;

/* A layer with an entry of that name. */
static ScLayerInfo *impossible_layer(Image *image, const char *name, Impossible what)
{
        OstreeRepo *ostree = sc_repository_ostree(image->store->repository);
        Tar *tar = tar_new();
        g_autoptr(GError) error = NULL;

        tar_file(tar, "honest", 0644, "x");
        g_autoptr(ScLayerInfo) honest = store_add_layer(image->store, tar);
        g_autoptr(GFile) root = layer_root(image->store, honest);
        g_autofree char *file = file_checksum(root, "honest");
        ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(root), &error));
        const char *contents = ostree_repo_file_tree_get_contents_checksum(OSTREE_REPO_FILE(root)),
                   *meta = ostree_repo_file_tree_get_metadata_checksum(OSTREE_REPO_FILE(root));
        GVariant *checksum = what == A_FILE                    ? store_checksum_bytes(file)
                             : what == A_FILE_WITHOUT_CHECKSUM ? g_variant_new_bytestring("")
                                                               : NULL;
        ScLayerInfo *layer = sc_layer_info_new();
        g_autofree char *made = write_tree(ostree, name, checksum, contents, meta);
        for (guint i = 0; what == TOO_MANY_FOLDERS && i < PATH_MAX / strlen(name); i++) {
                g_autofree char *below = g_steal_pointer(&made);
                made = write_tree(ostree, name, NULL, below, meta);
        }
        store_turn_layer(ostree, layer, made, meta);
        return layer;
}

/* Of another tool, or of somebody who wrote the objects by hand: no import of ours would make them. */
START_TEST(test_impossible_entries)
{
        g_autofree char *long_name = g_strnfill(255, 'n'), *longer_name = g_strnfill(256, 'n');
        const struct {
                const char *name;
                Impossible what;
                const char *message;
        } cases[] = {
                {"..", A_FILE, "impossible name"},
                {".", A_FILE, "impossible name"},
                {"", A_FILE, "impossible name"},
                {"../../etc/evil", A_FILE, "impossible name"},
                {"..", A_FOLDER, "impossible name"},
                {"etc/evil", A_FOLDER, "impossible name"},
                {longer_name, A_FILE, "impossible name"},
                {long_name, TOO_MANY_FOLDERS, "impossible name"},
                {"evil", A_FILE_WITHOUT_CHECKSUM, "no valid checksum"},
        };

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Image) image = image_new();
                g_autoptr(GError) error = NULL;
                g_ptr_array_add(image->layers, impossible_layer(image, cases[i].name, cases[i].what));
                g_autoptr(ScTree) tree = sc_tree_merge(image->store->repository, image->layers, NULL, &error);
                ck_assert_msg(tree == NULL, "'%s' was merged", cases[i].name);
                ck_assert_error(error, SC_ERROR_CORRUPT, cases[i].message);
        }
}
END_TEST

/* The dirtree of a layer's root is not what it was. */
START_TEST(test_damaged_folder)
{
        for (int is_lost = 0; is_lost <= 1; is_lost++) {
                g_autoptr(Image) image = image_new();
                OstreeRepo *ostree = sc_repository_ostree(image->store->repository);
                g_autoptr(GError) error = NULL;
                Tar *tar = tar_new();
                tar_file(tar, "file", 0644, "x");
                g_autoptr(ScLayerInfo) layer = store_add_layer(image->store, tar);
                g_autoptr(GFile) root = layer_root(image->store, layer);
                ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(root), &error));
                if (is_lost != 0) {
                        ck_assert(ostree_repo_delete_object(ostree, OSTREE_OBJECT_TYPE_DIR_TREE,
                                                            ostree_repo_file_tree_get_contents_checksum(OSTREE_REPO_FILE(root)),
                                                            NULL, NULL));
                } else {
                        g_autofree char *damaged = store_write_damaged_tree(ostree);
                        store_turn_layer(ostree, layer, damaged,
                                         ostree_repo_file_tree_get_metadata_checksum(OSTREE_REPO_FILE(root)));
                }
                g_ptr_array_add(image->layers, g_steal_pointer(&layer));
                g_autoptr(ScTree) tree = sc_tree_merge(image->store->repository, image->layers, NULL, &error);
                ck_assert_ptr_null(tree);
                ck_assert_error(error, SC_ERROR_CORRUPT,
                                is_lost != 0 ? "has lost the object" : "is damaged, in the folder '/' of a layer");
        }
}
END_TEST

/* Three thousand folders that are one object, of three thousand whiteouts: few objects, and more entries than an image may have. */
START_TEST(test_more_entries_than_an_image_has)
{
        enum { MANY = 3000 };
        g_autoptr(Image) image = image_new();
        OstreeRepo *ostree = sc_repository_ostree(image->store->repository);
        g_autoptr(ScFolderWriter) inner = sc_folder_writer_new(), outer = sc_folder_writer_new();
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();
        ScDigest inner_id, meta_id;
        gsize size;

        tar_file(tar, "file", 0644, "x");
        g_autoptr(ScLayerInfo) layer = store_add_layer(image->store, tar);
        g_autoptr(GFile) root = layer_root(image->store, layer);
        ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(root), &error));
        const char *meta = ostree_repo_file_tree_get_metadata_checksum(OSTREE_REPO_FILE(root));
        ck_assert(sc_digest_parse_hex(meta, &meta_id, &error));
        for (guint i = 0; i < MANY; i++) {
                g_autofree char *name = g_strdup_printf(".wh.%04u", i);
                sc_folder_writer_add_file(inner, name, &meta_id);
        }
        const void *data = sc_folder_writer_end(inner, &size);
        g_autofree char *below = store_write_tree_bytes(ostree, data, size);
        ck_assert(sc_digest_parse_hex(below, &inner_id, &error));
        for (guint i = 0; i < MANY; i++) {
                g_autofree char *name = g_strdup_printf("%04u", i);
                sc_folder_writer_add_folder(outer, name, &inner_id, &meta_id);
        }
        data = sc_folder_writer_end(outer, &size);
        g_autofree char *top = store_write_tree_bytes(ostree, data, size);
        store_turn_layer(ostree, layer, top, meta);
        g_ptr_array_add(image->layers, g_steal_pointer(&layer));
        g_autoptr(ScTree) tree = sc_tree_merge(image->store->repository, image->layers, NULL, &error);
        ck_assert_ptr_null(tree);
        ck_assert_error(error, SC_ERROR_CORRUPT, "more than 8000000 files and folders");
}
END_TEST

static void looks(const ScTree *tree, const char *path, guint mode, const char *link)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *target = NULL;
        struct stat st;

        ck_assert(sc_tree_look(tree, path, &st, &target, &error));
        ck_assert_uint_eq(st.st_mode, mode);
        ck_assert_msg(g_strcmp0(target, link) == 0, "%s points to %s", path, target);
}

START_TEST(test_files_without_a_checkout)
{
        g_autoptr(Image) image = image_new();
        Tar *tar = tar_new();

        tar_folder(tar, "bin", 0711);
        tar_file(tar, "bin/su", 04755, "su");
        tar_file(tar, "bin/plain", 0644, "plain text");
        tar_symlink(tar, "bin/link", "plain");
        tar_file(tar, "bin/sub/wall", 02755, "wall");
        tar_file(tar, "bin/later", 04755, "x");
        struct archive_entry *ping = tar_entry("bin/ping", AE_IFREG, 0755);
        static const guint8 capability[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        archive_entry_xattr_add_entry(ping, "security.capability", capability, sizeof capability);
        tar_add(tar, ping, "ping", 4);
        image_add(image, tar);
        tar = tar_new();
        tar_file(tar, "bin/later", 0755, "x");
        image_add(image, tar);
        g_autoptr(ScTree) tree = image_merge(image);
        g_autoptr(GError) error = NULL;

        looks(tree, "bin", S_IFDIR | 0711, NULL);
        looks(tree, "bin/su", S_IFREG | 04755, NULL);
        looks(tree, "bin/link", S_IFLNK | 0777, "plain");
        int fd = sc_tree_open(tree, "bin/plain", &error);
        char text[32] = "";
        ck_assert_int_eq(read(fd, text, sizeof text - 1), 10);
        ck_assert_str_eq(text, "plain text");
        close(fd);
        ck_assert_int_eq(sc_tree_open(tree, "bin/none", &error), -1);
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "no file bin/none");
        g_clear_error(&error);

        g_autoptr(GPtrArray) found = sc_tree_privileged_files(tree, NULL, &error);
        ck_assert_no_error(error);
        g_autoptr(GString) names = g_string_new(NULL);
        for (guint i = 0; i < found->len; i++) {
                const ScPrivilegedFile *file = found->pdata[i];
                g_string_append_printf(names, "%s %o%s\n", file->path, file->mode & 07777, file->capabilities ? " +" : "");
        }
        ck_assert_str_eq(names->str, geteuid() == 0 ? "/bin/ping 755 +\n/bin/su 4755\n/bin/sub/wall 2755\n"
                                                    : "/bin/su 4755\n/bin/sub/wall 2755\n");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("merge");
        TCase *tcase = tcase_create("merge");

        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, test_upper_over_lower);
        tcase_add_test(tcase, test_whiteouts);
        tcase_add_test(tcase, test_whiteouts_that_climb);
        tcase_add_test(tcase, test_files_without_a_checkout);
        tcase_add_test(tcase, test_folder_metadata);
        tcase_add_test(tcase, test_merge_of_a_folder);
        tcase_add_test(tcase, test_read_and_list);
        tcase_add_test(tcase, test_missing_layer);
        tcase_add_test(tcase, test_foreign_commit);
        tcase_add_test(tcase, test_impossible_entries);
        tcase_add_test(tcase, test_damaged_folder);
        tcase_add_test(tcase, test_more_entries_than_an_image_has);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
