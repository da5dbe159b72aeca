/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of objects from the staging folder into the repository: at the same time, killed, taken up again. */

#include "store.h"
#include "base/path.h"
#include "store/layer.h"
#include "store/object.h"
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>

/* Many small files, of which those below `shared` are in the tars of all seeds. */
static GBytes *many_files(guint seed, guint files)
{
        Tar *tar = tar_new();

        for (guint i = 0; i < files; i++) {
                g_autofree char *path = g_strdup_printf("%s/%u/file%u", i % 2 == 0 ? "shared" : "own", i % 37, i);
                g_autofree char *text = g_strdup_printf("%u %u", i, i % 2 == 0 ? 0 : seed);
                g_autofree char *content = g_strnfill(i % 50 * 100, 'c'), *all = g_strconcat(content, text, NULL);
                tar_file(tar, path, 0644, all);
        }
        return tar_end(tar);
}

typedef struct {
        ScImport *import;
        GBytes *tar;
        ScLayerInfo *layer;
        GError *error;
} LayerThread;

static gpointer layer_thread(gpointer data)
{
        LayerThread *thread = data;

        (void)import_layer(thread->import, thread->layer, thread->tar, &thread->error);
        return NULL;
}

/* Where its folder cannot be made that is the reason, and the only one. */
START_TEST(test_no_folder)
{
        g_autoptr(Store) store = store_new();
        const ScImportLimits limits = {.writers = 1, .max_layer_size = 1u << 30};
        g_autoptr(GError) error = NULL;

        g_autofree char *extensions = g_build_filename(sc_repository_path(store->repository), "extensions", NULL);
        sc_remove_tree(AT_FDCWD, extensions, NULL);
        ck_assert(g_file_set_contents(extensions, "", 0, NULL));
        g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
        ck_assert_ptr_null(sc_import_new(store->repository, &limits, &error));
        ck_assert_ptr_nonnull(error);
        ck_assert_ptr_nonnull(strstr(error->message, "extensions"));
}
END_TEST

/* Four layers that share half their files, by the threads of two imports at once, as two processes would have them. */
START_TEST(test_at_the_same_time)
{
        g_autoptr(Store) store = store_new(), view = g_new0(Store, 1);
        LayerThread threads[4] = {0};
        GThread *running[4];

        view->folder = test_folder_new();
        view->config.scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        view->config.checkout_path = g_strdup(store->config.checkout_path);
        store_reopen(view);
        {
                g_autoptr(ScImport) import = import_new(store), other = import_new(view);
                for (guint i = 0; i < 4; i++) {
                        threads[i].import = i % 2 == 0 ? import : other;
                        threads[i].tar = many_files(i, 3000);
                        threads[i].layer = layer_info(threads[i].tar);
                        running[i] = g_thread_new("layer", layer_thread, &threads[i]);
                }
                for (guint i = 0; i < 4; i++) {
                        g_thread_join(running[i]);
                        ck_assert_no_error(threads[i].error);
                }
        }
        store_check(store);
        for (guint i = 0; i < 4; i++) {
                g_autoptr(GFile) root = layer_root(store, threads[i].layer);
                g_autofree char *content = file_content(root, "own/1/file1"), *expected = g_strdup_printf("%u", i);
                ck_assert(g_str_has_suffix(content, expected));
                g_bytes_unref(threads[i].tar);
                sc_layer_info_free(threads[i].layer);
        }
        g_autoptr(GPtrArray) left = store_staging_folders(store);
        ck_assert_uint_eq(left->len, 0);
}
END_TEST

/* The import in a child that ends without any cleaning up, after `microseconds`. */
static void import_and_kill(Store *store, GBytes *tar, guint microseconds)
{
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0) {
                g_autoptr(GError) error = NULL;
                g_autoptr(ScLayerInfo) layer = layer_info(tar);
                guint64 inflated;
                LayerSource source = {
                        .data = g_bytes_get_data(tar, NULL), .size = g_bytes_get_size(tar), .chunk = 65536, .delay = 300};
                store->repository = sc_repository_open(&store->config, SC_REPOSITORY_READ, &error);
                (void)sc_import_layer(import_new(store), layer, layer_source_read, &source, &inflated, NULL, &error);
                _exit(0);
        }
        g_usleep(microseconds);
        (void)kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

START_TEST(test_killed)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GBytes) tar = many_files(1, 6000);
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        g_autofree char *ref = layer_ref(layer);
        g_autoptr(GError) error = NULL;

        for (guint i = 0; i < 12; i++) {
                import_and_kill(store, tar, 3000 + (guint)g_random_int_range(0, 150000));
                /* Whatever has a ref is whole, and what lies in objects/, too. */
                store_check(store);
                ck_assert(sc_repository_drop_ref(store->repository, ref, &error));
        }
        g_autoptr(ScImport) import = import_new(store);
        import_layer(import, layer, tar, &error);
        ck_assert_no_error(error);
        store_check(store);
        g_autoptr(GPtrArray) staging = store_staging_folders(store);
        ck_assert_uint_eq(staging->len, 1);
}
END_TEST

