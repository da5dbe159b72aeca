/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What system packages are called, and what they are built from. */

#include "test-unit.h"
#include "base/path.h"
#include "unit/package-driver.h"
#include <fcntl.h>

/* Labels are taken over. */
static ScPackageFacts *facts_of(ScPackageSystem system, GHashTable *labels, GError **error)
{
        const ScPackageSource source = {
                .container = "Web_1.b",
                .labels = labels,
                .default_version = "1",
                .default_release = "c0ffee",
                .id = "d3p",
        };
        ScPackageFacts *facts = sc_package_facts_new(system, &source, error);
        g_hash_table_unref(labels);
        return facts;
}

static ScPackageFacts *good_facts(ScPackageSystem system, GHashTable *labels)
{
        g_autoptr(GError) error = NULL;
        ScPackageFacts *facts = facts_of(system, labels, &error);
        ck_assert_no_error(error);
        return facts;
}

static ScHostFile *host_file(const char *destination, mode_t mode)
{
        ScHostFile *file = g_new0(ScHostFile, 1);
        file->destination = g_strdup(destination);
        file->mode = mode;
        return file;
}

static GPtrArray *host_files(void)
{
        GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)sc_host_file_free);
        g_ptr_array_add(files, host_file("/etc/web/conf", S_IFREG | 0644));
        g_ptr_array_add(files, host_file("/etc/web/link", S_IFLNK | 0777));
        g_ptr_array_add(files, host_file("/srv/web", S_IFDIR | 0755));
        g_ptr_array_add(files, host_file("/usr/bin/web tool", S_IFREG | 0755));
        return files;
}

/* ---- names ---- */

START_TEST(names)
{
        g_autofree char *rpm = sc_package_name(SC_PACKAGE_RPM, "Web_1.b");
        g_autofree char *deb = sc_package_name(SC_PACKAGE_DEB, "Web_1.b");
        ck_assert_str_eq(rpm, "atomic-container-Web_1.b");
        ck_assert_str_eq(deb, "atomic-container-+57eb+5f1.b");
}
END_TEST

static const struct {
        const char *file;
        ScPackageSystem system;
        const char *name;
} file_names[] = {
        {"atomic-container-etcd.rpm", SC_PACKAGE_RPM, "atomic-container-etcd"},
        {"atomic-container-etcd-3.4-1.x86_64.rpm", SC_PACKAGE_RPM, "atomic-container-etcd-3.4-1.x86_64"},
        {"atomic-container-a+5fb.deb", SC_PACKAGE_DEB, "atomic-container-a+5fb"},
        {"../container.rpm", SC_PACKAGE_NONE, NULL},
        {".rpm", SC_PACKAGE_NONE, NULL},
        {"--root.rpm", SC_PACKAGE_NONE, NULL},
        {"a b.rpm", SC_PACKAGE_NONE, NULL},
        {"container", SC_PACKAGE_NONE, NULL},
};

START_TEST(names_of_files)
{
        g_autoptr(ScPackage) package = sc_package_new(file_names[_i].file, "id");
        ck_assert_int_eq(package != NULL, file_names[_i].name != NULL);
        if (package == NULL)
                return;
        ck_assert_int_eq(package->system, file_names[_i].system);
        ck_assert_str_eq(package->name, file_names[_i].name);
}
END_TEST

/* ---- labels ---- */

START_TEST(without_labels)
{
        g_autoptr(ScPackageFacts) facts = good_facts(SC_PACKAGE_DEB, test_map(NULL));
        ck_assert_str_eq(facts->version, "1");
        ck_assert_str_eq(facts->release, "c0ffee");
        ck_assert_str_eq(facts->summary, "Web_1.b");
        ck_assert_str_eq(facts->description, "Web_1.b");
        ck_assert_ptr_null(facts->url);
        ck_assert_ptr_null(facts->requires[0]);
}
END_TEST

static const struct {
        const char *label, *deb, *rpm;
} versions[] = {
        {"3.4.1", "3.4.1", "3.4.1"},
        {"v1.0-beta_2", "0.v1.0.beta.2", "0.v1.0.beta_2"},
        {"1~rc1+git", "1~rc1+git", "1~rc1+git"},
        {"1\nDepends: sshd", "1.Depends..sshd", "1.Depends..sshd"},
        {"%{nil}", "0...nil.", "0...nil."},
        {"2:1", "2.1", "2.1"},
};

