/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysconsd-exec with a runtime that writes down how it was called. What it does with control groups is for the tests on a real
 * systemd; here it may or may not be able to. */

#include "test.h"
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>

#define PROGRAM "./sysconsd-exec"

typedef struct {
        char *folder, *runtime, *calls;
} Fixture;

static Fixture setup_runtime(void)
{
        Fixture fixture = {.folder = test_folder_new()};
        fixture.runtime = g_build_filename(fixture.folder, "a runtime", NULL);
        fixture.calls = g_build_filename(fixture.folder, "calls", NULL);
        /* "delete" fails, as it does where there is nothing to delete */
        g_autofree char *script = g_strdup_printf(
                "#!/bin/sh\nprintf '<%%s>' \"$@\" >>'%s'\necho >>'%s'\necho noise\n"
                "[ \"$1\" = delete ] && exit 1\n[ \"$2\" = here ] && exit 0\n"
                "[ \"$2\" = over ] && echo '{\"id\": \"over\", \"status\": \"stopped\"}' && exit 0\nexit 42\n",
                fixture.calls, fixture.calls);
        ck_assert(g_file_set_contents(fixture.runtime, script, -1, NULL));
        ck_assert_int_eq(g_chmod(fixture.runtime, 0755), 0);
        return fixture;
}

static void teardown_runtime(Fixture *fixture)
{
        test_folder_remove(fixture->folder);
        g_free(fixture->runtime);
        g_free(fixture->calls);
}

static int run(const char *const *argv, char **ret_out)
{
        g_autoptr(GError) error = NULL;
        int status;
        ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, ret_out, NULL, &status, &error));
        ck_assert_no_error(error);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

START_TEST(a_stale_container_goes_first)
{
        Fixture fixture = setup_runtime();
        const char *const argv[] = {PROGRAM, fixture.runtime, "run", "-d", "--pid-file", "/run/x y", "etcd", NULL};
        g_autofree char *out = NULL;
        ck_assert_int_eq(run(argv, &out), 42);
        /* only what the runtime itself says is heard */
        ck_assert_str_eq(out, "noise\n");
        g_autofree char *calls = NULL;
        ck_assert(g_file_get_contents(fixture.calls, &calls, NULL, NULL));
        ck_assert_str_eq(calls, "<delete><etcd>\n<run><-d><--pid-file></run/x y><etcd>\n");
        teardown_runtime(&fixture);
}
END_TEST

START_TEST(nothing_goes_before_other_commands)
{
        Fixture fixture = setup_runtime();
        g_autofree char *out = NULL;
        const char *const state[] = {PROGRAM, fixture.runtime, "state", "etcd", NULL};
        ck_assert_int_eq(run(state, &out), 42);
        g_autofree char *calls = NULL;
        ck_assert(g_file_get_contents(fixture.calls, &calls, NULL, NULL));
        ck_assert_str_eq(calls, "<state><etcd>\n");
        teardown_runtime(&fixture);
}
END_TEST

START_TEST(what_joins_a_container_is_executed_as_it_is)
{
        Fixture fixture = setup_runtime();
        g_autofree char *out = NULL;
        const char *const exec[] = {PROGRAM, fixture.runtime, "exec", "etcd", "run", "-x", NULL};
        ck_assert_int_eq(run(exec, &out), 42);
        g_autofree char *calls = NULL;
        ck_assert(g_file_get_contents(fixture.calls, &calls, NULL, NULL));
        ck_assert_str_eq(calls, "<exec><etcd><run><-x>\n");
        teardown_runtime(&fixture);
}
END_TEST

