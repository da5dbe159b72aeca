/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/earlier-layers.h"
#include "store.h"
#include "base/path.h"
#include "store/large-file.h"
#include "store/object.h"
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>

#define PATH "usr/bin/service"

enum { SIZE = (int)SC_STAGING_LARGE + 4711 };

static guint8 *content(void)
{
        guint8 *data = g_malloc(SIZE);

        for (guint i = 0; i < SIZE; i++)
                data[i] = (guint8)(i * 7 + i / 4096);
        return data;
}

/* A layer with one large file, and a small one that tells it from others. */
static ScLayerInfo *add_layer(Store *store, const char *path, guint mode, const guint8 *data, const char *version)
{
        Tar *tar = tar_new();

        tar_file(tar, "version", 0644, version);
        tar_add(tar, tar_entry(path, AE_IFREG, mode), data, SIZE);
        return store_add_layer(store, tar);
}

/* From here on nobody can write as much as a large file. */
static void forbid_large_files(void)
{
        const struct rlimit limit = {SIZE / 2, RLIM_INFINITY};

        (void)signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void allow_large_files(void)
{
        const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void assert_content(Store *store, const ScLayerInfo *layer, const char *path, const guint8 *data)
{
        g_autoptr(GFile) root = layer_root(store, layer), file = g_file_resolve_relative_path(root, path);
        g_autoptr(GError) error = NULL;
        g_autofree char *found = NULL;
        gsize size;

        ck_assert(g_file_load_contents(file, NULL, &found, &size, NULL, &error));
        ck_assert_uint_eq(size, SIZE);
        ck_assert(memcmp(found, data, SIZE) == 0);
        store_check(store);
        g_autoptr(GPtrArray) left = store_staging_folders(store);
        ck_assert_uint_eq(left->len, 0);
}

static Store *new_store(int kind)
{
        return kind == 0 ? store_new() : store_new_user();
}

START_TEST(test_unchanged_file_is_not_written)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content();
        g_autoptr(ScLayerInfo) first UNUSED = add_layer(store, PATH, 0755, data, "1");

        forbid_large_files();
        g_autoptr(ScLayerInfo) second = add_layer(store, PATH, 0755, data, "2");
        allow_large_files();
        assert_content(store, second, PATH, data);
}
END_TEST

START_TEST(test_changed_file)
{
        static const guint positions[] = {0, SIZE / 2, SIZE - 1};
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content(), *changed = content();
        g_autoptr(ScLayerInfo) first = add_layer(store, PATH, 0755, data, "1");

        for (guint i = 0; i < G_N_ELEMENTS(positions); i++) {
                g_autofree char *version = g_strdup_printf("%u", i + 2);
                changed[positions[i]] ^= 1;
                g_autoptr(ScLayerInfo) second = add_layer(store, PATH, 0755, changed, version);
                assert_content(store, second, PATH, changed);
        }
        assert_content(store, first, PATH, data);
}
END_TEST

/* Another mode is another object, and another path is not looked at. */
START_TEST(test_only_the_same_file)
{
        static const struct {
                const char *path;
                guint mode;
        } others[] = {{PATH, 0700}, {"usr/sbin/service", 0755}, {"usr/bin/server", 0755}};
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content();
        g_autoptr(ScLayerInfo) first UNUSED = add_layer(store, PATH, 0755, data, "1");
        g_autoptr(ScEarlierLayers) earlier = sc_earlier_layers_new(store->repository);

        for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
                const ScObjectMeta meta = {.mode = S_IFREG | others[i].mode};
                ck_assert_int_eq(sc_earlier_layers_open(earlier, others[i].path, &meta, SIZE), -1);
        }
        const ScObjectMeta meta = {.mode = S_IFREG | 0755};
        ck_assert_int_eq(sc_earlier_layers_open(earlier, PATH, &meta, SIZE + 1), -1);
        int fd = sc_earlier_layers_open(earlier, PATH, &meta, SIZE);
        ck_assert_int_ge(fd, 0);
        close(fd);
}
END_TEST

