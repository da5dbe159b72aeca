/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "small-disk.h"
#include "test-unit.h"
#include "unit/hostfiles.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* A host and the host files of two versions of an image, below one folder. */
typedef struct {
        char *folder;
        int host, one, two;
        ScVariables *variables;
        ScExports *exports;
        GString *said;
        ScReport *report;
} Host;

static void on_message(gpointer data, const char *line)
{
        g_string_append_printf(data, "%s\n", line);
}

static int make_folder(const char *folder, const char *name)
{
        g_autofree char *path = g_build_filename(folder, name, NULL);
        ck_assert_int_eq(g_mkdir(path, 0755), 0);
        int fd = open(path, O_RDONLY | O_DIRECTORY);
        ck_assert_int_ge(fd, 0);
        return fd;
}

static Host setup_host(const char *manifest)
{
        static const ScReportSink sink = {.message = on_message};
        const char *files[] = {"manifest.json", manifest, NULL};
        Host host = {.folder = test_folder_new(), .said = g_string_new(NULL)};
        umask(022);
        host.host = make_folder(host.folder, "host");
        host.one = make_folder(host.folder, "one");
        host.two = make_folder(host.folder, "two");
        host.exports = test_exports(files);
        host.variables = test_variables(test_map("PORT", "80", "CONF", "/etc/other", NULL));
        host.report = sc_report_new(&sink, host.said);
        return host;
}

static void teardown_host(Host *host)
{
        close(host->host);
        close(host->one);
        close(host->two);
        sc_exports_free(host->exports);
        sc_variables_free(host->variables);
        sc_report_free(host->report);
        g_string_free(host->said, TRUE);
        test_folder_remove(host->folder);
}

static void put_dirs(int fd, const char *path)
{
        g_autofree char *parent = g_path_get_dirname(path);
        if (strcmp(parent, ".") != 0) {
                put_dirs(fd, parent);
                (void)mkdirat(fd, parent, 0755);
        }
}