START_TEST(nothing_is_stopped_where_nothing_is)
{
        Fixture fixture = setup_runtime();
        g_autofree char *out = NULL;
        const char *const kill[] = {PROGRAM, fixture.runtime, "kill", "--all", "etcd", "TERM", NULL};
        ck_assert_int_eq(run(kill, &out), 0);
        ck_assert_str_eq(out, "");
        const char *const here[] = {PROGRAM, fixture.runtime, "kill", "here", "INT", NULL};
        g_autofree char *heard = NULL;
        ck_assert_int_eq(run(here, &heard), 0);
        ck_assert_str_eq(heard, "noise\n");
        const char *const over[] = {PROGRAM, fixture.runtime, "kill", "over", NULL};
        ck_assert_int_eq(run(over, NULL), 0);
        g_autofree char *calls = NULL;
        ck_assert(g_file_get_contents(fixture.calls, &calls, NULL, NULL));
        ck_assert_str_eq(calls, "<state><etcd>\n<state><here>\n<kill><here><INT>\n<state><over>\n");
        teardown_runtime(&fixture);
}
END_TEST

START_TEST(what_is_no_terminal_is_refused)
{
        Fixture fixture = setup_runtime();
        const char *const argv[] = {PROGRAM, "--terminal", fixture.runtime, "exec", "etcd", "sh", NULL};
        g_autofree char *out = NULL;
        ck_assert_int_eq(run(argv, &out), EX_NOPERM);
        ck_assert(!g_file_test(fixture.calls, G_FILE_TEST_EXISTS));
        teardown_runtime(&fixture);
}
END_TEST

static GPid sleeper(void)
{
        const char *const argv[] = {"sleep", "100", NULL};
        GPid pid;
        ck_assert(
                g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL));
        return pid;
}

static int end(const char *pid_file)
{
        const char *const argv[] = {PROGRAM, "--end", pid_file, NULL};
        return run(argv, NULL);
}

START_TEST(a_process_that_was_left_is_ended)
{
        Fixture fixture = setup_runtime();
        g_autofree char *pid_file = g_build_filename(fixture.folder, "pid", NULL);
        ck_assert_int_eq(end(pid_file), 0);
        GPid pid = sleeper();
        g_autofree char *text = g_strdup_printf("%d", pid);
        ck_assert(g_file_set_contents(pid_file, text, -1, NULL));
        ck_assert_int_eq(end(pid_file), 0);
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        teardown_runtime(&fixture);
}
END_TEST

START_TEST(another_process_of_that_number_is_left_alone)
{
        Fixture fixture = setup_runtime();
        GPid pid = sleeper();
        g_autofree char *pid_file = g_build_filename(fixture.folder, "pid", NULL);
        g_autofree char *text = g_strdup_printf("%d\n", pid);
        ck_assert(g_file_set_contents(pid_file, text, -1, NULL));
        /* written before that process was there */
        struct timespec times[] = {{.tv_sec = time(NULL) - 60}, {.tv_sec = time(NULL) - 60}};
        ck_assert_int_eq(utimensat(AT_FDCWD, pid_file, times, 0), 0);
        ck_assert_int_eq(end(pid_file), 0);
        ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        teardown_runtime(&fixture);
}
END_TEST

START_TEST(bad_calls)
{
        const char *const nothing[] = {PROGRAM, NULL};
        ck_assert_int_eq(run(nothing, NULL), EX_USAGE);
        const char *const relative[] = {PROGRAM, "runc", "run", "x", NULL};
        ck_assert_int_eq(run(relative, NULL), EX_USAGE);
        const char *const missing[] = {PROGRAM, "/no/such/runtime", "run", "x", NULL};
        ck_assert_int_eq(run(missing, NULL), 127);
        const char *const folder[] = {PROGRAM, "/etc", "run", "x", NULL};
        ck_assert_int_eq(run(folder, NULL), 126);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("exec");
        TCase *tcase = tcase_create("exec");
        tcase_add_test(tcase, a_stale_container_goes_first);
        tcase_add_test(tcase, nothing_goes_before_other_commands);
        tcase_add_test(tcase, what_joins_a_container_is_executed_as_it_is);
        tcase_add_test(tcase, nothing_is_stopped_where_nothing_is);
        tcase_add_test(tcase, what_is_no_terminal_is_refused);
        tcase_add_test(tcase, a_process_that_was_left_is_ended);
        tcase_add_test(tcase, another_process_of_that_number_is_left_alone);
        tcase_add_test(tcase, bad_calls);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
