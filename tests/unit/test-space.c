/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Imports on a disk that is nearly full. fstatvfs() is ours here: what is free is told, and becomes less each time it is looked at.
 */

#include "store.h"
#include "store/layer.h"
#include <sys/statvfs.h>

enum { BLOCK = 4096, BLOCKS = 1000000, INODES = 100000 };

static struct {
        guint64 bytes;  /* free */
        guint64 inodes; /* free */
        guint64 a_look; /* bytes that are written until the next one */
        bool without_inodes;
} disk;

/* Several threads may look. */
static GMutex lock;

int fstatvfs(int fd, struct statvfs *ret)
{
        g_mutex_lock(&lock);
        *ret = (struct statvfs){
                .f_bsize = BLOCK,
                .f_frsize = BLOCK,
                .f_blocks = BLOCKS,
                .f_bfree = disk.bytes / BLOCK,
                .f_bavail = disk.bytes / BLOCK,
                .f_files = disk.without_inodes ? 0 : INODES,
                .f_ffree = disk.without_inodes ? 0 : disk.inodes,
                .f_favail = disk.without_inodes ? 0 : disk.inodes,
        };
        disk.bytes -= MIN(disk.bytes, disk.a_look);
        g_mutex_unlock(&lock);
        return 0;
}

/* What libostree keeps free by itself: 3 %. */
#define RESERVE ((guint64)BLOCK * BLOCKS / 100 * 3)
#define PLENTY (10 * RESERVE)

static GBytes *small_files(void)
{
        Tar *tar = tar_new();

        for (guint i = 0; i < 2000; i++) {
                g_autofree char *path = g_strdup_printf("file%u", i);
                tar_file(tar, path, 0644, path);
        }
        return tar_end(tar);
}

static GBytes *one_file(void)
{
        enum { SIZE = 32 * 1024 * 1024 };
        g_autofree char *zeros = g_malloc0(SIZE);
        Tar *tar = tar_new();

        tar_add(tar, tar_entry("bomb", AE_IFREG, 0644), zeros, SIZE);
        return tar_end(tar);
}

/* The error that the import ends with; NULL: it is done. */
static GError *import_it(Store *store, GBytes *tar)
{
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        ScImport *import = import_new(store);
        GError *error = NULL;

        (void)import_layer(import, layer, tar, &error);
        sc_import_free(import);
        return error;
}

static void assert_nothing_left(Store *store)
{
        g_autoptr(GPtrArray) left = store_staging_folders(store);

        ck_assert_uint_eq(left->len, 0);
        store_check(store);
}

static void set_disk(guint64 bytes, guint64 inodes)
{
        disk.bytes = bytes;
        disk.inodes = inodes;
        disk.a_look = 0;
        disk.without_inodes = false;
}

/* It ends as soon as the reserve is touched, and nothing of it stays: what is left is somebody else's. */
static void assert_bomb_ends(GBytes *tar)
{
        set_disk(PLENTY, INODES);
        g_autoptr(Store) store = store_new();

        set_disk(RESERVE + 1000 * BLOCK, INODES);
        disk.a_look = 600 * BLOCK;
        g_autoptr(GError) error = import_it(store, tar);
        ck_assert_error(error, SC_ERROR_NO_SPACE, "min-free-space");
        ck_assert_uint_gt(disk.bytes, RESERVE / 2);
        assert_nothing_left(store);
        g_clear_error(&error);

        set_disk(PLENTY, INODES);
        error = import_it(store, tar);
        ck_assert_no_error(error);
        assert_nothing_left(store);
}

START_TEST(a_bomb_of_small_files)
{
        g_autoptr(GBytes) tar = small_files();
        assert_bomb_ends(tar);
}
END_TEST

START_TEST(a_bomb_of_one_file)
{
        g_autoptr(GBytes) tar = one_file();
        assert_bomb_ends(tar);
}
END_TEST

START_TEST(inodes_stay_free)
{
        set_disk(PLENTY, INODES);
        g_autoptr(Store) store = store_new();
        g_autoptr(GBytes) tar = small_files();

        set_disk(PLENTY, 1024);
        g_autoptr(GError) error = import_it(store, tar);
        ck_assert_error(error, SC_ERROR_NO_SPACE, "too few inodes");
        assert_nothing_left(store);
        g_clear_error(&error);

        /* Some file systems do not count them. */
        set_disk(PLENTY, 0);
        disk.without_inodes = true;
        error = import_it(store, tar);
        ck_assert_no_error(error);
}
END_TEST

/* As somebody may have said in the repository's own configuration. */
START_TEST(nothing_needs_to_stay_free)
{
        set_disk(PLENTY, INODES);
        g_autoptr(Store) store = store_new();
        OstreeRepo *ostree = sc_repository_ostree(store->repository);
        g_autoptr(GKeyFile) config = ostree_repo_copy_config(ostree);
        g_autoptr(GBytes) tar = small_files();
        g_autoptr(GError) error = NULL;

        g_key_file_set_string(config, "core", "min-free-space-percent", "0");
        ck_assert(ostree_repo_write_config(ostree, config, &error));
        store_reopen(store);
        set_disk(0, INODES);
        error = import_it(store, tar);
        ck_assert_error(error, SC_ERROR_NO_SPACE, "No space is left in the repository's file system");
        g_clear_error(&error);
        set_disk(BLOCK, 1);
        error = import_it(store, tar);
        ck_assert_no_error(error);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("space");
        TCase *tcase = tcase_create("space");

        tcase_set_timeout(tcase, 120);
        tcase_add_test(tcase, a_bomb_of_small_files);
        tcase_add_test(tcase, a_bomb_of_one_file);
        tcase_add_test(tcase, inodes_stay_free);
        tcase_add_test(tcase, nothing_needs_to_stay_free);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