static void put(int fd, const char *path, const char *text, mode_t mode)
{
        put_dirs(fd, path);
        int file = openat(fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(file, 0);
        ck_assert_int_eq(write(file, text, strlen(text)), (ssize_t)strlen(text));
        ck_assert_int_eq(fchmod(file, mode), 0);
        close(file);
}

static void put_link(int fd, const char *path, const char *target)
{
        put_dirs(fd, path);
        ck_assert_int_eq(symlinkat(target, fd, path), 0);
}

static void put_folder(int fd, const char *path, mode_t mode)
{
        put_dirs(fd, path);
        ck_assert_int_eq(mkdirat(fd, path, 0755), 0);
        ck_assert_int_eq(fchmodat(fd, path, mode, 0), 0);
}

/* The text of a file, "-> TARGET" of a symlink, "/" for a folder, NULL where nothing is. */
static char *look(int fd, const char *path)
{
        struct stat st;
        char text[4096] = "";
        if (fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return NULL;
        if (S_ISDIR(st.st_mode))
                return g_strdup("/");
        if (S_ISLNK(st.st_mode)) {
                ck_assert_int_ge(readlinkat(fd, path, text, sizeof text - 1), 0);
                return g_strconcat("-> ", text, NULL);
        }
        int file = openat(fd, path, O_RDONLY);
        ck_assert_int_ge(read(file, text, sizeof text - 1), 0);
        close(file);
        return g_strdup(text);
}

#define ck_assert_there(fd, path, expected)                                                  \
        do {                                                                                 \
                g_autofree char *found_ = look(fd, path);                                    \
                ck_assert_msg(g_strcmp0(found_, expected) == 0, "%s is '%s'", path, found_); \
        } while (0)

static mode_t mode_of(int fd, const char *path)
{
        struct stat st;
        ck_assert_int_eq(fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
        return st.st_mode & 07777;
}

static GPtrArray *plan(Host *host, int fd)
{
        g_autoptr(GError) error = NULL;
        GPtrArray *files = sc_host_files_plan(fd, host->exports, host->variables, &error);
        ck_assert_no_error(error);
        return files;
}

static void settle(Host *host, GPtrArray *files, GPtrArray *old)
{
        g_autoptr(GError) error = NULL;
        ck_assert(sc_host_files_settle(host->host, files, old, host->report, &error));
        ck_assert_no_error(error);
}

/* Returns the destinations that were left alone, joined. */
static char *apply(Host *host, int fd, GPtrArray *files, GPtrArray *old)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) skipped = NULL;
        ck_assert_msg(sc_host_files_apply(host->host, fd, files, host->variables, old, host->report, &skipped, &error), "%s",
                      error != NULL ? error->message : "");
        g_ptr_array_add(skipped, NULL);
        return g_strjoinv(" ", (char **)skipped->pdata);
}

static void apply_all(Host *host, int fd, GPtrArray *files, GPtrArray *old)
{
        g_autofree char *skipped = apply(host, fd, files, old);
        ck_assert_str_eq(skipped, "");
}

START_TEST(a_plan_lists_what_is_wanted)
{
        Host host = setup_host(
                "{\"renameFiles\": {\"/etc/x.conf\": \"$CONF/$NAME.conf\"}, \"installedFilesTemplate\": [\"/etc/x.conf\"]}");
        put(host.one, "usr/bin/tool", "#!/bin/sh\n", 04755);
        put(host.one, "etc/x.conf", "port=$PORT\n", 0640);
        put_link(host.one, "usr/bin/alias", "tool");
        put_folder(host.one, "var/lib/hello", 0700);
        ck_assert_int_eq(mkfifoat(host.one, "usr/bin/fifo", 0600), 0);
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        ck_assert_uint_eq(files->len, 4);
        const ScHostFile *conf = g_ptr_array_index(files, 0), *alias = g_ptr_array_index(files, 1),
                         *tool = g_ptr_array_index(files, 2), *folder = g_ptr_array_index(files, 3);
        ck_assert_str_eq(conf->destination, "/etc/other/hello.conf");
        ck_assert_str_eq(conf->source, "/etc/x.conf");
        ck_assert(conf->rendered);
        g_autofree char *of_rendered = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "port=80\n", -1);
        ck_assert_str_eq(conf->checksum, of_rendered);
        ck_assert_str_eq(alias->link, "tool");
        g_autofree char *of_target = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "tool", -1);
        ck_assert_str_eq(alias->checksum, of_target);
        ck_assert_int_eq(tool->mode & 07777, 04755);
        g_autofree char *of_file = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "#!/bin/sh\n", -1);
        ck_assert_str_eq(tool->checksum, of_file);
        ck_assert_str_eq(folder->destination, "/var/lib/hello");
        ck_assert_str_eq(folder->checksum, "");

        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) nothing = sc_host_files_plan(-1, host.exports, host.variables, &error);
        ck_assert_uint_eq(nothing->len, 0);
        teardown_host(&host);
}
END_TEST

static void refused(const char *manifest, const char *path, ScError code, const char *message)
{
        Host host = setup_host(manifest);
        put(host.one, path, "$MISSING", 0644);
        put(host.one, "etc/second", "", 0644);
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(sc_host_files_plan(host.one, host.exports, host.variables, &error));
        ck_assert_error(error, code, message);
        teardown_host(&host);
}

