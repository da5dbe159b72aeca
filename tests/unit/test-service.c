/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-unit.h"
#include "unit/command.h"
#include "unit/service.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static char *make_unit(const char *template_text)
{
        const char *files[] = {"service.template", template_text, NULL};
        if (template_text == NULL)
                files[0] = NULL;
        g_autoptr(ScExports) exports = test_exports(files);
        ScVariablesInput input = test_variables_input();
        input.detached = sc_service_is_detached(sc_service_template(exports));
        input.defaults = test_map("LIMIT", "50%", NULL);
        input.set = test_map("RUN_DIRECTORY", "/run", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScVariables) variables = sc_variables_new(&input, &error);
        ck_assert_no_error(error);
        g_hash_table_unref(input.defaults);
        g_hash_table_unref(input.set);
        char *unit = sc_service_make(exports, variables, &error);
        ck_assert_no_error(error);
        return unit;
}

/* How often one string is in another. */
static guint count(const char *text, const char *part)
{
        guint found = 0;
        for (; (text = strstr(text, part)) != NULL; text += strlen(part))
                found++;
        return found;
}

START_TEST(the_unit_of_an_image_without_one)
{
        g_autofree char *unit = make_unit(NULL);
        static const char *const lines[] = {
                "\nType=forking\n",
                "\nPIDFile=/run/container-hello.pid\n",
                "\nWorkingDirectory=/var/lib/containers/atomic/hello.0\n",
                "\nExecStart=/usr/libexec/sysconsd-exec /usr/bin/runc run -d --pid-file /run/container-hello.pid 'hello'\n",
                "\nExecStop=-/usr/libexec/sysconsd-exec /usr/bin/runc kill 'hello'\n",
                "\nExecStopPost=-/usr/bin/runc delete 'hello'\n",
                "\nRestart=on-failure\n",
                "\nTimeoutStopSec=10\n",
                "\nWantedBy=multi-user.target\n",
                "\n[Service]\nDelegate=yes\n",
        };
        for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
                ck_assert_msg(strstr(unit, lines[i]) != NULL, "%s is not in %s", lines[i], unit);
        ck_assert(sc_service_is_enableable(unit));
}
END_TEST