/* The newest has it changed: what an older one has is not what an image is built from. */
START_TEST(test_the_newest_is_asked)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content(), *changed = content(), *found = g_malloc(SIZE);
        g_autoptr(ScLayerInfo) first UNUSED = add_layer(store, PATH, 0755, data, "1");
        const ScObjectMeta meta = {.mode = S_IFREG | 0755};

        changed[SIZE - 1] ^= 1;
        g_usleep(20000); /* the clock of a file system is coarse */
        g_autoptr(ScLayerInfo) second UNUSED = add_layer(store, PATH, 0755, changed, "2");
        g_autoptr(ScEarlierLayers) earlier = sc_earlier_layers_new(store->repository);
        int fd = sc_earlier_layers_open(earlier, PATH, &meta, SIZE);
        ck_assert_int_eq(pread(fd, found, SIZE, 0), SIZE);
        ck_assert(memcmp(found, changed, SIZE) == 0);
        close(fd);
}
END_TEST

static char *stored_object(Store *store, const ScLayerInfo *layer, const char *path)
{
        g_autoptr(GFile) root = layer_root(store, layer);

        return object_path(store, root, path);
}

static void overwrite(const char *path, const guint8 *data)
{
        const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {0}};
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        ck_assert_int_eq(pwrite(fd, data, SIZE, 0), SIZE);
        ck_assert_int_eq(futimens(fd, times), 0);
        close(fd);
}

/* Bytes of an object that are not what its name says are nobody's proof: what comes gets the object of its own name. */
START_TEST(test_object_is_not_what_its_name_says)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content(), *changed = content();
        g_autoptr(ScLayerInfo) first = add_layer(store, PATH, 0755, data, "1");
        g_autofree char *object = stored_object(store, first, PATH);

        changed[SIZE / 3] ^= 1;
        overwrite(object, changed);
        g_autoptr(ScLayerInfo) second = add_layer(store, PATH, 0755, changed, "2");
        overwrite(object, data);
        assert_content(store, second, PATH, changed);
        assert_content(store, first, PATH, data);
}
END_TEST

/* A checkout's file is a link to the object: one that was written to has another time. */
START_TEST(test_object_that_somebody_wrote_to)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content();
        g_autoptr(ScLayerInfo) first = add_layer(store, PATH, 0755, data, "1");
        g_autofree char *object = stored_object(store, first, PATH);
        g_autoptr(ScEarlierLayers) earlier = sc_earlier_layers_new(store->repository);
        const ScObjectMeta meta = {.mode = S_IFREG | 0755};

        ck_assert_int_eq(utimensat(AT_FDCWD, object, NULL, 0), 0);
        ck_assert_int_eq(sc_earlier_layers_open(earlier, PATH, &meta, SIZE), -1);
}
END_TEST

static int damage(const char *path, const struct stat *st G_GNUC_UNUSED, int type G_GNUC_UNUSED, struct FTW *at G_GNUC_UNUSED)
{
        if (g_str_has_suffix(path, ".dirtree"))
                ck_assert(g_file_set_contents(path, "damaged", -1, NULL));
        return 0;
}

/* The name of the first file or folder has no end; all else of the object is right. */
static int damage_entries(const char *path, const struct stat *st G_GNUC_UNUSED, int type G_GNUC_UNUSED,
                          struct FTW *at G_GNUC_UNUSED)
{
        g_autofree char *data = NULL;
        gsize size;

        if (!g_str_has_suffix(path, ".dirtree"))
                return 0;
        ck_assert(g_file_get_contents(path, &data, &size, NULL));
        data[strlen(data)] = '/';
        ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
        return 0;
}