/* What an import leaves that breaks off: the objects of all its files, none of them published. */
static char *leave_staging(Store *store, GBytes *tar)
{
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        g_autoptr(GError) error = NULL;
        ScImport *import = import_new(store);

        layer->diff_id.bytes[0] ^= 1;
        ck_assert(!import_layer(import, layer, tar, &error));
        sc_import_free(import);
        g_autoptr(GPtrArray) staging = store_staging_folders(store);
        ck_assert_uint_eq(staging->len, 1);
        return g_strdup(staging->pdata[0]);
}

static char *staged_path(const char *staging, const char *text)
{
        const ScObjectMeta meta = {.mode = S_IFREG | 0644};
        g_autofree char *id = object_id(&meta, text, strlen(text));

        return g_strdup_printf("%s/%.2s/%s.file", staging, id, id + 2);
}

static void damage_content(const char *path)
{
        g_autofree char *other = g_strnfill(inode(path) > 0 ? strlen("file 0") : 0, 'X');
        int fd = open(path, O_WRONLY);
        ck_assert_int_eq(pwrite(fd, other, strlen(other), 0), (ssize_t)strlen(other));
        const struct timespec times[] = {{0}, {0}};
        ck_assert_int_eq(futimens(fd, times), 0);
        close(fd);
}

static void damage_size(const char *path)
{
        ck_assert_int_eq(truncate(path, 2), 0);
        const struct timespec times[] = {{0}, {0}};
        ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void damage_mode(const char *path)
{
        ck_assert_int_eq(chmod(path, 0666), 0);
}

static void damage_owner(const char *path)
{
        ck_assert_int_eq(chown(path, 1, 0), 0);
}

static void damage_xattr(const char *path)
{
        ck_assert_int_eq(setxattr(path, "user.evil", "x", 1, 0), 0);
}

static void damage_type(const char *path)
{
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(symlink("/etc/passwd", path), 0);
}

static void (*const damages[])(const char *path) = {damage_content, damage_size,  damage_mode,
                                                    damage_owner,   damage_xattr, damage_type};

/* A copy that was damaged on its way, and then the layer from somewhere else: what both hold is written once, and what only the
 * damaged one held is nowhere. */
START_TEST(test_begins_anew)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();
        tar_file(tar, "same", 0644, "the same");
        tar_file(tar, "file", 0644, "damaged");
        g_autoptr(GBytes) damaged_bytes = tar_end(tar);
        tar = tar_new();
        tar_file(tar, "same", 0644, "the same");
        tar_file(tar, "file", 0644, "whole");
        g_autoptr(GBytes) bytes = tar_end(tar);
        g_autoptr(ScLayerInfo) layer = layer_info(bytes);
        ScImport *import = import_new(store);

        ck_assert(!import_layer(import, layer, damaged_bytes, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "the tar has the digest");
        g_clear_error(&error);
        ck_assert(!sc_layer_exists(store->repository, &layer->digest, &error));
        ck_assert_no_error(error);
        g_autoptr(GPtrArray) staging = store_staging_folders(store);
        ck_assert_uint_eq(staging->len, 1);
        g_autofree char *staged = staged_path(staging->pdata[0], "the same");
        ino_t staged_inode = inode(staged);

        import_layer(import, layer, bytes, &error);
        ck_assert_no_error(error);
        sc_import_free(import);
        store_check(store);
        g_autoptr(GFile) root = layer_root(store, layer);
        g_autofree char *content = file_content(root, "file"), *object = object_path(store, root, "same");
        ck_assert_str_eq(content, "whole");
        ck_assert_uint_eq(inode(object), staged_inode);
        g_autoptr(GPtrArray) left = store_staging_folders(store);
        ck_assert_uint_eq(left->len, 0);
}
END_TEST

static void make_object_folders(Store *store)
{
        for (guint i = 0; i < 256; i++) {
                g_autofree char *path = g_strdup_printf("%s/objects/%02x", sc_repository_path(store->repository), i);
                ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
        }
}

/* Also where the repository got the folders of the objects meanwhile, by layers that were whole. */
START_TEST(test_staging_is_adopted)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();

        tar_file(tar, "whole", 0644, "whole file");
        for (guint i = 0; i < G_N_ELEMENTS(damages); i++) {
                g_autofree char *path = g_strdup_printf("file%u", i), *text = g_strdup_printf("file %u", i);
                tar_file(tar, path, 0644, text);
        }
        g_autoptr(GBytes) bytes = tar_end(tar);
        g_autoptr(ScLayerInfo) layer = layer_info(bytes);
        g_autofree char *staging = leave_staging(store, bytes), *whole = staged_path(staging, "whole file");
        g_autofree char *temporary = g_build_filename(staging, ".large-left", NULL);
        ino_t whole_inode = inode(whole);
        ck_assert(g_file_set_contents(temporary, "x", 1, NULL));
        for (guint i = 0; i < G_N_ELEMENTS(damages); i++) {
                g_autofree char *text = g_strdup_printf("file %u", i), *path = staged_path(staging, text);
                (void)inode(path);
                damages[i](path);
        }
        if (_i == 1)
                make_object_folders(store);

        ScImport *import = import_new(store);
        ck_assert_int_ne(access(temporary, F_OK), 0);
        import_layer(import, layer, bytes, &error);
        ck_assert_no_error(error);
        sc_import_free(import);
        store_check(store);
        /* The whole one was not written anew; the folder is gone with the import. */
        g_autoptr(GFile) root = layer_root(store, layer);
        g_autofree char *object = object_path(store, root, "whole");
        ck_assert_uint_eq(inode(object), whole_inode);
        g_autoptr(GPtrArray) left = store_staging_folders(store);
        ck_assert_uint_eq(left->len, 0);
}
END_TEST

