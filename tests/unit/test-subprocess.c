/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a program says is waited for, in a thread that can be cancelled. */

#include "base/subprocess.h"
#include "test.h"

static GSubprocess *start(const char *script)
{
        g_autoptr(GError) error = NULL;
        GSubprocess *process = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, "/bin/sh",
                                                "-c", script, NULL);
        ck_assert_no_error(error);
        return process;
}

START_TEST(what_it_says)
{
        g_autoptr(GSubprocess) process = start("echo said; echo complained >&2; exit 3");
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *output = NULL, *complaint = NULL;
        ck_assert(sc_subprocess_communicate(process, _i == 0 ? NULL : cancellable, &output, &complaint, &error));
        ck_assert_no_error(error);
        ck_assert_str_eq(output, "said\n");
        ck_assert_str_eq(complaint, "complained\n");
        ck_assert_int_eq(g_subprocess_get_exit_status(process), 3);
}
END_TEST

START_TEST(what_is_no_text)
{
        g_autoptr(GSubprocess) process = start("printf '\\377'");
        g_autoptr(GError) error = NULL;
        char *output = NULL, *complaint = NULL;
        ck_assert(!sc_subprocess_communicate(process, NULL, &output, &complaint, &error));
        ck_assert_ptr_nonnull(error);
        ck_assert_ptr_null(output);
        ck_assert_ptr_null(complaint);
}
END_TEST

static gpointer cancel_soon(gpointer cancellable)
{
        g_usleep(20000);
        g_cancellable_cancel(cancellable);
        return NULL;
}

/* Before, or while it runs. */
START_TEST(cancelled)
{
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        if (_i == 0)
                g_cancellable_cancel(cancellable);
        g_autoptr(GSubprocess) process = start("printf '\\303'; exec sleep 1000");
        GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
        g_autoptr(GError) error = NULL;
        char *output = NULL, *complaint = NULL;
        ck_assert(!sc_subprocess_communicate(process, cancellable, &output, &complaint, &error));
        ck_assert_error(error, SC_ERROR_CANCELLED, "cancelled");
        ck_assert(g_subprocess_get_if_signaled(process));
        ck_assert_ptr_null(output);
        ck_assert_ptr_null(complaint);
        g_thread_join(thread);
}
END_TEST

/* With GLib's own way one of some two thousand aborted, or waited without an end. Sanitizers make processes expensive. */
#ifdef SC_SANITIZERS
enum { TIMES = 400 };
#else
enum { TIMES = 2000 };
#endif
static gpointer ask_often(gpointer data G_GNUC_UNUSED)
{
        for (unsigned i = 0; i < TIMES; i++) {
                g_autoptr(GSubprocess) process = start(":");
                g_autoptr(GCancellable) cancellable = g_cancellable_new();
                g_autofree char *output = NULL, *complaint = NULL;
                ck_assert(sc_subprocess_communicate(process, cancellable, &output, &complaint, NULL));
        }
        return NULL;
}

START_TEST(again_and_again)
{
        GThread *threads[3];
        for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
                threads[i] = g_thread_new("ask", ask_often, NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
                g_thread_join(threads[i]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("subprocess");
        TCase *tests = tcase_create("subprocess");
        tcase_set_timeout(tests, 300);
        tcase_add_loop_test(tests, what_it_says, 0, 2);
        tcase_add_test(tests, what_is_no_text);
        tcase_add_loop_test(tests, cancelled, 0, 2);
        tcase_add_test(tests, again_and_again);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