START_TEST(odd_versions_become_versions)
{
        g_autoptr(ScPackageFacts) deb = good_facts(SC_PACKAGE_DEB, test_map("Atomic.VERSION", versions[_i].label, NULL));
        g_autoptr(ScPackageFacts) rpm = good_facts(SC_PACKAGE_RPM, test_map("atomic.version", versions[_i].label, NULL));
        ck_assert_str_eq(deb->version, versions[_i].deb);
        ck_assert_str_eq(rpm->version, versions[_i].rpm);
}
END_TEST

START_TEST(texts_are_one_line)
{
        g_autofree char *long_text = g_strnfill(100000, 'x');
        g_autoptr(ScPackageFacts)
                facts = good_facts(SC_PACKAGE_RPM, test_map("atomic.summary",
                                                            "\n a\tb \r\n\x7f c\xe2\x80\xa8"
                                                            "d \n",
                                                            "atomic.description", long_text, "atomic.license", " \n", NULL));
        ck_assert_str_eq(facts->summary, "a b c d");
        ck_assert_uint_le(strlen(facts->description), 4096);
        ck_assert_str_eq(facts->license, "unknown");
}
END_TEST

START_TEST(relations)
{
        const char *label = "runc>=1.0, etcd , , docker < 2,podman == 3.1~rc,";
        g_autoptr(ScPackageFacts) deb = good_facts(SC_PACKAGE_DEB, test_map("atomic.requires", label, NULL));
        g_autoptr(ScPackageFacts) rpm = good_facts(SC_PACKAGE_RPM, test_map("atomic.conflicts", label, NULL));
        g_autofree char *for_deb = g_strjoinv(", ", deb->requires);
        g_autofree char *for_rpm = g_strjoinv(", ", rpm->conflicts);
        ck_assert_str_eq(for_deb, "runc (>= 1.0), etcd, docker (<< 2), podman (= 3.1~rc)");
        ck_assert_str_eq(for_rpm, "runc >= 1.0, etcd, docker < 2, podman = 3.1~rc");
}
END_TEST

static const char *const no_relations[] = {
        "a (b)\nDepends: c", "%(touch /x)", "a >= 1 2", "runc | crun", "-x", "a >> 1", "a ~ 1", "runc >=", "a\n", "a >= 1%{x}",
};

START_TEST(what_is_no_relation_is_refused)
{
        for (ScPackageSystem system = SC_PACKAGE_DEB; system <= SC_PACKAGE_RPM; system++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *label = g_strconcat("good, ", no_relations[_i], ", good", NULL);
                g_autoptr(ScPackageFacts) facts = facts_of(system, test_map("atomic.provides", label, NULL), &error);
                /* blanks at the ends are trimmed, and then the last but one is a name */
                if (facts != NULL) {
                        ck_assert_str_eq(no_relations[_i], "a\n");
                        continue;
                }
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "atomic.provides");
        }
}
END_TEST

/* ---- texts ---- */

static GHashTable *hostile_labels(void)
{
        return test_map("atomic.summary", "Fine\nMaintainer: me", "atomic.description", "%post\nrm -rf / \\", "atomic.url",
                        "http://x/%41", "atomic.requires", "runc >= 1", "atomic.release", "3", NULL);
}

START_TEST(control)
{
        g_autoptr(ScPackageFacts) facts = good_facts(SC_PACKAGE_DEB, hostile_labels());
        g_autofree char *text = sc_package_deb_control(facts, "all");
        ck_assert_str_eq(text, "Package: atomic-container-+57eb+5f1.b\n"
                               "Version: 1-3\n"
                               "Architecture: all\n"
                               "Maintainer: sysconsd <root@localhost>\n"
                               "Section: admin\n"
                               "Priority: optional\n"
                               "Depends: runc (>= 1)\n"
                               "Homepage: http://x/%41\n"
                               "License: unknown\n"
                               "Sysconsd-Deployment: d3p\n"
                               "Description: Fine Maintainer: me\n"
                               " %post rm -rf / \\\n");
}
END_TEST

