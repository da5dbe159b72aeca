/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A user's repository, written and checked out by nobody in particular. */

#include "store/merge.h"
#include "store/written-meta.h"
#include "store.h"
#include <sys/xattr.h>

#define NOBODY 65534

/* Each test has a process of its own: it can become somebody else. */
static void become_nobody(void)
{
        if (geteuid() == 0)
                ck_assert_int_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
}

static ScLayerInfo *add_ordinary(Store *store)
{
        g_autoptr(GBytes) tar = ordinary_tar();
        ScLayerInfo *layer = layer_info(tar);
        g_autoptr(ScImport) import = import_new(store);
        g_autoptr(GError) error = NULL;

        import_layer(import, layer, tar, &error);
        ck_assert_no_error(error);
        return layer;
}

/* Of an object file: what stat says, the attribute, the content. */
static char *describe_file(const char *repository, const char *object)
{
        g_autofree char *path = g_build_filename(repository, "objects", object, NULL), *content = NULL;
        char value[4096];
        struct stat st;
        gsize size;

        ck_assert_msg(lstat(path, &st) == 0, "%s is missing", path);
        ck_assert(g_file_get_contents(path, &content, &size, NULL));
        ssize_t value_size = getxattr(path, "user.ostreemeta", value, sizeof value);
        ck_assert_int_ge(value_size, 12);
        g_autofree char *meta = g_base64_encode((const guchar *)value, (gsize)value_size),
                        *data = g_base64_encode((const guchar *)content, size);
        return g_strdup_printf("%o %u %ld %s %s", st.st_mode, st.st_uid, (long)st.st_mtim.tv_sec, meta, data);
}

static void compare_objects(Store *ours, Store *theirs)
{
        g_autoptr(GHashTable) objects = NULL;
        g_autoptr(GError) error = NULL;
        GHashTableIter iter;
        gpointer key;
        guint files = 0;

        ck_assert(ostree_repo_list_objects(sc_repository_ostree(theirs->repository), OSTREE_REPO_LIST_OBJECTS_ALL, &objects, NULL,
                                           &error));
        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const char *checksum;
                OstreeObjectType type;
                ostree_object_name_deserialize(key, &checksum, &type);
                if (type != OSTREE_OBJECT_TYPE_FILE)
                        continue;
                g_autofree char *object = g_strdup_printf("%.2s/%s.file", checksum, checksum + 2);
                g_autofree char *one = describe_file(sc_repository_path(ours->repository), object);
                g_autofree char *other = describe_file(sc_repository_path(theirs->repository), object);
                ck_assert_str_eq(one, other);
                files++;
        }
        ck_assert_uint_gt(files, 6);
}

START_TEST(same_files_as_libostree)
{
        become_nobody();
        g_autoptr(Store) store = store_new_user(), other = store_new_user();
        g_autoptr(GBytes) tar = ordinary_tar();
        g_autoptr(ScLayerInfo) layer UNUSED = add_ordinary(store);
        g_autofree char *theirs UNUSED = libostree_commit(other, tar);

        ck_assert_int_eq(ostree_repo_get_mode(sc_repository_ostree(store->repository)), OSTREE_REPO_MODE_BARE_USER);
        store_check(store);
        compare_objects(store, other);
}
END_TEST

static ScTree *merge(Store *store, ScLayerInfo *layer)
{
        g_autoptr(GPtrArray) layers = g_ptr_array_new();
        g_autoptr(GError) error = NULL;

        g_ptr_array_add(layers, layer);
        ScTree *tree = sc_tree_merge(store->repository, layers, NULL, &error);
        ck_assert_no_error(error);
        return tree;
}

static void look(const char *root, const char *path, struct stat *ret)
{
        g_autofree char *full = g_build_filename(root, path, NULL);

        ck_assert_msg(lstat(full, ret) == 0, "%s is missing", path);
        ck_assert_uint_eq(ret->st_uid, geteuid());
}

static char *check_out(Store *store, const ScTree *tree)
{
        char *root = g_build_filename(store->folder, "root", NULL);
        g_autoptr(GError) error = NULL;

        ck_assert_int_eq(g_mkdir(root, 0700), 0);
        int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        sc_tree_checkout(tree, fd, NULL, NULL, &error);
        ck_assert_no_error(error);
        close(fd);
        return root;
}