START_TEST(bad_plans_are_refused)
{
        refused("{\"renameFiles\": {\"/etc/a\": \"/etc/../shadow\"}}", "etc/a", SC_ERROR_INVALID_ARGUMENT,
                "no clean absolute path");
        refused("{\"renameFiles\": {\"/etc/a\": \"etc/b\"}}", "etc/a", SC_ERROR_INVALID_ARGUMENT, "no clean absolute path");
        refused("{\"renameFiles\": {\"/etc/a\": \"/etc//b\"}}", "etc/a", SC_ERROR_INVALID_ARGUMENT, "no clean absolute path");
        refused("{\"renameFiles\": {\"/etc/a\": \"/\"}}", "etc/a", SC_ERROR_INVALID_ARGUMENT, "no clean absolute path");
        refused("{\"renameFiles\": {\"/etc/a\": \"/$NO\"}}", "etc/a", SC_ERROR_INVALID_ARGUMENT, "renameFiles of /etc/a");
        refused("{\"renameFiles\": {\"/etc/a\": \"/etc/second\"}}", "etc/a", SC_ERROR_INVALID_ARGUMENT,
                "two host files at /etc/second");
        refused("{\"renameFiles\": {\"/etc/a\": \"/etc/second/below\"}}", "etc/a", SC_ERROR_INVALID_ARGUMENT,
                "/etc/second on the host to be a file and a folder");
        refused("{}", "etc/new\nline", SC_ERROR_INVALID_ARGUMENT, "\"/etc/new\\nline\"");
        refused("{\"installedFilesTemplate\": [\"/etc/a\"]}", "etc/a", SC_ERROR_INVALID_ARGUMENT,
                "'/etc/a' still contains an unreplaced value for: ''MISSING''");
        GString *deep = g_string_new("d");
        for (int i = 0; i < 70; i++)
                g_string_append(deep, "/d");
        refused("{}", deep->str, SC_ERROR_CORRUPT, "nested deeper than");
        g_string_free(deep, TRUE);
}
END_TEST

START_TEST(files_come_and_go)
{
        Host host = setup_host("{\"installedFilesTemplate\": [\"/etc/x.conf\"]}");
        put(host.one, "usr/bin/tool", "tool", 04750);
        ck_assert_int_eq(fsetxattr(openat(host.one, "usr/bin/tool", O_RDONLY), "user.kept", "1", 1, 0), 0);
        put(host.one, "etc/x.conf", "port=$PORT", 0640);
        put_link(host.one, "usr/bin/alias", "nowhere");
        put_folder(host.one, "var/lib/hello", 0700);
        /* merged /usr */
        put_folder(host.host, "usr", 0755);
        put_folder(host.host, "usr/sbin", 0755);
        put_link(host.host, "usr/bin", "../usr/sbin");
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        settle(&host, files, NULL);
        ck_assert_uint_eq(files->len, 4);
        apply_all(&host, host.one, files, NULL);
        ck_assert_there(host.host, "usr/sbin/tool", "tool");
        ck_assert_there(host.host, "usr/sbin/alias", "-> nowhere");
        ck_assert_there(host.host, "etc/x.conf", "port=80");
        ck_assert_there(host.host, "var/lib/hello", "/");
        ck_assert_int_eq(mode_of(host.host, "usr/sbin/tool"), 04750);
        ck_assert_int_eq(mode_of(host.host, "etc/x.conf"), 0640);
        ck_assert_int_eq(mode_of(host.host, "var/lib/hello"), 0700);
        ck_assert_int_eq(mode_of(host.host, "etc"), 0755);
        g_autofree char *tool = g_build_filename(host.folder, "host/usr/sbin/tool", NULL);
        char value[8];
        ck_assert_int_eq(getxattr(tool, "user.kept", value, sizeof value), 1);
        struct stat stored, copy;
        ck_assert_int_eq(fstatat(host.one, "usr/bin/tool", &stored, 0), 0);
        ck_assert_int_eq(stat(tool, &copy), 0);
        ck_assert(stored.st_ino != copy.st_ino || stored.st_dev != copy.st_dev);

        /* once more, as after an interruption */
        apply_all(&host, host.one, files, NULL);
        ck_assert_str_eq(host.said->str, "");
        apply_all(&host, -1, NULL, files);
        ck_assert_there(host.host, "usr/sbin/tool", NULL);
        ck_assert_there(host.host, "usr/sbin/alias", NULL);
        ck_assert_there(host.host, "etc/x.conf", NULL);
        ck_assert_there(host.host, "var/lib/hello", NULL);
        ck_assert_there(host.host, "etc", "/");
        apply_all(&host, -1, NULL, files);
        ck_assert_str_eq(host.said->str, "");
        teardown_host(&host);
}
END_TEST

