/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every unit test program shares: an error that must or must not be there, a scratch folder, and main(). */

#include "base/error.h"
#include <check.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#define ck_assert_no_error(error) ck_assert_msg((error) == NULL, "unexpected error: %s", (error) != NULL ? (error)->message : "")

/* The call failed with this code of ours, and its message contains `part`. */
static __attribute__((noinline, unused)) void ck_assert_error(const GError *error, ScError code, const char *part)
{
        ck_assert_msg(error != NULL, "no error where one was expected");
        ck_assert_msg(error->domain == SC_ERROR && error->code == (int)code, "error is %s %d: %s", g_quark_to_string(error->domain),
                      error->code, error->message);
        ck_assert_msg(strstr(error->message, part) != NULL, "message lacks '%s': %s", part, error->message);
}

/* A folder that test_folder_remove() takes away with all in it. */
static inline char *test_folder_new(void)
{
        g_autofree char *template = g_build_filename(g_getenv("TMPDIR") != NULL ? g_getenv("TMPDIR") : "/var/tmp",
                                                     "sysconsd-test-XXXXXX", NULL);
        char *path = g_mkdtemp(g_steal_pointer(&template));
        ck_assert_ptr_nonnull(path);
        return path;
}

static inline void test_folder_remove(char *path)
{
        const char *argv[] = {"rm", "-rf", "--", path, NULL};
        ck_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
        g_free(path);
}

/* SYSCONSD_TEST=FUNCTION runs that test alone, FUNCTION/ROW only that row of its table, where it asks test_wants_row(). */
static inline void test_add(TCase *tests, const TTest *test, int start, int end)
{
        const char *wanted = g_getenv("SYSCONSD_TEST");
        gsize size = strlen(test->name);
        if (wanted == NULL || (strncmp(wanted, test->name, size) == 0 && (wanted[size] == '\0' || wanted[size] == '/')))
                tcase_add_loop_test_raise_signal(tests, test, 0, start, end);
}
#undef tcase_add_test
#undef tcase_add_loop_test
#define tcase_add_test(tests, test) test_add(tests, test, 0, 1)
#define tcase_add_loop_test(tests, test, start, end) test_add(tests, test, start, end)

static inline bool test_wants_row(const char *row)
{
        const char *wanted = g_getenv("SYSCONSD_TEST"), *slash = wanted != NULL ? strchr(wanted, '/') : NULL;
        return slash == NULL || strcmp(slash + 1, row) == 0;
}

/* Runs a suite; returns the exit status for main(). */
static inline int test_run(Suite *suite)
{
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