START_TEST(the_unit_of_a_user)
{
        g_setenv("XDG_RUNTIME_DIR", "/run/user/7", TRUE);
        g_setenv("HOME", "/usr", TRUE);
        const ScScope *scope = test_scope(SC_SCOPE_USER);
        ScVariablesInput input = test_variables_input();
        input.scope = scope;
        g_autoptr(GError) error = NULL;
        g_autoptr(ScVariables) variables = sc_variables_new(&input, &error);
        ck_assert_no_error(error);
        const char *files[] = {"service.template",
                               "[Unit]\nAfter=multi-user.target\n[Install]\nWantedBy=multi-user.target x.target\n", NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        g_autofree char *unit = sc_service_make(exports, variables, &error);
        ck_assert_str_eq(unit, "[Unit]\nAfter=default.target\n[Install]\nWantedBy=default.target x.target\n");
        g_autofree char *group = sc_service_cgroup(scope, unit, "hello");
        g_autofree char *expected = g_strdup_printf("/user.slice/user-%u.slice/user@%u.service/app.slice/hello.service", getuid(),
                                                    getuid());
        ck_assert_str_eq(group, expected);
}
END_TEST

START_TEST(the_unit_of_an_image)
{
        g_autofree char *unit = make_unit("[Service]\nExecStart=$EXEC_START\nExecStopPost=$EXEC_STOPPOST\nMemoryMax=$LIMIT\nX=%n");
        ck_assert_str_eq(
                unit,
                "[Service]\nExecStart=/usr/libexec/sysconsd-exec /usr/bin/runc run 'hello'\nExecStopPost=\nMemoryMax=50%%\nX=%n\n\n"
                "# The container's control group lies inside the one of this unit.\n[Service]\nDelegate=yes\n");
        g_autoptr(GError) error = NULL;
        const char *files[] = {"service.template", "$MISSING", NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        g_autoptr(ScVariables) variables = test_variables(NULL);
        ck_assert_ptr_null(sc_service_make(exports, variables, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "'service.template' still contains an unreplaced value for: ''MISSING''");
}
END_TEST

START_TEST(delegation_is_added_where_it_is_missing)
{
        static const struct {
                const char *text;
                guint expected; /* Delegate in the unit */
        } cases[] = {
                {"[Service]\nExecStart=$EXEC_START\n", 1},
                {"[Service]\nExecStart=$EXEC_START\nDelegate=no\n", 1},
                {"[Service]\n Delegate = yes\nExecStart=$EXEC_START\n", 1},
                {"[Service]\nExecStart=$EXEC_START\n#Delegate=yes\n", 2},
                {"[Service]\nExecStart=$EXEC_START \\\n Delegate=yes\n", 2},
                {"[Unit]\nDelegate=yes\n[Service]\nExecStart=$EXEC_START\n", 2},
                /* it starts something of its own: what it delegates is its own affair */
                {"[Service]\nExecStart=$RUNTIME run $NAME\n", 0},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *unit = make_unit(cases[i].text);
                ck_assert_msg(count(unit, "Delegate") == cases[i].expected, "%s", unit);
        }
}
END_TEST

START_TEST(detached_if_both_are_named)
{
        ck_assert(sc_service_is_detached("$EXEC_STOPPOST ${PIDFILE}"));
        ck_assert(!sc_service_is_detached("$EXEC_STOPPOST"));
        ck_assert(!sc_service_is_detached("$PIDFILE $$EXEC_STOPPOST"));
}
END_TEST

START_TEST(what_needs_a_runtime)
{
        static const struct {
                const char *service;
                bool needs;
        } cases[] = {
                {"[Service]\nExecStart=$EXEC_START\n", true},
                {"[Service]\nExecStart=${RUNTIME} run $NAME\n", true},
                {"[Service]\nExecStart=$DESTDIR/rootfs/usr/bin/daemon\n", false},
                {"[Service]\nExecStart=/bin/echo $$RUNTIME\n", false},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *files[] = {"service.template", cases[i].service, "config.json", "{}", NULL};
                g_autoptr(ScExports) exports = test_exports(files);
                ck_assert_int_eq(sc_service_needs_runtime(exports), cases[i].needs);
                exports->no_service = true;
                ck_assert(!sc_service_needs_runtime(exports));
        }
        const char *none[] = {NULL};
        g_autoptr(ScExports) exports = test_exports(none);
        ck_assert(sc_service_needs_runtime(exports)); /* the default unit does */
}
END_TEST

START_TEST(enableable)
{
        ck_assert(sc_service_is_enableable("[Install]\nWantedBy=multi-user.target\n"));
        ck_assert(sc_service_is_enableable("[Install]\nAlias = other.service"));
        ck_assert(!sc_service_is_enableable("[Install]\nWantedBy=\n"));
        ck_assert(!sc_service_is_enableable("[Install]\n;WantedBy=multi-user.target\n"));
        ck_assert(!sc_service_is_enableable("[Unit]\nWantedBy=multi-user.target\n[Install]\n"));
        ck_assert(!sc_service_is_enableable(""));
}
END_TEST

START_TEST(control_groups)
{
        static const char *const cases[][2] = {
                {"[Service]\n", "/system.slice/etcd.service"},
                {"[Service]\nSlice=machine.slice\n", "/machine.slice/etcd.service"},
                {"[Service]\nSlice=a-b-c.slice\n", "/a.slice/a-b.slice/a-b-c.slice/etcd.service"},
                {"[Service]\nSlice=-.slice\n", "/etcd.service"},
                {"[Unit]\nSlice=machine.slice\n", "/system.slice/etcd.service"},
                {"[Service]\nSlice=\n", "/system.slice/etcd.service"},
                {"[Service]\nSlice=../../x.slice\n", "/system.slice/etcd.service"},
                {"[Service]\nSlice=a--b.slice\n", "/system.slice/etcd.service"},
                {"[Service]\nSlice=a-.slice\n", "/system.slice/etcd.service"},
                {"[Service]\nSlice=-a.slice\n", "/system.slice/etcd.service"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = sc_service_cgroup(test_scope(SC_SCOPE_SYSTEM), cases[i][0], "etcd");
                ck_assert_str_eq(path, cases[i][1]);
        }
}
END_TEST

START_TEST(tmpfiles)
{
        g_autoptr(ScVariables) variables = test_variables(test_map("P", "5%", NULL));
        g_autoptr(GError) error = NULL;
        const char *files[] = {"tmpfiles.template", "d /run/$NAME-$P 0755 - - - -\n", NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        const char *missing[] = {"/var/lib/a b\"%\n", "/srv/c", NULL};
        g_autofree char *rendered = sc_tmpfiles_make(exports, variables, (char *const *)missing, &error);
        ck_assert_str_eq(rendered, "d /run/hello-5%% 0755 - - - -\n");

        const char *nothing[] = {NULL};
        g_autoptr(ScExports) without = test_exports(nothing);
        g_autofree char *made = sc_tmpfiles_make(without, variables, (char *const *)missing, &error);
        g_autofree char *expected = g_strdup_printf("d \"/var/lib/a b\\\"%%%%\\x0a\" 0700 %u %u - -\nd \"/srv/c\" 0700 %u %u - -\n",
                                                    geteuid(), getegid(), geteuid(), getegid());
        ck_assert_str_eq(made, expected);
        g_autofree char *empty = sc_tmpfiles_make(without, variables, NULL, &error);
        ck_assert_str_eq(empty, "");
        ck_assert_no_error(error);
}
END_TEST

START_TEST(tmpfiles_of_a_user)
{
        g_setenv("XDG_RUNTIME_DIR", "/run/user/7", TRUE);
        g_setenv("HOME", "/usr", TRUE);
        ScVariablesInput input = test_variables_input();
        input.scope = test_scope(SC_SCOPE_USER);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScVariables) variables = sc_variables_new(&input, &error);
        const char *files[] = {"tmpfiles.template",
                               "d /a 0700 root 0 - -\n\td  \"/b root\" 0700  root root\nd '/c \\' root' 0 0 1000\n"
                               "f /d\\ x root root wheel - root root\n# root root root root root\nd\n\nL /e - - - - root",
                               NULL};
        g_autoptr(ScExports) exports = test_exports(files);
        g_autofree char *made = sc_tmpfiles_make(exports, variables, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(made, "d /a 0700 - - - -\n\td  \"/b root\" 0700  - -\nd '/c \\' root' 0 - 1000\n"
                               "f /d\\ x root - wheel - root root\n# root root - - root\nd\n\nL /e - - - - root");
}
END_TEST

START_TEST(what_tmpfiles_make)
{
        static const char text[] = "# d /comment 0700\nd    /of/atomic   0700 0 0 - -\nD    /of/first   0700 0 0 - -\nd \"/a b%%\" "
                                   "0700 0 0 - -\nL /link - - - - /x\nd /end";
        static const char *const made[] = {"/of/atomic", "/of/first", "/a b%", "/end"};
        static const char *const others[] = {"/of", "/of/atomic/below", "/comment", "/link", "/en", ""};
        for (guint i = 0; i < G_N_ELEMENTS(made); i++)
                ck_assert_msg(sc_tmpfiles_makes(text, made[i]), "%s", made[i]);
        for (guint i = 0; i < G_N_ELEMENTS(others); i++)
                ck_assert_msg(!sc_tmpfiles_makes(text, others[i]), "%s", others[i]);
        ck_assert(!sc_tmpfiles_makes(NULL, "/of/atomic"));
}
END_TEST

START_TEST(tmpfiles_in_homes)
{
        static const char *const with[][2] = {
                {"d /run/x\nd /home/alice/x 0700", "/home/alice/x"},
                {"d \"/home/a b/x\" 0700", "/home/a b/x"},
                {"d '/home' 0700", "/home"},
                {"f \\x2fhome/x", "/home/x"},
                {"f %h/.x - - - - x", "/root/.x"},
                {"f /%u/.x", "/root/.x"},
                {"f %t/user/1000/x", "/run/user/1000/x"},
                {"r /home/*/x", "/home/*/x"},
                {"r /h*/x", "/h*/x"},
                {"r /{home,srv}/x", "/{home,srv}/x"},
                {"Z / - root root", "/"},
                {"C /etc/x - - - - /root/x", "/root/x"},
        };
        static const char *const without[] = {
                "",
                "# d /home/x",
                "d /run/x 0700 root root - -",
                "d /homely/x",
                "d /run/users/x",
                "d %S/x\nd %%h/x",
                "L /x - - - - /home/x",
                "f /x - - - - text of /home/x",
                "d /var/*/x",
                "r /var/{a,b}/x",
                "Z /etc - root root",
                "d",
                "d \"",
                "d /",
        };
        for (guint i = 0; i < G_N_ELEMENTS(with); i++) {
                g_autofree char *found = sc_tmpfiles_find_home(with[i][0]);
                ck_assert_str_eq(found != NULL ? found : "", with[i][1]);
        }
        for (guint i = 0; i < G_N_ELEMENTS(without); i++) {
                g_autofree char *found = sc_tmpfiles_find_home(without[i]);
                ck_assert_msg(found == NULL, "%s: %s", without[i], found);
        }
        ck_assert_ptr_null(sc_tmpfiles_find_home(NULL));
}
END_TEST

START_TEST(tmpfiles_are_made_and_removed)
{
        char *folder = test_folder_new();
        g_autofree char *file = g_build_filename(folder, "x.conf", NULL);
        g_autofree char *made = g_build_filename(folder, "made here", NULL);
        g_autofree char *lines = g_strdup_printf("d \"%s\" 0700 - - - -\nr \"%s/gone\"\n", made, folder);
        g_autofree char *gone = g_build_filename(folder, "gone", NULL);
        ck_assert(g_file_set_contents(file, lines, -1, NULL));
        ck_assert(g_file_set_contents(gone, "", -1, NULL));
        g_autoptr(GError) error = NULL;
        ck_assert(sc_tmpfiles_create(test_scope(SC_SCOPE_SYSTEM), file, NULL, &error));
        ck_assert_no_error(error);
        ck_assert(g_file_test(made, G_FILE_TEST_IS_DIR));
        ck_assert(sc_tmpfiles_remove(test_scope(SC_SCOPE_SYSTEM), file, NULL, &error));
        ck_assert(!g_file_test(gone, G_FILE_TEST_EXISTS));

        ck_assert(g_file_set_contents(file, "nonsense line\n", -1, NULL));
        ck_assert(!sc_tmpfiles_create(test_scope(SC_SCOPE_SYSTEM), file, NULL, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "x.conf");
        ck_assert_msg(strstr(error->message, "nonsense") != NULL || strstr(error->message, "command type") != NULL, "%s",
                      error->message);
        test_folder_remove(folder);
}
END_TEST

START_TEST(commands)
{
        char *folder = test_folder_new();
        int fd = open(folder, O_RDONLY | O_DIRECTORY);
        g_autoptr(GError) error = NULL;
        const char *const here[] = {"sh", "-c", "pwd > where; head -c 300000 /dev/zero | tr '\\0' x >&2", NULL};
        ck_assert(sc_command_run(here, fd, NULL, &error));
        ck_assert_no_error(error);
        ck_assert_int_eq(faccessat(fd, "where", F_OK, 0), 0);

        const char *const fails[] = {"sh", "-c", "echo why >&2; head -c 100000 /dev/zero | tr '\\0' x >&2; exit 3", NULL};
        ck_assert(!sc_command_run(fails, -1, NULL, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "sh ended with status 3: why\nxxx");
        ck_assert_uint_lt(strlen(error->message), 5000);
        g_clear_error(&error);

        const char *const killed[] = {"sh", "-c", "kill -9 $$", NULL};
        ck_assert(!sc_command_run(killed, -1, NULL, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "sh was ended by signal 9");
        g_clear_error(&error);

        const char *const missing[] = {"/no/such/program", NULL};
        ck_assert(!sc_command_run(missing, -1, NULL, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "Cannot start /no/such/program");
        g_clear_error(&error);
        close(fd);
        test_folder_remove(folder);
}
END_TEST

static gpointer cancel_when_started(gpointer data)
{
        gpointer *arguments = data;
        /* the command makes the file when it runs */
        while (!g_file_test(arguments[1], G_FILE_TEST_EXISTS))
                g_thread_yield();
        g_cancellable_cancel(arguments[0]);
        return NULL;
}

START_TEST(a_cancelled_command_ends)
{
        char *folder = test_folder_new();
        g_autofree char *started = g_build_filename(folder, "started", NULL);
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        gpointer arguments[] = {cancellable, started};
        g_autofree char *script = g_strdup_printf("touch '%s'; exec sleep 1000", started);
        const char *const argv[] = {"sh", "-c", script, NULL};
        GThread *thread = g_thread_new("cancel", cancel_when_started, arguments);
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_command_run(argv, -1, cancellable, &error));
        ck_assert_error(error, SC_ERROR_CANCELLED, "sh was ended");
        g_thread_join(thread);
        test_folder_remove(folder);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("service");
        TCase *tcase = tcase_create("service");
        tcase_set_timeout(tcase, 30);
        tcase_add_test(tcase, the_unit_of_an_image_without_one);
        tcase_add_test(tcase, the_unit_of_a_user);
        tcase_add_test(tcase, the_unit_of_an_image);
        tcase_add_test(tcase, delegation_is_added_where_it_is_missing);
        tcase_add_test(tcase, detached_if_both_are_named);
        tcase_add_test(tcase, what_needs_a_runtime);
        tcase_add_test(tcase, enableable);
        tcase_add_test(tcase, control_groups);
        tcase_add_test(tcase, tmpfiles);
        tcase_add_test(tcase, tmpfiles_of_a_user);
        tcase_add_test(tcase, what_tmpfiles_make);
        tcase_add_test(tcase, tmpfiles_in_homes);
        tcase_add_test(tcase, tmpfiles_are_made_and_removed);
        tcase_add_test(tcase, commands);
        tcase_add_test(tcase, a_cancelled_command_ends);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
