/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-unit.h"
#include "unit/capabilities.h"
#include "unit/template.h"
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static ScVariables *make(const ScVariablesInput *input)
{
        g_autoptr(GError) error = NULL;
        ScVariables *variables = sc_variables_new(input, &error);
        ck_assert_no_error(error);
        return variables;
}

static void expect(const ScVariables *variables, const char *name, const char *value)
{
        ck_assert_msg(g_strcmp0(sc_variables_get(variables, name), value) == 0, "%s is '%s', not '%s'", name,
                      sc_variables_get(variables, name), value);
}

START_TEST(the_system_sets_its_names)
{
        ScVariablesInput input = test_variables_input();
        g_autoptr(ScVariables) variables = make(&input);
        expect(variables, "DESTDIR", "/var/lib/containers/atomic/hello.0");
        expect(variables, "NAME", "hello");
        expect(variables, "EXEC_START", "/usr/libexec/sysconsd-exec /usr/bin/runc run 'hello'");
        expect(variables, "EXEC_STOP", "/usr/libexec/sysconsd-exec /usr/bin/runc kill 'hello'");
        expect(variables, "EXEC_STARTPRE", "");
        expect(variables, "EXEC_STOPPOST", "");
        expect(variables, "IMAGE_ID", "00ff");
        expect(variables, "IMAGE_NAME", "localhost:5000/hello:latest");
        expect(variables, "RUNTIME", "/usr/bin/runc");
        expect(variables, "ATOMIC", "/usr/bin/sysconsctl");
        expect(variables, "UUID", "f0e1");
        g_autofree char *uid = g_strdup_printf("%u", geteuid());
        expect(variables, "HOST_UID", uid);
        expect(variables, "NOTHING", NULL);
}
END_TEST

/* Each test has a process of its own: it can become somebody else. */
static void become(uid_t uid)
{
        if (geteuid() == 0)
                ck_assert_int_eq(setresuid(uid, uid, uid), 0);
}

START_TEST(places_of_the_system)
{
        ScVariablesInput input = test_variables_input();
        g_autoptr(ScVariables) variables = make(&input);
        expect(variables, "RUN_DIRECTORY", "/run");
        expect(variables, "STATE_DIRECTORY", "/var/lib");
        expect(variables, "CONF_DIRECTORY", "/etc");
        expect(variables, "PIDFILE", "/run/container-hello.pid");
}
END_TEST

START_TEST(places_of_a_user)
{
        become(65534);
        g_setenv("XDG_RUNTIME_DIR", "/run/user/65534", TRUE);
        g_setenv("HOME", "/usr", TRUE);
        ScVariablesInput input = test_variables_input();
        input.scope = test_scope(SC_SCOPE_USER);
        g_autoptr(ScVariables) variables = make(&input);
        expect(variables, "RUN_DIRECTORY", "/run/user/65534");
        expect(variables, "STATE_DIRECTORY", "/usr/.data");
        expect(variables, "CONF_DIRECTORY", "/usr/.config");
        expect(variables, "PIDFILE", "/run/user/65534/container-hello.pid");
}
END_TEST

START_TEST(detached_commands)
{
        ScVariablesInput input = test_variables_input();
        input.detached = true;
        input.set = test_map("PIDFILE", "/run/a b$c'.pid", NULL);
        g_autoptr(ScVariables) variables = make(&input);
        expect(variables, "EXEC_START", "/usr/libexec/sysconsd-exec /usr/bin/runc run -d --pid-file '/run/a b$$c\\'.pid' 'hello'");
        expect(variables, "EXEC_STOPPOST", "/usr/bin/runc delete 'hello'");
        g_hash_table_unref(input.set);
}
END_TEST

START_TEST(order_of_precedence)
{
        ScVariablesInput input = test_variables_input();
        input.set = test_map("RUN_DIRECTORY", "/set", "PORT", "81", NULL);
        input.defaults = test_map("PORT", "80", "RECEIVER", "World", "STATE_DIRECTORY", "/image", "NAME", "image", "UUID", "image",
                                  NULL);
        g_autoptr(ScVariables) variables = make(&input);
        expect(variables, "PORT", "81");
        expect(variables, "RECEIVER", "World");
        expect(variables, "RUN_DIRECTORY", "/set");
        expect(variables, "PIDFILE", "/set/container-hello.pid");
        ck_assert_str_ne(sc_variables_get(variables, "STATE_DIRECTORY"), "/image");
        expect(variables, "NAME", "hello");
        expect(variables, "UUID", "image");
        g_hash_table_insert(input.set, g_strdup("UUID"), g_strdup("set"));
        g_autoptr(ScVariables) with_uuid = make(&input);
        expect(with_uuid, "UUID", "set");

        g_autoptr(GHashTable) all = sc_variables_all(variables);
        ck_assert_str_eq(g_hash_table_lookup(all, "PORT"), "81");
        ck_assert(g_hash_table_contains(all, "DESTDIR"));
        g_hash_table_unref(input.set);
        g_hash_table_unref(input.defaults);
}
END_TEST

