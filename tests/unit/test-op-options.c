/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of an operation: file descriptors. */

#include "test.h"
#include "base/path.h"
#include "op/options.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static JsonObject *options;
static int fds[1], master;
static ScOpContext context;

static void setup(void)
{
        options = json_object_new();
        fds[0] = master = -1;
        context = (ScOpContext){.options = options, .fds = fds, .n_fds = 1};
}

static void teardown(void)
{
        json_object_unref(options);
        sc_close(&fds[0]);
        sc_close(&master);
}

static void refer(const char *key, gint64 index)
{
        JsonObject *reference = json_object_new();
        json_object_set_int_member(reference, "fd", index);
        json_object_set_object_member(options, key, reference);
}

/* ---- kinds of files ---- */

static int a_pipe(void)
{
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        close(ends[1]);
        return ends[0];
}

static int a_socket(void)
{
        return socket(AF_UNIX, SOCK_STREAM, 0);
}

static int a_terminal(void)
{
        master = posix_openpt(O_RDWR | O_NOCTTY);
        ck_assert_int_eq(grantpt(master), 0);
        ck_assert_int_eq(unlockpt(master), 0);
        return open(ptsname(master), O_RDWR | O_NOCTTY);
}

static int a_file(void)
{
        return open("/proc/self/exe", O_RDONLY);
}

static int a_folder(void)
{
        return open("/", O_RDONLY | O_DIRECTORY);
}

static int a_device(void)
{
        return open("/dev/null", O_RDWR);
}

static int a_path(void)
{
        return open("/proc/self/exe", O_PATH);
}

static int (*const allowed[])(void) = {a_pipe, a_socket, a_terminal, a_file};
static int (*const forbidden[])(void) = {a_folder, a_device, a_path};

START_TEST(streams_are_taken)
{
        fds[0] = allowed[_i]();
        ck_assert_int_ge(fds[0], 0);
        refer("stdin", 0);
        int before = fds[0], fd;
        g_autoptr(GError) error = NULL;
        ck_assert(sc_option_fd(&context, "stdin", &fd, &error));
        ck_assert_no_error(error);
        ck_assert_int_eq(fd, before);
        ck_assert_int_eq(fds[0], -1);
        close(fd);
}
END_TEST

START_TEST(other_files_are_refused)
{
        fds[0] = forbidden[_i]();
        ck_assert_int_ge(fds[0], 0);
        refer("stdin", 0);
        int fd;
        g_autoptr(GError) error = NULL;
        ck_assert(!sc_option_fd(&context, "stdin", &fd, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "stdin must be a pipe");
}
END_TEST

START_TEST(absent_is_none)
{
        int fd = 7;
        ck_assert(sc_option_fd(&context, "stdin", &fd, NULL));
        ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(what_did_not_come_is_refused)
{
        int fd;
        g_autoptr(GError) error = NULL;
        refer("stdin", 1);
        ck_assert(!sc_option_fd(&context, "stdin", &fd, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "did not come");
}
END_TEST

START_TEST(twice_the_same_is_refused)
{
        fds[0] = a_pipe();
        refer("stdin", 0);
        refer("stdout", 0);
        int fd, again;
        g_autoptr(GError) error = NULL;
        ck_assert(sc_option_fd(&context, "stdin", &fd, NULL));
        ck_assert(!sc_option_fd(&context, "stdout", &again, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "did not come");
        close(fd);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("op-options");
        TCase *cases = tcase_create("descriptors");
        tcase_add_checked_fixture(cases, setup, teardown);
        tcase_add_loop_test(cases, streams_are_taken, 0, G_N_ELEMENTS(allowed));
        tcase_add_loop_test(cases, other_files_are_refused, 0, G_N_ELEMENTS(forbidden));
        tcase_add_test(cases, absent_is_none);
        tcase_add_test(cases, what_did_not_come_is_refused);
        tcase_add_test(cases, twice_the_same_is_refused);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