START_TEST(checkout_is_the_users)
{
        become_nobody();
        g_autoptr(Store) store = store_new_user();
        g_autoptr(ScLayerInfo) layer = add_ordinary(store);
        g_autoptr(ScTree) tree = merge(store, layer);
        g_autofree char *root = check_out(store, tree);
        static const struct {
                const char *path;
                guint mode;
        } expected[] = {
                {"usr/bin", S_IFDIR | 0711}, {"usr/bin/tool", S_IFREG | 0755}, {"usr/bin/su", S_IFREG | 0755},
                {"tmp", S_IFDIR | 0775},     {"empty", S_IFREG | 0600},        {"owned", S_IFREG | 0640},
                {"home", S_IFDIR | 0750},    {"bin", S_IFLNK | 0777},
        };
        struct stat st, other;

        for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
                look(root, expected[i].path, &st);
                ck_assert_msg(st.st_mode == expected[i].mode, "%s has the mode %o", expected[i].path, st.st_mode);
        }
        look(root, "usr/bin/tool", &st);
        look(root, "usr/bin/tool2", &other);
        ck_assert_uint_eq(st.st_ino, other.st_ino);
        ck_assert_uint_eq(st.st_nlink, 3);
        g_autofree char *link = g_build_filename(root, "bin", NULL), *target = g_file_read_link(link, NULL);
        ck_assert_str_eq(target, "usr/bin");
}
END_TEST

/* A symlink's object is a regular file, but the image's file is a symlink. */
START_TEST(symlinks_are_followed)
{
        become_nobody();
        g_autoptr(Store) store = store_new_user();
        g_autoptr(ScLayerInfo) layer = add_ordinary(store);
        g_autoptr(ScTree) tree = merge(store, layer);
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL, *link = NULL;

        ck_assert(sc_tree_read(tree, "bin/tool", 100, &text, NULL, &error));
        ck_assert_str_eq(text, "#!/bin/sh\n");
        ck_assert(!sc_tree_read(tree, "bin", 100, &link, NULL, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "bin");
}
END_TEST

static char *object_of(Store *store, const ScLayerInfo *layer, const char *path)
{
        g_autoptr(GFile) root = layer_root(store, layer);

        return object_path(store, root, path);
}

START_TEST(damaged_objects_are_replaced)
{
        become_nobody();
        g_autoptr(Store) store = store_new_user();
        g_autoptr(ScLayerInfo) layer = add_ordinary(store);
        g_autofree char *short_one = object_of(store, layer, "usr/bin/su"), *bare = object_of(store, layer, "owned"),
                        *link = object_of(store, layer, "bin"), *ref = layer_ref(layer);
        g_autoptr(GError) error = NULL;

        ck_assert_int_eq(truncate(short_one, 2), 0);
        ck_assert_int_eq(removexattr(bare, "user.ostreemeta"), 0);
        ck_assert_int_eq(truncate(link, 0), 0);
        g_autoptr(ScTree) tree = merge(store, layer);
        g_autofree char *text = NULL;
        ck_assert(!sc_tree_read(tree, "owned", 100, &text, NULL, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "user.ostreemeta");
        g_clear_error(&error);
        ck_assert(!sc_tree_read(tree, "bin", 100, &text, NULL, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "target");
        g_clear_error(&error);

        ck_assert(sc_repository_drop_ref(store->repository, ref, &error));
        g_autoptr(ScLayerInfo) again UNUSED = add_ordinary(store);
        store_check(store);
}
END_TEST

START_TEST(bad_metadata_is_refused)
{
        g_auto(ScObjectMeta) meta = {0};
        g_autoptr(GError) error = NULL;
        static const guint8 good[12] = {0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0x81, 0xed};
        static const guint8 folder[12] = {0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0x41, 0xed};

        ck_assert(sc_written_meta_parse(good, sizeof good, &meta, &error));
        ck_assert_uint_eq(meta.uid, 5);
        ck_assert_uint_eq(meta.gid, 6);
        ck_assert_uint_eq(meta.mode, 0100755);
        for (gsize size = 0; size < sizeof good; size++) {
                ck_assert(!sc_written_meta_parse(good, size, &meta, &error));
                ck_assert_error(error, SC_ERROR_CORRUPT, "ostreemeta");
                g_clear_error(&error);
        }
        ck_assert(!sc_written_meta_parse(folder, sizeof folder, &meta, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "neither");
}
END_TEST

START_TEST(the_other_mode_is_refused)
{
        become_nobody();
        g_autoptr(Store) store = store_new_user();
        g_autoptr(ScScope) scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        const ScConfig config = {
                .scope = scope, .checkout_path = store->config.checkout_path, .repository = store->config.repository};
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(sc_repository_open(&config, SC_REPOSITORY_READ, &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "bare-user");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bare-user");
        TCase *tcase = tcase_create("bare-user");
        tcase_add_test(tcase, same_files_as_libostree);
        tcase_add_test(tcase, checkout_is_the_users);
        tcase_add_test(tcase, symlinks_are_followed);
        tcase_add_test(tcase, damaged_objects_are_replaced);
        tcase_add_test(tcase, bad_metadata_is_refused);
        tcase_add_test(tcase, the_other_mode_is_refused);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