START_TEST(what_nothing_asks_for)
{
        ScVariablesInput input = test_variables_input();
        g_autoptr(GHashTable) set = sc_string_map_new(), defaults = sc_string_map_new();
        const char *const names[] = {"USED", "TYPO", "ALSO_A_TYPO", "DOCUMENTED", "RUN_DIRECTORY"};
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                g_hash_table_insert(set, g_strdup(names[i]), g_strdup("/x"));
        g_hash_table_insert(defaults, g_strdup("DOCUMENTED"), g_strdup("default"));
        input.set = set;
        input.defaults = defaults;
        g_autoptr(ScVariables) variables = make(&input);
        g_autoptr(GError) error = NULL;
        g_autofree char *text = sc_template_expand("unit", "$USED ${NAME}", variables, SC_TEMPLATE_UNIT, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(text, "/x hello");
        g_auto(GStrv) unused = sc_variables_unused(variables, set, defaults), none = sc_variables_unused(variables, NULL, defaults);
        g_autofree char *list = g_strjoinv(" ", unused);
        ck_assert_str_eq(list, "ALSO_A_TYPO TYPO");
        ck_assert_uint_eq(g_strv_length(none), 0);
}
END_TEST

START_TEST(a_uuid_is_made_where_there_is_none)
{
        ScVariablesInput input = test_variables_input();
        input.uuid = NULL;
        g_autoptr(ScVariables) one = make(&input);
        g_autoptr(ScVariables) two = make(&input);
        ck_assert(g_uuid_string_is_valid(sc_variables_get(one, "UUID")));
        ck_assert_str_ne(sc_variables_get(one, "UUID"), sc_variables_get(two, "UUID"));
}
END_TEST

START_TEST(a_record_is_taken_as_it_is)
{
        ScVariablesInput input = test_variables_input();
        g_autoptr(GHashTable) recorded = sc_string_map_new();
        g_hash_table_insert(recorded, g_strdup("DESTDIR"), g_strdup("/elsewhere/hello.1"));
        g_hash_table_insert(recorded, g_strdup("RUNTIME"), g_strdup("/usr/bin/crun"));
        g_hash_table_insert(recorded, g_strdup("MOUNTS"), g_strdup(",\n{}"));
        g_autoptr(GError) error = NULL;
        g_autoptr(ScVariables) variables = sc_variables_recorded(&input, recorded, &error);
        ck_assert_no_error(error);
        expect(variables, "DESTDIR", "/elsewhere/hello.1");
        expect(variables, "RUNTIME", "/usr/bin/crun");
        expect(variables, "MOUNTS", ",\n{}");
        expect(variables, "NAME", "hello");
}
END_TEST

START_TEST(bad_values_are_refused)
{
        g_autofree char *large = g_strnfill(64 * 1024 + 1, 'x');
        const struct {
                const char *key, *value, *message;
        } cases[] = {
                {"NAME", "x", "NAME is set by the system"},
                {"EXEC_START", "/bin/evil", "EXEC_START is set by the system"},
                {"", "x", "is no name of a variable"},
                {"1A", "x", "is no name of a variable"},
                {"A-B", "x", "is no name of a variable"},
                {"A\nB", "x", "\"A\\nB\" is no name"},
                {"A", "x\nExecStartPre=/bin/evil", "contains a control character"},
                {"A", "x\r", "contains a control character"},
                {"A", "\xc2\x85", "contains a control character"},
                {"A", "\x7f", "contains a control character"},
                {"A", "\xff", "not valid UTF-8"},
                {"A", large, "longer than 65536 bytes"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert(!sc_variable_check(cases[i].key, cases[i].value, &error));
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, cases[i].message);
                g_clear_error(&error);
                ScVariablesInput input = test_variables_input();
                input.set = test_map(cases[i].key, cases[i].value, NULL);
                ck_assert_ptr_null(sc_variables_new(&input, &error));
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, cases[i].message);
                g_hash_table_unref(input.set);
        }
        g_autoptr(GError) error = NULL;
        ck_assert(sc_variable_check("_a1", "{\"type\": \"bind\"}, \xc3\xa4 100%", &error));
        ck_assert_no_error(error);
}
END_TEST