START_TEST(what_is_there_already_stays)
{
        Host host = setup_host("{}");
        put(host.one, "etc/a", "image", 0644);
        put(host.one, "etc/b", "image", 0644);
        put_folder(host.one, "mnt", 0755);
        put(host.one, "srv", "file", 0644);
        put(host.host, "etc/a", "host", 0600);
        put_folder(host.host, "mnt", 0711);
        put_folder(host.host, "srv", 0755);
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        g_autofree char *skipped = apply(&host, host.one, files, NULL);
        ck_assert_str_eq(skipped, "/etc/a /srv");
        ck_assert_str_eq(host.said->str, "File /etc/a already exists\nFile /srv already exists\n");
        ck_assert_there(host.host, "etc/a", "host");
        ck_assert_there(host.host, "etc/b", "image");
        ck_assert_int_eq(mode_of(host.host, "mnt"), 0711);

        /* settled before it was recorded, nothing of the host is ever taken for ours */
        g_string_truncate(host.said, 0);
        ck_assert_int_eq(unlinkat(host.host, "etc/b", 0), 0);
        settle(&host, files, NULL);
        ck_assert_uint_eq(files->len, 1);
        ck_assert_str_eq(((ScHostFile *)g_ptr_array_index(files, 0))->destination, "/etc/b");
        ck_assert_str_eq(host.said->str, "File /etc/a already exists\nFile /srv already exists\n");
        apply_all(&host, host.one, files, NULL);
        apply_all(&host, -1, NULL, files);
        ck_assert_there(host.host, "etc/a", "host");
        ck_assert_there(host.host, "mnt", "/");
        ck_assert_there(host.host, "etc/b", NULL);
        teardown_host(&host);
}
END_TEST

START_TEST(updates_replace_and_undo)
{
        Host host = setup_host("{}");
        put(host.one, "etc/same", "same", 0644);
        put(host.one, "etc/changed", "one", 0644);
        put(host.one, "etc/mode", "mode", 0644);
        put(host.one, "etc/edited", "one", 0644);
        put(host.one, "etc/gone", "one", 0644);
        put(host.one, "etc/kept", "one", 0644);
        put(host.one, "etc/grows", "one", 0644);
        put(host.one, "etc/leaf/a/b", "one", 0644);
        put_folder(host.one, "var/shrinks", 0755);
        put_link(host.one, "etc/link", "one");
        put(host.two, "etc/same", "same", 0644);
        put(host.two, "etc/changed", "two", 0600);
        put(host.two, "etc/mode", "mode", 0600);
        put(host.two, "etc/edited", "two", 0644);
        put(host.two, "etc/new", "two", 0644);
        put(host.two, "etc/grows/file", "two", 0644);
        put(host.two, "etc/leaf", "two", 0644);
        put(host.two, "var/shrinks", "two", 0644);
        put_link(host.two, "etc/link", "two");
        g_autoptr(GPtrArray) one = plan(&host, host.one);
        settle(&host, one, NULL);
        apply_all(&host, host.one, one, NULL);
        put(host.host, "etc/edited", "admin", 0644);
        put(host.host, "etc/kept", "admin", 0644);
        ck_assert_str_eq(host.said->str, "");

        g_autoptr(GPtrArray) all = plan(&host, host.two);
        g_autofree char *skipped = apply(&host, host.two, all, one);
        ck_assert_str_eq(skipped, "/etc/edited");
        g_string_truncate(host.said, 0);
        g_autofree char *left = apply(&host, host.one, one, all);
        ck_assert_str_eq(left, "/etc/edited /etc/kept");
        put(host.host, "etc/edited", "admin", 0644);
        put(host.host, "etc/kept", "admin", 0644);
        g_string_truncate(host.said, 0);

        /* as an update does it: what is not ours is not recorded */
        g_autoptr(GPtrArray) two = plan(&host, host.two);
        settle(&host, two, one);
        ck_assert_uint_eq(two->len, all->len - 1);
        ck_assert_str_eq(host.said->str, "");
        apply_all(&host, host.two, two, one);
        ck_assert_str_eq(host.said->str, "Will not delete /etc/kept as it was manually modified.\n"
                                         "Will not delete /etc/edited as it was manually modified.\n");
        ck_assert_there(host.host, "etc/same", "same");
        ck_assert_there(host.host, "etc/changed", "two");
        ck_assert_int_eq(mode_of(host.host, "etc/changed"), 0600);
        ck_assert_int_eq(mode_of(host.host, "etc/mode"), 0600);
        ck_assert_there(host.host, "etc/edited", "admin");
        ck_assert_there(host.host, "etc/gone", NULL);
        ck_assert_there(host.host, "etc/kept", "admin");
        ck_assert_there(host.host, "etc/new", "two");
        ck_assert_there(host.host, "etc/grows/file", "two");
        ck_assert_there(host.host, "etc/leaf", "two");
        ck_assert_there(host.host, "var/shrinks", "two");
        ck_assert_there(host.host, "etc/link", "-> two");

        /* the way back; what the administrator changed is not ours there either */
        g_autofree char *back = apply(&host, host.one, one, two);
        ck_assert_str_eq(back, "/etc/edited /etc/kept");
        ck_assert_there(host.host, "etc/changed", "one");
        ck_assert_int_eq(mode_of(host.host, "etc/mode"), 0644);
        ck_assert_there(host.host, "etc/gone", "one");
        ck_assert_there(host.host, "etc/new", NULL);
        ck_assert_there(host.host, "etc/grows", "one");
        ck_assert_there(host.host, "etc/leaf/a/b", "one");
        ck_assert_there(host.host, "var/shrinks", "/");
        ck_assert_there(host.host, "etc/link", "-> one");
        teardown_host(&host);
}
END_TEST