START_TEST(test_damaged_entries)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content();
        g_autoptr(ScLayerInfo) first UNUSED = add_layer(store, PATH, 0755, data, "1");
        g_autoptr(ScEarlierLayers) earlier = sc_earlier_layers_new(store->repository);
        const ScObjectMeta large = {.mode = S_IFREG | 0755};

        ck_assert_int_eq(nftw(sc_repository_path(store->repository), damage_entries, 16, FTW_PHYS), 0);
        ck_assert_int_eq(sc_earlier_layers_open(earlier, PATH, &large, SIZE), -1);
}
END_TEST

/* What cannot be read is not there: roots, and folders of roots that were read. */
START_TEST(test_damaged_trees)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content();
        g_autoptr(ScLayerInfo) first UNUSED = add_layer(store, PATH, 0755, data, "1");
        g_autoptr(ScEarlierLayers) before = sc_earlier_layers_new(store->repository);
        g_autoptr(ScEarlierLayers) after = sc_earlier_layers_new(store->repository);
        const ScObjectMeta small = {.mode = S_IFREG | 0644}, large = {.mode = S_IFREG | 0755};

        sc_autofd fd = sc_earlier_layers_open(before, "version", &small, 1);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(nftw(sc_repository_path(store->repository), damage, 16, FTW_PHYS), 0);
        ck_assert_int_eq(sc_earlier_layers_open(before, PATH, &large, SIZE), -1);
        sc_autofd again = sc_earlier_layers_open(before, "version", &small, 1);
        ck_assert_int_ge(again, 0);
        ck_assert_int_eq(sc_earlier_layers_open(after, "version", &small, 1), -1);
}
END_TEST

START_TEST(test_distrusted_object)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content();
        g_autoptr(ScLayerInfo) first = add_layer(store, PATH, 0755, data, "1");
        g_autoptr(ScEarlierLayers) earlier = sc_earlier_layers_new(store->repository);
        g_autofree char *object = stored_object(store, first, PATH);
        const ScObjectMeta meta = {.mode = S_IFREG | 0755};

        sc_repository_distrust(store->repository, strstr(object, "objects/") + strlen("objects/"));
        ck_assert_int_eq(sc_earlier_layers_open(earlier, PATH, &meta, SIZE), -1);
}
END_TEST

/* A layer that is here may have been made so that each question costs much: there is an end to it. */
START_TEST(test_enough_is_read)
{
        g_autoptr(Store) store = new_store(_i);
        g_autofree guint8 *data = content();
        g_autoptr(GString) deep = g_string_new("a");
        const ScObjectMeta meta = {.mode = S_IFREG | 0755};

        for (int i = 1; i < 1000; i++)
                g_string_append(deep, "/a");
        g_string_append(deep, "/file");
        g_autoptr(ScLayerInfo) first UNUSED = add_layer(store, PATH, 0755, data, "1");
        Tar *tar = tar_new();
        tar_file(tar, deep->str, 0755, "x");
        g_autoptr(ScLayerInfo) second UNUSED = store_add_layer(store, tar);
        g_autoptr(ScEarlierLayers) earlier = sc_earlier_layers_new(store->repository);
        for (int i = 0; i < 6; i++) {
                sc_autofd far = sc_earlier_layers_open(earlier, deep->str, &meta, 1);
                sc_autofd near = sc_earlier_layers_open(earlier, PATH, &meta, SIZE);
                ck_assert_msg((far >= 0) == (i < 4) && (near >= 0) == (i < 4), "question %d: %d, %d", i, far, near);
        }
}
END_TEST

static void write_to(const char *object)
{
        g_autofree guint8 *changed = content();
        changed[100] ^= 1;
        overwrite(object, changed);
}

static void cut_off(const char *object)
{
        ck_assert_int_eq(truncate(object, SIZE / 4), 0);
}