enum { LARGE_SIZE = 9 * 1024 * 1024 + 5 };

static void tar_large(Tar *tar, const char *path, char first, char last)
{
        g_autofree char *data = g_malloc0(LARGE_SIZE);

        memset(data, first, LARGE_SIZE / 2);
        data[LARGE_SIZE - 1] = last;
        tar_add(tar, tar_entry(path, AE_IFREG, 0644), data, LARGE_SIZE);
}

/* Within one boot nothing of a layer that broke off is written twice: neither symlinks, nor what is too large for memory. */
START_TEST(test_staging_is_adopted_whole)
{
        g_autoptr(Store) store = _i == 0 ? store_new() : store_new_user();
        g_autoptr(GError) error = NULL;
        const char *const names[] = {"symlink", "large", "other", "sparse"};
        ino_t before[G_N_ELEMENTS(names)];
        Tar *tar = tar_new();

        tar_symlink(tar, "symlink", "/somewhere");
        tar_large(tar, "large", 'a', 'a');
        tar_large(tar, "other", 'a', 'b');
        sparse_file(tar, "sparse", 30 * 1024 * 1024);
        g_autoptr(GBytes) bytes = tar_end(tar);
        g_autoptr(ScLayerInfo) layer = layer_info(bytes);
        /* To know the names of the objects. */
        g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func(g_free);
        ScImport *import = import_new(store);
        import_layer(import, layer, bytes, &error);
        ck_assert_no_error(error);
        sc_import_free(import);
        g_autoptr(GFile) root = layer_root(store, layer);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                g_ptr_array_add(objects, object_path(store, root, names[i]));
        g_autofree char *ref = layer_ref(layer);
        ck_assert(sc_repository_drop_ref(store->repository, ref, &error));
        for (guint i = 0; i < objects->len; i++)
                ck_assert_int_eq(unlink(objects->pdata[i]), 0);

        g_autofree char *staging = leave_staging(store, bytes);
        /* The repository has their folders: XX/YYY... is staged as X/XYYY... */
        for (guint i = 0; i < objects->len; i++) {
                const char *name = strstr(objects->pdata[i], "/objects/") + strlen("/objects/");
                g_autofree char *path = g_strdup_printf("%s/%c/%c%s", staging, name[0], name[1], name + 3);
                before[i] = inode(path);
        }
        import = import_new(store);
        import_layer(import, layer, bytes, &error);
        ck_assert_no_error(error);
        sc_import_free(import);
        store_check(store);
        for (guint i = 0; i < objects->len; i++)
                ck_assert_msg(inode(objects->pdata[i]) == before[i], "%s was written again", names[i]);
}
END_TEST

/* What was left is of the same size, but another file. */
START_TEST(test_large_file_is_another)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();

        tar_large(tar, "large", 'a', 'a');
        g_autoptr(GBytes) left_bytes = tar_end(tar);
        tar = tar_new();
        tar_large(tar, "large", 'a', 'b');
        tar_large(tar, "other", 'b', 'a');
        g_autoptr(GBytes) bytes = tar_end(tar);
        g_autofree char *staging UNUSED = leave_staging(store, left_bytes);
        g_autoptr(ScLayerInfo) layer = layer_info(bytes);
        ScImport *import = import_new(store);
        import_layer(import, layer, bytes, &error);
        ck_assert_no_error(error);
        sc_import_free(import);
        store_check(store);
}
END_TEST