START_TEST(folders_in_use_stay)
{
        Host host = setup_host("{}");
        put_folder(host.one, "var/lib/hello", 0755);
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        apply_all(&host, host.one, files, NULL);
        put(host.host, "var/lib/hello/data", "data", 0644);
        apply_all(&host, -1, NULL, files);
        ck_assert_there(host.host, "var/lib/hello/data", "data");
        teardown_host(&host);
}
END_TEST

START_TEST(only_links_of_root_are_followed)
{
        Host host = setup_host("{}");
        put(host.one, "open/sub/file", "image", 0644);
        put_folder(host.host, "secret", 0755);
        put_folder(host.host, "open", 0777);
        put_link(host.host, "open/sub", "../secret");
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_host_files_apply(host.host, host.one, files, host.variables, NULL, host.report, NULL, &error));
        ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "Will not follow the symbolic link 'sub' on the way to /open/sub/file");
        ck_assert_there(host.host, "secret/file", NULL);

        /* an uninstall says so and goes on */
        put(host.host, "secret/file", "image", 0644);
        apply_all(&host, -1, NULL, files);
        ck_assert_there(host.host, "secret/file", "image");
        ck_assert_msg(g_str_has_prefix(host.said->str, "Will not delete /open/sub/file: "), "%s", host.said->str);

        /* in a folder that nobody else can write it is followed, but never out of the root; a loop ends */
        ck_assert_int_eq(fchmodat(host.host, "open", 0755, 0), 0);
        ck_assert_int_eq(unlinkat(host.host, "secret/file", 0), 0);
        ck_assert_int_eq(unlinkat(host.host, "open/sub", 0), 0);
        put_link(host.host, "open/sub", "../../../../secret");
        apply_all(&host, host.one, files, NULL);
        ck_assert_there(host.host, "secret/file", "image");
        ck_assert_int_eq(unlinkat(host.host, "open/sub", 0), 0);
        put_link(host.host, "open/sub", "/open/sub");
        g_clear_error(&error);
        ck_assert(!sc_host_files_apply(host.host, host.one, files, host.variables, NULL, host.report, NULL, &error));
        ck_assert_error(error, SC_ERROR_EXISTS, "Too many symbolic links");
        teardown_host(&host);
}
END_TEST