/* The first half is compared; then somebody changes the object, and then the rest comes, which is not the same. */
static void change_meanwhile(int format, void (*change)(const char *object), const char *message)
{
        g_autoptr(Store) store = new_store(format);
        g_autofree guint8 *data = content();
        g_autoptr(ScLayerInfo) first = add_layer(store, PATH, 0755, data, "1");
        g_autofree char *object = stored_object(store, first, PATH);
        const ScObjectMeta meta = {.mode = S_IFREG | 0755};
        g_autoptr(GError) error = NULL;

        ScStaging *staging = sc_staging_new(store->repository, SC_STAGING_FRESH, &error);
        ck_assert_no_error(error);
        ScLargeFile *file = sc_large_file_new(staging, sc_repository_format(store->repository), &meta, SIZE,
                                              open(object, O_RDONLY | O_CLOEXEC), &error);
        ck_assert_no_error(error);
        ck_assert(sc_large_file_write(file, data, SIZE / 2, 0, NULL, &error));
        change(object);
        data[SIZE - 1] ^= 1;
        ck_assert(!sc_large_file_write(file, data + SIZE / 2, SIZE - SIZE / 2, SIZE / 2, NULL, &error));
        ck_assert_error(error, SC_ERROR_FAILED, message);
        sc_large_file_free(file);
        sc_staging_free(staging, SC_STAGING_REMOVE);
}

START_TEST(test_object_that_is_written_to_meanwhile)
{
        change_meanwhile(_i, write_to, "was changed meanwhile");
}
END_TEST

START_TEST(test_object_that_is_cut_off_meanwhile)
{
        change_meanwhile(_i, cut_off, "Cannot read again the file of the repository that it was compared with: No data available");
}
END_TEST

/* What is the same up to a point is not filled with zeros on the disk. */
START_TEST(test_holes_stay_holes)
{
        g_autoptr(Store) store = new_store(_i);
        Tar *tar = tar_new();
        struct stat st;

        sparse_file(tar, PATH, SIZE);
        g_autoptr(ScLayerInfo) first = store_add_layer(store, tar);
        g_autoptr(GFile) root = layer_root(store, first);
        g_autofree char *whole = file_content(root, PATH);
        whole[SIZE - 1] ^= 1;
        tar = tar_new();
        tar_add(tar, tar_entry(PATH, AE_IFREG, 0644), whole, SIZE);
        g_autoptr(ScLayerInfo) second = store_add_layer(store, tar);
        assert_content(store, second, PATH, (const guint8 *)whole);
        g_autofree char *object = stored_object(store, second, PATH);
        ck_assert_int_eq(stat(object, &st), 0);
        ck_assert_int_lt(st.st_blocks * 512, SIZE / 4);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("earlier-layers");
        TCase *tcase = tcase_create("earlier-layers");

        setlocale(LC_ALL, "C.UTF-8");
        tcase_add_loop_test(tcase, test_unchanged_file_is_not_written, 0, 2);
        tcase_add_loop_test(tcase, test_changed_file, 0, 2);
        tcase_add_loop_test(tcase, test_only_the_same_file, 0, 2);
        tcase_add_loop_test(tcase, test_the_newest_is_asked, 0, 2);
        tcase_add_loop_test(tcase, test_object_is_not_what_its_name_says, 0, 2);
        tcase_add_loop_test(tcase, test_object_that_somebody_wrote_to, 0, 2);
        tcase_add_loop_test(tcase, test_damaged_entries, 0, 2);
        tcase_add_loop_test(tcase, test_damaged_trees, 0, 2);
        tcase_add_loop_test(tcase, test_distrusted_object, 0, 2);
        tcase_add_loop_test(tcase, test_enough_is_read, 0, 2);
        tcase_add_loop_test(tcase, test_object_that_is_written_to_meanwhile, 0, 2);
        tcase_add_loop_test(tcase, test_object_that_is_cut_off_meanwhile, 0, 2);
        tcase_add_loop_test(tcase, test_holes_stay_holes, 0, 2);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