START_TEST(conffiles)
{
        g_autoptr(GPtrArray) files = host_files();
        const ScPackageInput input = {.files = files};
        g_autofree char *text = sc_package_deb_conffiles(&input);
        ck_assert_str_eq(text, "/etc/web/conf\n");
}
END_TEST

START_TEST(spec)
{
        g_autoptr(ScPackageFacts) facts = good_facts(SC_PACKAGE_RPM, hostile_labels());
        g_autoptr(GPtrArray) files = host_files();
        char *folders[] = {(char[]){"/etc/web"}, NULL};
        char *trees[] = {(char[]){"/usr/lib/containers/atomic/web"}, NULL};
        ScPackageInput input = {.facts = facts, .files = files, .folders = folders, .trees = trees};
        g_autofree char *text = sc_package_rpm_spec(&input, NULL);
        ck_assert_str_eq(text, "Name: atomic-container-Web_1.b\n"
                               "Version: 1\n"
                               "Release: 3\n"
                               "Summary: Fine Maintainer: me\n"
                               "License: unknown\n"
                               "URL: http://x/%%41\n"
                               "Requires: runc >= 1\n"
                               "AutoReqProv: no\n"
                               "%global debug_package %{nil}\n"
                               "%global __os_install_post %{nil}\n"
                               "%global _build_id_links none\n"
                               "\n%description\n"
                               "- %%post rm -rf / \n"
                               "\n%files\n"
                               "%dir \"/etc/web\"\n"
                               "%config(noreplace) \"/etc/web/conf\"\n"
                               "\"/etc/web/link\"\n"
                               "%dir \"/srv/web\"\n"
                               "\"/usr/bin/web tool\"\n"
                               "\"/usr/lib/containers/atomic/web\"\n");
        input.trees = NULL;
        g_autofree char *of_host_files = sc_package_rpm_spec(&input, NULL);
        ck_assert_ptr_nonnull(strstr(of_host_files, "\nBuildArch: noarch\n"));
}
END_TEST

static const char *const patterns[] = {"/etc/a*", "/etc/%{name}", "/etc/{a,b}", "/etc/[a]", "/etc/\"a", "/etc/a\\b", "/etc/a?"};

START_TEST(what_rpm_takes_for_a_pattern_is_refused)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScPackageFacts) facts = good_facts(SC_PACKAGE_RPM, test_map(NULL));
        g_autoptr(GPtrArray) files = host_files();
        g_ptr_array_add(files, host_file(patterns[_i], S_IFREG | 0644));
        const ScPackageInput input = {.facts = facts, .files = files};
        ck_assert_ptr_null(sc_package_rpm_spec(&input, &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, patterns[_i]);
}
END_TEST

/* ---- which system ---- */

START_TEST(configured_system)
{
        ScPackageSystem system = SC_PACKAGE_RPM;
        ck_assert(sc_package_system_find("none", &system, NULL));
        ck_assert_int_eq(system, SC_PACKAGE_NONE);
        /* tests are built on Debian */
        ck_assert(sc_package_system_find("auto", &system, NULL));
        ck_assert_int_eq(system, SC_PACKAGE_DEB);
        ck_assert(g_setenv("PATH", "/nowhere", TRUE));
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_package_system_find("rpm", &system, &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "there is no rpmbuild");
}
END_TEST

/* ---- what is missing ---- */

static const struct {
        const char *depends, *missing;
} dependencies[] = {
        {"", NULL},
        {"one", NULL},
        {"one (>= 1:2.0-1), one (<< 1:3)", NULL},
        {"one (>= 1:3), two, none", "one (>= 1:3), two, none"}, /* two is not installed, only its configuration is left */
        {"mail-agent", NULL},                                   /* provided */
        {"mail-agent (>= 1)", "mail-agent (>= 1)"},             /* but not in a version */
        {"lib-abi (= 5)", NULL},
        {"lib-abi (>> 5)", "lib-abi (>> 5)"},
        {"three:any", NULL},
        {"on", "on"}, /* not the start of a name */
};

START_TEST(what_a_deb_misses)
{
        static const char installed[] = "installed\tone\t1:2.0-1\t\n"
                                        "config-files\ttwo\t1\t\n"
                                        "triggers-pending\tthree\t1\tmail-agent, lib-abi (= 5)\n"
                                        "odd line\n";
        g_autoptr(GError) error = NULL;
        g_autofree char *missing = NULL;
        ck_assert(sc_package_deb_find_missing(dependencies[_i].depends, installed, &missing, &error));
        ck_assert_no_error(error);
        ck_assert_pstr_eq(missing, dependencies[_i].missing);
}
END_TEST