/* Half of the new files came, and no more has space: the old ones come back all the same. */
START_TEST(a_full_host_goes_back)
{
        Host host = setup_host("{}");
        g_autofree char *path = g_build_filename(host.folder, "host", NULL);
        g_autoptr(GError) error = NULL;
        put(host.one, "etc/a", "a1", 0644);
        put_link(host.one, "etc/b", "b1");
        put(host.two, "etc/a", "a2", 0644);
        put_link(host.two, "etc/b", "b2");
        put(host.two, "etc/c", "c2", 0644);
        put(host.two, "etc/d", "d2", 0644);
        test_small_disk_mount(path, 5);
        close(host.host);
        host.host = open(path, O_RDONLY | O_DIRECTORY);
        ck_assert_int_ge(host.host, 0);
        g_autoptr(GPtrArray) one = plan(&host, host.one), two = plan(&host, host.two);
        settle(&host, one, NULL);
        apply_all(&host, host.one, one, NULL);
        settle(&host, two, one);
        ck_assert(!sc_host_files_apply(host.host, host.two, two, host.variables, one, host.report, NULL, &error));
        ck_assert_error(error, SC_ERROR_NO_SPACE, "/etc/d");
        ck_assert_there(host.host, "etc/a", "a2");
        ck_assert_there(host.host, "etc/b", "-> b2");
        /* somebody takes what the new ones give back */
        ck_assert_int_eq(unlinkat(host.host, "etc/c", 0), 0);
        put(host.host, "etc/filler", "", 0644);
        g_clear_error(&error);
        ck_assert(!sc_host_files_apply(host.host, host.one, one, host.variables, two, host.report, NULL, &error));
        ck_assert_error(error, SC_ERROR_NO_SPACE, "/etc/a");
        ck_assert_there(host.host, "etc/a", "a2");
        ck_assert(sc_host_files_put_back(host.host, host.one, one, host.variables, two, host.report, NULL, NULL));
        ck_assert_there(host.host, "etc/a", "a1");
        ck_assert_there(host.host, "etc/b", "-> b1");
        ck_assert_there(host.host, "etc/c", NULL);
        test_small_disk_unmount(path);
        teardown_host(&host);
}
END_TEST

/* Puts a link where the folder is, and back, as quickly as it can. */
typedef struct {
        int folder;
        gint stop;
} Racer;

static gpointer race(gpointer data)
{
        Racer *racer = data;
        while (!g_atomic_int_get(&racer->stop))
                renameat2(racer->folder, "sub", racer->folder, "link", RENAME_EXCHANGE);
        return NULL;
}

/* Whoever may write to a folder on the way gets neither a file written nor one removed elsewhere, whenever he puts his link there.
 */
