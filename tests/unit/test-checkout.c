/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "layered-image.h"
#include <errno.h>
#include <sys/xattr.h>

/* As deep as a path can be: the walks through it are recursive. */
START_TEST(test_deep_tree)
{
        g_autoptr(Image) image = image_new();
        g_autoptr(GString) path = g_string_new("d");
        Tar *tar = tar_new();

        while (path->len < 4000)
                g_string_append(path, "/d");
        g_string_append(path, "/file");
        tar_file(tar, path->str, 0644, "deep");
        image_add(image, tar);
        g_autoptr(ScTree) tree = image_merge(image);
        ck_assert_uint_eq(sc_tree_folders(tree), 2001);
        ck_assert_int_eq(g_mkdir(image->folder, 0700), 0);
        g_autoptr(GError) error = NULL;
        int fd = open(image->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        sc_tree_checkout(tree, fd, NULL, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(faccessat(fd, path->str, F_OK, 0), 0);
        close(fd);
}
END_TEST

/* Each file is the object itself, set-id bits and capabilities included; more than one chunk of them. */
START_TEST(test_hardlinks)
{
        static const guint8 capability[] = {0x01, 0, 0, 0x02, 0, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        g_autoptr(Image) image = image_new();
        Tar *tar = tar_new();
        struct archive_entry *entry;
        struct stat st, object_st;
        guint8 value[64];

        tar_file(tar, "bin/su", 04755, "su");
        entry = tar_entry("bin/ping", AE_IFREG, 0755);
        archive_entry_xattr_add_entry(entry, "security.capability", capability, sizeof capability);
        tar_add(tar, entry, "ping", 4);
        for (guint i = 0; i < 2000; i++) {
                g_autofree char *path = g_strdup_printf("many/%u/%u", i / 700, i), *text = g_strdup_printf("%u", i);
                if (i % 10 == 0)
                        tar_symlink(tar, path, text);
                else
                        tar_file(tar, path, 0644, text);
        }
        image_add(image, tar);
        image_checkout(image);

        assert_mode(image, "bin/su", S_IFREG | 04755);
        g_autofree char *ping = g_build_filename(image->folder, "bin/ping", NULL);
        ck_assert_int_eq(getxattr(ping, "security.capability", value, sizeof value), sizeof capability);
        g_autoptr(GFile) root = layer_root(image->store, image->layers->pdata[0]);
        for (guint i = 0; i < 2000; i++) {
                g_autofree char *path = g_strdup_printf("many/%u/%u", i / 700, i);
                g_autofree char *object = object_path(image->store, root, path);
                ck_assert(look(image, path, &st));
                ck_assert_int_eq(lstat(object, &object_st), 0);
                ck_assert_uint_eq(st.st_ino, object_st.st_ino);
        }
}
END_TEST

/* ext4 gives a file 65,000 links. */
START_TEST(test_no_links_left)
{
        g_autoptr(Image) image = image_new();
        Tar *tar = tar_new();
        struct archive_entry *entry = tar_entry("copied", AE_IFREG, 04711);
        struct stat st, object_st;
        char value[8];
        guint links = 0;

        archive_entry_set_uid(entry, 5);
        archive_entry_xattr_add_entry(entry, "user.note", "yes", 3);
        tar_add(tar, entry, "content", 7);
        tar_symlink(tar, "symlink", "the target");
        image_add(image, tar);
        g_autoptr(GFile) root = layer_root(image->store, image->layers->pdata[0]);
        g_autofree char *links_folder = g_build_filename(image->store->folder, "links", NULL);
        ck_assert_int_eq(g_mkdir(links_folder, 0755), 0);
        const char *const names[] = {"copied", "symlink"};
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *object = object_path(image->store, root, names[i]);
                for (errno = 0; errno == 0; links++) {
                        g_autofree char *path = g_strdup_printf("%s/%u", links_folder, links);
                        if (linkat(AT_FDCWD, object, AT_FDCWD, path, 0) == 0)
                                errno = 0;
                }
                ck_assert_int_eq(errno, EMLINK);
                ck_assert_int_eq(lstat(object, &object_st), 0);
        }
        image_checkout(image);

        assert_content(image, "copied", "content");
        assert_mode(image, "copied", S_IFREG | 04711);
        ck_assert(look(image, "copied", &st));
        ck_assert_uint_eq(st.st_nlink, 1);
        ck_assert_uint_eq(st.st_uid, 5);
        ck_assert_int_eq(st.st_mtim.tv_sec, 0);
        g_autofree char *copied = g_build_filename(image->folder, "copied", NULL),
                        *symlink_path = g_build_filename(image->folder, "symlink", NULL);
        ck_assert_int_eq(getxattr(copied, "user.note", value, sizeof value), 3);
        g_autofree char *target = g_file_read_link(symlink_path, NULL);
        ck_assert_str_eq(target, "the target");
}
END_TEST

static void on_progress(gpointer data, const char *phase, guint64 done, guint64 total)
{
        *(guint64 *)data = done;
}

START_TEST(test_report_and_cancel)
{
        g_autoptr(Image) image = image_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        const ScReportSink sink = {.progress = on_progress};
        guint64 progress = 0;
        Tar *tar = tar_new();

        for (guint i = 0; i < 1000; i++) {
                g_autofree char *path = g_strdup_printf("%u", i);
                tar_file(tar, path, 0644, path);
        }
        image_add(image, tar);
        g_autoptr(ScTree) tree = image_merge(image);
        ck_assert_int_eq(g_mkdir(image->folder, 0700), 0);
        int fd = open(image->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        {
                g_autoptr(ScReport) report = sc_report_new(&sink, &progress);
                sc_report_phase(report, "Checking out", sc_tree_files(tree));
                ck_assert(sc_tree_checkout(tree, fd, report, NULL, &error));
                ck_assert_uint_eq(progress, 1000);
        }
        close(fd);
        g_autofree char *other = g_build_filename(image->store->folder, "other", NULL);
        ck_assert_int_eq(g_mkdir(other, 0700), 0);
        fd = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_cancellable_cancel(cancellable);
        ck_assert(!sc_tree_checkout(tree, fd, NULL, cancellable, &error));
        ck_assert_error(error, SC_ERROR_CANCELLED, "ancel");
        g_clear_error(&error);
        ck_assert_ptr_null(sc_tree_merge(image->store->repository, image->layers, cancellable, &error));
        ck_assert_error(error, SC_ERROR_CANCELLED, "ancel");
        close(fd);
}
END_TEST

/* Folders appear while files are linked into the first ones, and none keeps a time of its own; nobody else is let in meanwhile. */
typedef struct {
        int fd;
        guint looked, open; /* how often, and how often others were let in */
} Look;

static void look_whether_open(gpointer data, const char *phase, guint64 done, guint64 total)
{
        Look *look = data;
        struct stat st;

        ck_assert_int_eq(fstat(look->fd, &st), 0);
        look->looked++;
        look->open += (st.st_mode & 077) != 0 && done > 0 ? 1 : 0;
}

START_TEST(test_many_folders)
{
        const ScReportSink sink = {.progress = look_whether_open};
        g_autoptr(Image) image = image_new();
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();
        struct stat st;

        for (guint i = 0; i < 1000; i++) {
                g_autofree char *folder = g_strdup_printf("%u/%u/", i % 40, i);
                g_autofree char *file = g_strconcat(folder, "file", NULL);
                tar_folder(tar, folder, i % 3 == 0 ? 0500 : 01777);
                tar_file(tar, file, 0644, file);
        }
        image_add(image, tar);
        g_autoptr(ScTree) tree = image_merge(image);
        ck_assert_int_eq(g_mkdir(image->folder, 0700), 0);
        int fd = open(image->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(fchmod(fd, 0755), 0);
        Look look = {.fd = fd};
        {
                g_autoptr(ScReport) report = sc_report_new(&sink, &look);
                sc_report_phase(report, "Checking out", sc_tree_files(tree));
                ck_assert(sc_tree_checkout(tree, fd, report, NULL, &error));
        }
        ck_assert_uint_gt(look.looked, 1);
        ck_assert_uint_eq(look.open, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_uint_eq(st.st_mode, S_IFDIR | 0755);
        for (guint i = 0; i < 1000; i++) {
                g_autofree char *folder = g_strdup_printf("%u/%u", i % 40, i);
                g_autofree char *file = g_strconcat(folder, "/file", NULL);
                ck_assert_int_eq(fstatat(fd, folder, &st, AT_SYMLINK_NOFOLLOW), 0);
                ck_assert_uint_eq(st.st_mode, S_IFDIR | (i % 3 == 0 ? 0500 : 01777));
                ck_assert_int_eq(st.st_mtime, 0);
                ck_assert_int_eq(fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW), 0);
                ck_assert_uint_eq(st.st_nlink, 2);
        }
        close(fd);
        /* One of the last is in the way: nobody waits for those behind it. */
        g_autofree char *other = g_build_filename(image->store->folder, "other", NULL);
        g_autofree char *in_the_way = g_build_filename(other, "9", NULL);
        ck_assert_int_eq(g_mkdir_with_parents(in_the_way, 0700), 0);
        fd = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert(!sc_tree_checkout(tree, fd, NULL, NULL, &error));
        ck_assert_error(error, SC_ERROR_EXISTS, "Cannot make the folder 9");
        close(fd);
}
END_TEST

/* Large folders, which are shared out, between small ones, which are one thread's: no file is left out, none comes twice. */
START_TEST(test_large_folders)
{
        static const guint sizes[] = {3, 5000, 1, 255, 256, 257, 4096, 4097, 0, 90};
        g_autoptr(Image) image = image_new();
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();
        guint all = 0;

        for (guint folder = 0; folder < G_N_ELEMENTS(sizes); folder++) {
                g_autofree char *path = g_strdup_printf("%u", folder);
                tar_folder(tar, path, 0755);
                for (guint i = 0; i < sizes[folder]; i++) {
                        g_autofree char *file = g_strdup_printf("%u/%u", folder, i);
                        tar_file(tar, file, 0644, "");
                }
                all += sizes[folder];
        }
        image_add(image, tar);
        g_autoptr(ScTree) tree = image_merge(image);
        ck_assert_uint_eq(sc_tree_files(tree), all);
        ck_assert_int_eq(g_mkdir(image->folder, 0700), 0);
        int fd = open(image->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_msg(sc_tree_checkout(tree, fd, NULL, NULL, &error), "%s", error != NULL ? error->message : "");
        for (guint folder = 0; folder < G_N_ELEMENTS(sizes); folder++) {
                for (guint i = 0; i < sizes[folder]; i++) {
                        g_autofree char *file = g_strdup_printf("%u/%u", folder, i);
                        struct stat st;
                        ck_assert_msg(fstatat(fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0, "%s", file);
                }
        }
        close(fd);
}
END_TEST

/* Nothing to link, and nothing left over to link. */
START_TEST(test_no_files_and_one_chunk)
{
        static const guint sizes[] = {0, 1, 256};

        for (guint n = 0; n < G_N_ELEMENTS(sizes); n++) {
                g_autoptr(Image) image = image_new();
                g_autoptr(GError) error = NULL;
                Tar *tar = tar_new();
                struct stat st;
                tar_folder(tar, "empty", 0755);
                for (guint i = 0; i < sizes[n]; i++) {
                        g_autofree char *file = g_strdup_printf("%u", i);
                        tar_file(tar, file, 0644, file);
                }
                image_add(image, tar);
                g_autoptr(ScTree) tree = image_merge(image);
                ck_assert_uint_eq(sc_tree_files(tree), sizes[n]);
                ck_assert_int_eq(g_mkdir(image->folder, 0700), 0);
                int fd = open(image->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                ck_assert_msg(sc_tree_checkout(tree, fd, NULL, NULL, &error), "%s", error != NULL ? error->message : "");
                ck_assert_int_eq(fstatat(fd, "empty", &st, AT_SYMLINK_NOFOLLOW), 0);
                close(fd);
        }
}
END_TEST

START_TEST(test_other_file_system)
{
        g_autoptr(Image) image = image_new();
        g_autofree char *shm = g_strdup_printf("/dev/shm/sysconsd-test-XXXXXX");
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();

        tar_file(tar, "a", 0644, "a");
        image_add(image, tar);
        g_autoptr(ScTree) tree = image_merge(image);
        ck_assert_ptr_nonnull(g_mkdtemp(shm));
        int fd = open(shm, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool done = sc_tree_checkout(tree, fd, NULL, NULL, &error);
        close(fd);
        test_folder_remove(g_steal_pointer(&shm));
        ck_assert(!done);
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "same file system");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("checkout");
        TCase *tcase = tcase_create("checkout");

        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, test_deep_tree);
        tcase_add_test(tcase, test_hardlinks);
        tcase_add_test(tcase, test_no_links_left);
        tcase_add_test(tcase, test_report_and_cancel);
        tcase_add_test(tcase, test_many_folders);
        tcase_add_test(tcase, test_large_folders);
        tcase_add_test(tcase, test_no_files_and_one_chunk);
        tcase_add_test(tcase, test_other_file_system);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