START_TEST(what_it_provides_itself_is_there)
{
        g_autoptr(GError) error = NULL;
        const ScPackageRelations own = {"own", "nonsuch-own-thing", "", "nonsuch-own-thing"};
        ck_assert(sc_package_deb_check_relations(&own, &error));
        ck_assert_no_error(error);
        const ScPackageRelations needy = {"own", "nonsuch-own-thing, dpkg (>= 1)", "", ""};
        ck_assert(!sc_package_deb_check_relations(&needy, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "It depends on nonsuch-own-thing: install that first");
}
END_TEST

START_TEST(what_it_conflicts_with)
{
        g_autoptr(GError) error = NULL;
        const ScPackageRelations unlucky = {"own", "", "nonsuch-thing, dpkg (>= 1), dpkg (<< 1)", ""};
        ck_assert(!sc_package_deb_check_relations(&unlucky, &error));
        ck_assert_error(error, SC_ERROR_EXISTS, "It conflicts with dpkg (>= 1), which is installed");
        g_clear_error(&error);
        /* a version of its own is replaced */
        const ScPackageRelations itself = {"dpkg", "", "dpkg", ""};
        ck_assert(sc_package_deb_check_relations(&itself, &error));
        ck_assert_no_error(error);
}
END_TEST

/* ---- locks ---- */

START_TEST(busy_while_another_program_installs)
{
        static const ScReportSink nobody = {0};
        char *folder = test_folder_new();
        g_autofree char *lock = g_build_filename(folder, ".rpm.lock", NULL);
        g_autofree char *program = g_build_filename(folder, "rpm", NULL);
        g_autofree char *script = g_strdup_printf("#!/bin/sh\necho '%s'\n", lock);
        g_autofree char *path = g_strconcat(folder, ":", g_getenv("PATH"), NULL);
        g_autoptr(ScReport) report = sc_report_new(&nobody, NULL);
        g_autoptr(GError) error = NULL;
        int fd = -1;
        ck_assert(g_file_set_contents(program, script, -1, NULL));
        ck_assert_int_eq(g_chmod(program, 0755), 0);
        g_setenv("PATH", path, TRUE);

        sc_autofd theirs = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        struct flock held = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        ck_assert_int_eq(fcntl(theirs, F_OFD_SETLK, &held), 0);
        ck_assert(!sc_package_lock(SC_PACKAGE_RPM, 0, report, NULL, &fd, &error));
        ck_assert_error(error, SC_ERROR_BUSY, ".rpm.lock is locked): try again later");
        g_clear_error(&error);
        sc_close(&theirs);
        ck_assert(sc_package_lock(SC_PACKAGE_RPM, 0, report, NULL, &fd, &error));
        ck_assert_no_error(error);
        ck_assert_int_eq(fd, -1);
        test_folder_remove(folder);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("package");
        TCase *cases = tcase_create("package");
        tcase_add_test(cases, names);
        tcase_add_loop_test(cases, names_of_files, 0, G_N_ELEMENTS(file_names));
        tcase_add_test(cases, without_labels);
        tcase_add_loop_test(cases, odd_versions_become_versions, 0, G_N_ELEMENTS(versions));
        tcase_add_test(cases, texts_are_one_line);
        tcase_add_test(cases, relations);
        tcase_add_loop_test(cases, what_is_no_relation_is_refused, 0, G_N_ELEMENTS(no_relations));
        tcase_add_test(cases, control);
        tcase_add_test(cases, conffiles);
        tcase_add_test(cases, spec);
        tcase_add_loop_test(cases, what_rpm_takes_for_a_pattern_is_refused, 0, G_N_ELEMENTS(patterns));
        tcase_add_test(cases, configured_system);
        tcase_add_loop_test(cases, what_a_deb_misses, 0, G_N_ELEMENTS(dependencies));
        tcase_add_test(cases, what_it_provides_itself_is_there);
        tcase_add_test(cases, what_it_conflicts_with);
        tcase_add_test(cases, busy_while_another_program_installs);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