START_TEST(nobody_is_quick_enough)
{
        enum { ROUNDS = 100, SEEN = 10 };
        Host host = setup_host("{}");
        put(host.one, "open/sub/file", "image", 0644);
        put(host.one, "open/sub/deep/gone", "image", 0644);
        put_folder(host.host, "open", 0777);
        put_folder(host.host, "open/sub", 0755);
        put(host.host, "secret/deep/gone", "image", 0644);
        put_link(host.host, "open/link", "../secret");
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        Racer racer = {.folder = openat(host.host, "open", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        GThread *thread = g_thread_new("racer", race, &racer);
        guint done = 0, refused = 0, kept = 0;
        for (guint round = 0; round < ROUNDS || done < SEEN || refused < SEEN || kept < SEEN; round++) {
                g_autoptr(GError) error = NULL, uninstall_error = NULL;
                g_string_truncate(host.said, 0);
                bool ok = sc_host_files_apply(host.host, host.one, files, host.variables, NULL, host.report, NULL, &error);
                done += ok ? 1 : 0;
                refused += !ok && g_error_matches(error, SC_ERROR, SC_ERROR_ACCESS_DENIED) ? 1 : 0;
                /* by the record, as an uninstall does */
                sc_host_files_apply(host.host, -1, NULL, host.variables, files, host.report, NULL, &uninstall_error);
                kept += strstr(host.said->str, "Will not delete") != NULL ? 1 : 0;
                ck_assert_there(host.host, "secret/file", NULL);
                ck_assert_there(host.host, "secret/deep/gone", "image");
        }
        g_atomic_int_set(&racer.stop, 1);
        g_thread_join(thread);
        close(racer.folder);
        teardown_host(&host);
}
END_TEST

START_TEST(a_file_in_the_way_of_a_folder)
{
        Host host = setup_host("{}");
        put(host.one, "etc/a/b", "image", 0644);
        put(host.host, "etc/a", "host", 0644);
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        settle(&host, files, NULL);
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_host_files_apply(host.host, host.one, files, host.variables, NULL, host.report, NULL, &error));
        ck_assert_error(error, SC_ERROR_EXISTS,
                        "Cannot put /etc/a/b on the host: Cannot make /etc/a/b: 'a' on the way is no folder");
        teardown_host(&host);
}
END_TEST

START_TEST(unfinished_copies_are_swept)
{
        Host host = setup_host("{}");
        put(host.one, "etc/a", "image", 0644);
        put(host.host, "etc/.a.sysconsd-abcdefgh", "half", 0600);
        put(host.host, "etc/.a.sysconsd-abcdefgh.mine", "host", 0600);
        put(host.host, "etc/.b.sysconsd-abcdefgh", "host", 0600);
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        apply_all(&host, host.one, files, NULL);
        ck_assert_there(host.host, "etc/.a.sysconsd-abcdefgh", NULL);
        ck_assert_there(host.host, "etc/.a.sysconsd-abcdefgh.mine", "host");
        ck_assert_there(host.host, "etc/.b.sysconsd-abcdefgh", "host");
        put(host.host, "etc/.a.sysconsd-ABCDEFGH", "half", 0600);
        apply_all(&host, -1, NULL, files);
        ck_assert_there(host.host, "etc/.a.sysconsd-ABCDEFGH", NULL);
        teardown_host(&host);
}
END_TEST

START_TEST(a_record_is_enough_to_remove)
{
        Host host = setup_host("{}");
        put(host.one, "etc/a", "image", 0644);
        put_link(host.one, "etc/link", "a");
        put(host.one, "etc/edited", "image", 0644);
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        apply_all(&host, host.one, files, NULL);
        g_autoptr(GPtrArray) record = g_ptr_array_new_with_free_func((GDestroyNotify)sc_host_file_free);
        for (guint i = 0; i < files->len; i++) {
                const ScHostFile *file = g_ptr_array_index(files, i);
                ScHostFile *entry = g_new0(ScHostFile, 1);
                entry->destination = g_strdup(file->destination);
                entry->checksum = g_strdup(file->checksum);
                g_ptr_array_add(record, entry);
        }
        put(host.host, "etc/edited", "admin", 0644);
        apply_all(&host, -1, NULL, record);
        ck_assert_there(host.host, "etc/a", NULL);
        ck_assert_there(host.host, "etc/link", NULL);
        ck_assert_there(host.host, "etc/edited", "admin");
        ck_assert_str_eq(host.said->str, "Will not delete /etc/edited as it was manually modified.\n");
        teardown_host(&host);
}
END_TEST

START_TEST(owners_are_the_images)
{
        Host host = setup_host("{}");
        put(host.one, "etc/a", "image", 0644);
        put_link(host.one, "etc/link", "a");
        put_folder(host.one, "etc/folder", 0755);
        /* whoever runs this: the ids of the files are those of the plan */
        gid_t gid = getegid();
        if (geteuid() == 0) {
                gid = 4;
                ck_assert_int_eq(fchownat(host.one, "etc/a", 3, 4, 0), 0);
                ck_assert_int_eq(fchownat(host.one, "etc/link", 3, 4, AT_SYMLINK_NOFOLLOW), 0);
                ck_assert_int_eq(fchownat(host.one, "etc/folder", 3, 4, 0), 0);
        }
        g_autoptr(GPtrArray) files = plan(&host, host.one);
        apply_all(&host, host.one, files, NULL);
        static const char *const paths[] = {"etc/a", "etc/link", "etc/folder"};
        for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
                struct stat st;
                ck_assert_int_eq(fstatat(host.host, paths[i], &st, AT_SYMLINK_NOFOLLOW), 0);
                ck_assert_uint_eq(st.st_uid, geteuid() == 0 ? 3 : geteuid());
                ck_assert_uint_eq(st.st_gid, gid);
        }
        teardown_host(&host);
}
END_TEST

/* "made /etc/a", a line each */
static char *preview(Host *host, GPtrArray *files, GPtrArray *old)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) previews = sc_host_files_preview(host->host, files, old, &error);
        ck_assert_no_error(error);
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < previews->len; i++) {
                const ScHostFilePreview *file = previews->pdata[i];
                ck_assert_int_eq(file->action == SC_HOST_FILE_LEFT_ALONE, file->why != NULL);
                g_string_append_printf(text, "%s %s\n", sc_host_file_action_to_string(file->action), file->path);
        }
        return g_string_free(text, FALSE);
}