START_TEST(names_of_the_system)
{
        ck_assert(sc_variable_is_fixed("HOST_GID"));
        ck_assert(!sc_variable_is_fixed("UUID"));
        ck_assert(sc_variable_is_system("UUID"));
        ck_assert(sc_variable_is_system("DESTDIR"));
        ck_assert(!sc_variable_is_system("PORT"));
}
END_TEST

START_TEST(capabilities_are_those_that_can_be_had)
{
        g_autofree char *two = sc_capabilities_list(40, 1u << CAP_CHOWN | 1u << CAP_KILL);
        ck_assert_str_eq(two, "\"CAP_CHOWN\",\n\"CAP_KILL\"");
        g_autofree char *old_kernel = sc_capabilities_list(CAP_DAC_OVERRIDE, G_MAXUINT64);
        ck_assert_str_eq(old_kernel, "\"CAP_CHOWN\",\n\"CAP_DAC_OVERRIDE\"");
        g_autofree char *new_kernel = sc_capabilities_list(63, G_MAXUINT64);
        ck_assert(g_str_has_suffix(new_kernel, ",\n\"CAP_CHECKPOINT_RESTORE\""));
        g_autofree char *none = sc_capabilities_list(40, 0);
        ck_assert_str_eq(none, "");

        /* PID 1 has at least what this process could have, so the host's list holds it */
        g_autoptr(GError) error = NULL;
        g_autofree char *host = sc_capabilities_of_host(&error);
        ck_assert_ptr_nonnull(host);
        ck_assert(strstr(host, "\"CAP_CHOWN\"") != NULL);

        /* a host whose kernel does not show it; PID 1 may have two; the file is not for this user */
        g_autofree char *all = sc_capabilities_read("/nonexistent", "/nonexistent", &error);
        ck_assert(g_str_has_suffix(all, ",\n\"CAP_CHECKPOINT_RESTORE\""));
        char status[] = "/tmp/test-variables-XXXXXX";
        int fd = mkstemp(status);
        ck_assert_int_gt(dprintf(fd, "Name:\tinit\nCapBnd:\t0000000000000021\n"), 0);
        g_autofree char *bounded = sc_capabilities_read("/nonexistent", status, &error);
        ck_assert_str_eq(bounded, "\"CAP_CHOWN\",\n\"CAP_KILL\"");
        ck_assert_int_eq(fchmod(fd, 0), 0);
        bool was_root = geteuid() == 0;
        ck_assert(!was_root || seteuid(65534) == 0);
        g_autofree char *hidden = sc_capabilities_read("/nonexistent", status, &error);
        ck_assert(!was_root || seteuid(0) == 0);
        close(fd);
        unlink(status);
        ck_assert_no_error(error);
        ck_assert_str_eq(hidden, all);

        /* What cannot be told just now is not taken for all of them. */
        struct rlimit usual, closed;
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
        closed = (struct rlimit){.rlim_cur = 0, .rlim_max = usual.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &closed), 0);
        g_autofree char *unknown = sc_capabilities_of_host(&error);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
        ck_assert_ptr_null(unknown);
        ck_assert_error(error, SC_ERROR_FAILED, "Too many open files");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("variables");
        TCase *tcase = tcase_create("variables");
        tcase_add_test(tcase, the_system_sets_its_names);
        tcase_add_test(tcase, places_of_the_system);
        tcase_add_test(tcase, places_of_a_user);
        tcase_add_test(tcase, detached_commands);
        tcase_add_test(tcase, order_of_precedence);
        tcase_add_test(tcase, what_nothing_asks_for);
        tcase_add_test(tcase, a_uuid_is_made_where_there_is_none);
        tcase_add_test(tcase, a_record_is_taken_as_it_is);
        tcase_add_test(tcase, bad_values_are_refused);
        tcase_add_test(tcase, names_of_the_system);
        tcase_add_test(tcase, capabilities_are_those_that_can_be_had);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