START_TEST(test_staging_of_another_boot)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GBytes) tar = many_files(1, 10);
        g_autofree char *staging = leave_staging(store, tar), *folder = g_path_get_dirname(staging);
        g_autofree char *other = g_build_filename(folder, "staging-00000000-0000-0000-0000-000000000000-abc", NULL);

        ck_assert_int_eq(rename(staging, other), 0);
        g_autoptr(ScImport) import = import_new(store);
        ck_assert_ptr_nonnull(import);
        ck_assert_int_ne(access(other, F_OK), 0);
        g_autoptr(GPtrArray) now = store_staging_folders(store);
        ck_assert_uint_eq(now->len, 1);
}
END_TEST

START_TEST(test_staging_in_use)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) first = import_new(store), second = import_new(store);
        g_autoptr(GPtrArray) now = store_staging_folders(store);

        ck_assert_ptr_ne(first, second);
        ck_assert_uint_eq(now->len, 2);
}
END_TEST

START_TEST(test_leftovers_stay_out)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) tar = many_files(1, 1000);
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        g_autofree char *staging = leave_staging(store, tar), *garbage = staged_path(staging, "of a layer that nobody wants");
        g_autofree char *objects = g_build_filename(sc_repository_path(store->repository), "objects", NULL);
        g_autofree char *published = g_strconcat(objects, garbage + strlen(staging), NULL);

        ck_assert(g_file_set_contents(garbage, "half of it", -1, NULL));
        ScImport *import = import_new(store);
        import_layer(import, layer, tar, &error);
        ck_assert_no_error(error);
        sc_import_free(import);
        ck_assert_int_ne(access(published, F_OK), 0);
        store_check(store);
}
END_TEST

/* Folders of objects go into the repository whole, but not with what another layer has in them. */
START_TEST(test_layers_do_not_mix)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bad_tar = many_files(1, 3000), tar = many_files(2, 3000);
        g_autoptr(ScLayerInfo) bad = layer_info(bad_tar), layer = layer_info(tar);
        ScImport *import = import_new(store);

        bad->diff_id.bytes[0] ^= 1;
        ck_assert(!import_layer(import, bad, bad_tar, &error));
        g_clear_error(&error);
        import_layer(import, layer, tar, &error);
        ck_assert_no_error(error);
        g_autoptr(GPtrArray) folders = store_staging_folders(store);
        ck_assert_uint_eq(folders->len, 1);
        /* Of the one that failed all files are where they were, but for those that both have. */
        for (guint i = 1; i < 3000; i += 2) {
                g_autofree char *content = g_strnfill(i % 50 * 100, 'c'), *text = g_strdup_printf("%s%u 1", content, i);
                g_autofree char *path = staged_path(folders->pdata[0], text);
                (void)inode(path);
        }
        sc_import_free(import);
        store_check(store);
}
END_TEST

static ino_t objects_folder(Store *store, guint i)
{
        g_autofree char *path = g_strdup_printf("%s/objects/%02x", sc_repository_path(store->repository), i);
        struct stat st;

        return lstat(path, &st) == 0 ? st.st_ino : 0;
}

/* What there is stays, and gets the new objects; what is new has the modes that libostree gives. */
START_TEST(test_folders_of_objects)
{
        g_autoptr(Store) store = store_new();
        ino_t before[256];

        for (guint round = 0; round < 3; round++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GBytes) tar = many_files(round, round == 0 ? 100 : 3000);
                g_autoptr(ScLayerInfo) layer = layer_info(tar);
                g_autoptr(ScImport) import = import_new(store);
                for (guint i = 0; i < 256; i++)
                        before[i] = objects_folder(store, i);
                import_layer(import, layer, tar, &error);
                ck_assert_no_error(error);
                store_check(store);
                for (guint i = 0; i < 256; i++) {
                        ck_assert(before[i] == 0 || objects_folder(store, i) == before[i]);
                        g_autofree char *path = g_strdup_printf("%s/objects/%02x", sc_repository_path(store->repository), i);
                        struct stat st;
                        ck_assert(round == 0 || (lstat(path, &st) == 0 && (st.st_mode & 07777) == 0755));
                }
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("staging");
        TCase *tcase = tcase_create("staging");

        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, test_no_folder);
        tcase_add_test(tcase, test_at_the_same_time);
        tcase_add_test(tcase, test_killed);
        tcase_add_test(tcase, test_begins_anew);
        tcase_add_loop_test(tcase, test_staging_is_adopted, 0, 2);
        tcase_add_loop_test(tcase, test_staging_is_adopted_whole, 0, 2);
        tcase_add_test(tcase, test_large_file_is_another);
        tcase_add_test(tcase, test_staging_of_another_boot);
        tcase_add_test(tcase, test_staging_in_use);
        tcase_add_test(tcase, test_leftovers_stay_out);
        tcase_add_test(tcase, test_layers_do_not_mix);
        tcase_add_test(tcase, test_folders_of_objects);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