#define ck_assert_previewed(host, files, old, expected)             \
        do {                                                        \
                g_autofree char *text_ = preview(host, files, old); \
                ck_assert_str_eq(text_, expected);                  \
        } while (0)

START_TEST(a_preview_says_what_happens)
{
        Host host = setup_host("{\"installedFilesTemplate\": [\"/etc/x.conf\"]}");
        put(host.one, "etc/x.conf", "port=$PORT", 0640);
        put(host.one, "etc/same", "same", 0644);
        put(host.one, "etc/changed", "one", 0644);
        put(host.one, "etc/edited", "one", 0644);
        put(host.one, "etc/taken", "image", 0644);
        put_folder(host.one, "var/lib/hello", 0755);
        put_folder(host.one, "var/lib/used", 0755);
        put(host.two, "etc/same", "same", 0644);
        put(host.two, "etc/changed", "two", 0644);
        put(host.two, "etc/edited", "two", 0644);
        put(host.two, "etc/new", "two", 0644);
        put(host.host, "etc/taken", "admin", 0644);
        g_autoptr(GPtrArray) one = plan(&host, host.one);
        g_autoptr(GPtrArray) two = plan(&host, host.two);
        ck_assert_previewed(&host, one, NULL,
                            "made /etc/changed\nmade /etc/edited\nmade /etc/same\nleft alone /etc/taken\nmade /etc/x.conf\n"
                            "made /var/lib/hello\nmade /var/lib/used\n");
        ck_assert_uint_eq(one->len, 7);
        ck_assert_there(host.host, "etc/same", NULL);
        settle(&host, one, NULL);
        apply_all(&host, host.one, one, NULL);
        ck_assert_previewed(&host, one, one,
                            "unchanged /etc/changed\nunchanged /etc/edited\nunchanged /etc/same\nunchanged /etc/x.conf\n"
                            "unchanged /var/lib/hello\nunchanged /var/lib/used\n");
        put(host.host, "etc/edited", "admin", 0644);
        put(host.host, "var/lib/used/file", "", 0644);
        ck_assert_previewed(&host, two, one,
                            "replaced /etc/changed\nleft alone /etc/edited\nmade /etc/new\nunchanged /etc/same\n"
                            "removed /etc/x.conf\nremoved /var/lib/hello\nleft alone /var/lib/used\n");
        ck_assert_previewed(&host, NULL, one,
                            "removed /etc/changed\nleft alone /etc/edited\nremoved /etc/same\nremoved /etc/x.conf\n"
                            "removed /var/lib/hello\nleft alone /var/lib/used\n");
        /* and so it comes */
        settle(&host, two, one);
        apply_all(&host, host.two, two, one);
        ck_assert_there(host.host, "etc/changed", "two");
        ck_assert_there(host.host, "etc/edited", "admin");
        ck_assert_there(host.host, "etc/new", "two");
        ck_assert_there(host.host, "etc/x.conf", NULL);
        teardown_host(&host);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hostfiles");
        TCase *tcase = tcase_create("hostfiles");
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, a_plan_lists_what_is_wanted);
        tcase_add_test(tcase, bad_plans_are_refused);
        tcase_add_test(tcase, files_come_and_go);
        tcase_add_test(tcase, what_is_there_already_stays);
        tcase_add_test(tcase, updates_replace_and_undo);
        tcase_add_test(tcase, folders_in_use_stay);
        tcase_add_test(tcase, only_links_of_root_are_followed);
        tcase_add_test(tcase, a_full_host_goes_back);
        tcase_add_test(tcase, nobody_is_quick_enough);
        tcase_add_test(tcase, a_file_in_the_way_of_a_folder);
        tcase_add_test(tcase, unfinished_copies_are_swept);
        tcase_add_test(tcase, a_record_is_enough_to_remove);
        tcase_add_test(tcase, owners_are_the_images);
        tcase_add_test(tcase, a_preview_says_what_happens);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
