/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-unit.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(all_of_it)
{
        const char *files[] = {"manifest.json",
                               "{\"version\": \"1.0\", \"defaultValues\": {\"PORT\": \"80\", \"COUNT\": 3, \"ON\": true},"
                               " \"renameFiles\": {\"/etc/a\": \"/etc/$NAME.conf\"}, \"installedFilesTemplate\": [\"/etc/a\"],"
                               " \"noContainerService\": true, \"useLinks\": false}",
                               "service.template",
                               "[Service]\n",
                               "tmpfiles.template",
                               "d /run/x\n",
                               "config.json",
                               "{}",
                               "config.json.template",
                               "{$A}",
                               "rpm.spec",
                               "Name: x\n",
                               "rpm.spec.template",
                               "Name: $NAME\n",
                               NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        ck_assert(exports->present);
        ck_assert_str_eq(g_hash_table_lookup(exports->defaults, "PORT"), "80");
        ck_assert_str_eq(g_hash_table_lookup(exports->defaults, "COUNT"), "3");
        ck_assert_str_eq(g_hash_table_lookup(exports->defaults, "ON"), "true");
        ck_assert_str_eq(g_hash_table_lookup(exports->renames, "/etc/a"), "/etc/$NAME.conf");
        ck_assert_str_eq(exports->rendered[0], "/etc/a");
        ck_assert_ptr_null(exports->rendered[1]);
        ck_assert(exports->no_service);
        ck_assert(!exports->use_links);
        ck_assert_str_eq(exports->service, "[Service]\n");
        ck_assert_str_eq(exports->tmpfiles, "d /run/x\n");
        ck_assert_str_eq(exports->config, "{$A}");
        ck_assert(exports->config_is_template);
        ck_assert_str_eq(exports->rpm_spec, "Name: $NAME\n");
        ck_assert(exports->rpm_spec_is_template);
}
END_TEST

static void expect_nothing(const ScExports *exports)
{
        ck_assert_uint_eq(g_hash_table_size(exports->defaults), 0);
        ck_assert_uint_eq(g_hash_table_size(exports->renames), 0);
        ck_assert_ptr_null(exports->rendered[0]);
        ck_assert(!exports->no_service);
        ck_assert(exports->use_links);
        ck_assert_ptr_null(exports->service);
        ck_assert_ptr_null(exports->config);
}

START_TEST(nothing_of_it)
{
        const char *files[] = {"manifest.json", "{\"useLinks\": null}", NULL};
        g_autoptr(ScExports) empty = test_exports(files);
        expect_nothing(empty);
        ck_assert(empty->present);

        /* a reader that would fail is not asked */
        g_autoptr(GError) error = NULL;
        g_autoptr(ScExports) absent = sc_exports_load(NULL, NULL, false, &error);
        ck_assert_no_error(error);
        expect_nothing(absent);
        ck_assert(!absent->present);

        const char *plain[] = {"config.json", "{$}", NULL};
        g_autoptr(ScExports) with_config = test_exports(plain);
        ck_assert_str_eq(with_config->config, "{$}");
        ck_assert(!with_config->config_is_template);
}
END_TEST

START_TEST(malformed_ones_are_refused)
{
        g_autofree char *large = g_strnfill(1024 * 1024 + 1, 'x');
        const char *const cases[][3] = {
                {"manifest.json", "[]", "manifest.json"},
                {"manifest.json", "{\"defaultValues\": []}", "exports/manifest.json is malformed: The key 'defaultValues'"},
                {"manifest.json", "{\"defaultValues\": {\"A\": {}}}", "'A'"},
                {"manifest.json", "{\"installedFilesTemplate\": [1]}", "'installedFilesTemplate'"},
                {"manifest.json", "{\"renameFiles\": 1}", "'renameFiles'"},
                {"manifest.json", "{\"noContainerService\": \"no\"}", "'noContainerService'"},
                {"manifest.json", "{\"useLinks\": 1}", "'useLinks'"},
                {"service.template", "\xff", "exports/service.template is not valid UTF-8"},
                {"tmpfiles.template", large, "exports/tmpfiles.template is larger than 1 MiB"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *files[] = {cases[i][0], cases[i][1], NULL};
                g_autoptr(GError) error = NULL;
                ck_assert_ptr_null(sc_exports_load(test_read, files, true, &error));
                ck_assert_error(error, SC_ERROR_CORRUPT, cases[i][2]);
        }
}
END_TEST

START_TEST(a_root_file_system_is_read)
{
        char *folder = test_folder_new();
        int fd = open(folder, O_RDONLY | O_DIRECTORY);
        g_autofree char *service = g_build_filename(folder, "exports/service.template", NULL);
        g_autoptr(GError) error = NULL;
        char *text = (char *)"untouched";
        ck_assert(sc_exports_read_rootfs(&fd, "config.json", &text, NULL));
        ck_assert_ptr_null(text);
        ck_assert_int_eq(mkdirat(fd, "exports", 0755), 0);
        ck_assert(g_file_set_contents(service, "[Service]\n", -1, NULL));
        g_autoptr(ScExports) exports = sc_exports_load(sc_exports_read_rootfs, &fd, true, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(exports->service, "[Service]\n");
        ck_assert_ptr_null(exports->config);

        /* an image's link must not have us read files of the host, but its own */
        ck_assert_int_eq(symlinkat("/etc/passwd", fd, "exports/config.json"), 0);
        ck_assert_int_eq(symlinkat("../share/lines", fd, "exports/tmpfiles.template"), 0);
        g_autoptr(ScExports) dangling = sc_exports_load(sc_exports_read_rootfs, &fd, true, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_null(dangling->config);
        ck_assert_ptr_null(dangling->tmpfiles);
        ck_assert(mkdirat(fd, "share", 0755) == 0 && mkdirat(fd, "etc", 0755) == 0);
        g_autofree char *lines = g_build_filename(folder, "share/lines", NULL),
                        *passwd = g_build_filename(folder, "etc/passwd", NULL);
        ck_assert(g_file_set_contents(lines, "d /run/x\n", -1, NULL) && g_file_set_contents(passwd, "own", -1, NULL));
        g_autoptr(ScExports) linked = sc_exports_load(sc_exports_read_rootfs, &fd, true, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(linked->config, "own");
        ck_assert_str_eq(linked->tmpfiles, "d /run/x\n");

        ck_assert_int_eq(unlinkat(fd, "exports/config.json", 0), 0);
        g_autofree char *config = g_build_filename(folder, "exports/config.json", NULL);
        ck_assert(g_file_set_contents(config, "{\0}", 3, NULL));
        ck_assert_ptr_null(sc_exports_load(sc_exports_read_rootfs, &fd, true, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "zero byte");
        close(fd);
        test_folder_remove(folder);
}
END_TEST

START_TEST(required_variables)
{
        const char *files[] = {"manifest.json",
                               "{\"defaultValues\": {\"PORT\": \"80\"}, \"renameFiles\": {\"/a\": \"/etc/$WHERE\"}}",
                               "service.template",
                               "$EXEC_START $ZEBRA",
                               "tmpfiles.template",
                               "$STATE_DIRECTORY/$TMP",
                               "config.json.template",
                               "$PORT $MOUNTS $$NO",
                               NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        g_auto(GStrv) required = sc_exports_required(exports);
        g_autofree char *joined = g_strjoinv(" ", required);
        ck_assert_str_eq(joined, "MOUNTS TMP WHERE ZEBRA");

        /* what is no template asks for nothing, nor does a service that is not made */
        const char *fixed[] = {"config.json", "$MOUNTS", NULL};
        g_autoptr(ScExports) without = test_exports(fixed);
        g_auto(GStrv) nothing = sc_exports_required(without);
        ck_assert_ptr_null(nothing[0]);
        exports->no_service = true;
        g_auto(GStrv) host_files = sc_exports_required(exports);
        ck_assert_str_eq(host_files[0], "TMP");
        ck_assert_str_eq(host_files[1], "WHERE");
        ck_assert_ptr_null(host_files[2]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("exports");
        TCase *tcase = tcase_create("exports");
        tcase_add_test(tcase, all_of_it);
        tcase_add_test(tcase, nothing_of_it);
        tcase_add_test(tcase, malformed_ones_are_refused);
        tcase_add_test(tcase, a_root_file_system_is_read);
        tcase_add_test(tcase, required_variables);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
