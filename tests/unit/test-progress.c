/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line that shows a job's progress. */

#include "progress.h"
#include "test.h"
#include "text.h"
#include <locale.h>

#define MS G_TIME_SPAN_MILLISECOND

static void check_line(const ScProgress *progress, unsigned width, const char *wanted)
{
        g_autofree char *line = sc_progress_format(progress, width);
        ck_assert_pstr_eq(line, wanted);
}

/* Pulled steadily, 1 MB every 100 ms, until `ms`. */
static ScProgress *pulling(guint ms)
{
        ScProgress *progress = sc_progress_new();
        for (guint t = 0; t <= ms; t += 100)
                sc_progress_update(progress, "Pulling", t * 10000ull, 40000000, t * MS);
        return progress;
}

START_TEST(nothing_before_the_first_phase)
{
        g_autoptr(ScProgress) progress = sc_progress_new();
        check_line(progress, 80, "");
        sc_progress_tick(progress, 5);
        check_line(progress, 80, "");
}
END_TEST

START_TEST(all_parts)
{
        g_autoptr(ScProgress) progress = sc_progress_new();
        sc_progress_message(progress, "Pulling layer 2f1a9c2f1a9c2f1a");
        sc_progress_update(progress, "Pulling", 0, 40000000, 0);
        sc_progress_update(progress, "Pulling", 20000000, 40000000, 2000 * MS);
        check_line(progress, 100,
                   "Pulling  [==============>             ]   50%  20.0/40.0 MB  10.0 MB/s  ETA 0:02  layer 2f1a9c2f1a9c");
}
END_TEST

START_TEST(parts_fall_away)
{
        g_autoptr(ScProgress) progress = pulling(2000);
        check_line(progress, 69, "Pulling  [========>        ]   50%  20.0/40.0 MB  10.0 MB/s  ETA 0:02");
        check_line(progress, 60, "Pulling  [====>   ]   50%  20.0/40.0 MB  10.0 MB/s  ETA 0:02");
        /* The bar goes first, then the parts from the right. */
        check_line(progress, 59, "Pulling   50%  20.0/40.0 MB  10.0 MB/s  ETA 0:02");
        check_line(progress, 40, "Pulling   50%  20.0/40.0 MB  10.0 MB/s");
}
END_TEST

START_TEST(never_wider_than_the_terminal)
{
        g_autoptr(ScProgress) progress = pulling(2000);
        sc_progress_message(progress, "Pulling layer 2f1a9c2f1a9c2f1a");
        for (unsigned width = 0; width < 200; width++) {
                g_autofree char *line = sc_progress_format(progress, width);
                ck_assert_uint_le(sc_text_width(line), width);
        }
        check_line(progress, 13, "Pulling   50%");
        check_line(progress, 12, "Pulling");
        check_line(progress, 5, "Pull…");
}
END_TEST

START_TEST(unknown_total)
{
        g_autoptr(ScProgress) progress = sc_progress_new();
        sc_progress_update(progress, "Waiting for the service", 0, 0, 0);
        check_line(progress, 80, "Waiting for the service");
        sc_progress_update(progress, "Pulling", 1500000, 0, 0);
        check_line(progress, 80, "Pulling  1.5 MB");
}
END_TEST

START_TEST(steps_are_no_bytes)
{
        g_autoptr(ScProgress) progress = sc_progress_new();
        sc_progress_message(progress, "Pulling layer 2f1a9c2f1a9c2f1a");
        sc_progress_update(progress, "Checking out", 0, 5000, 0);
        sc_progress_update(progress, "Checking out", 2500, 5000, 1000 * MS);
        check_line(progress, 60, "Checking out  [=============>             ]   50%  2500/5000");
}
END_TEST

START_TEST(more_than_all_is_all)
{
        g_autoptr(ScProgress) progress = sc_progress_new();
        sc_progress_update(progress, "Linking", G_MAXUINT64, 2, 0);
        g_autofree char *line = sc_progress_format(progress, 100);
        ck_assert_ptr_nonnull(strstr(line, " 100%"));
}
END_TEST

START_TEST(speed_is_recent)
{
        g_autoptr(ScProgress) progress = pulling(3000);
        ck_assert_uint_eq(sc_progress_speed(progress), 10000000);
        /* A stall shows within seconds, though nothing comes. */
        for (guint t = 3000; t <= 10000; t += 500)
                sc_progress_tick(progress, t * MS);
        ck_assert_uint_eq(sc_progress_speed(progress), 0);
        /* And so does the way back. */
        for (guint t = 10000; t <= 18000; t += 100)
                sc_progress_update(progress, "Pulling", 30000000 + (t - 10000) * 1000ull, 40000000, t * MS);
        ck_assert_uint_eq(sc_progress_speed(progress), 1000000);
}
END_TEST

START_TEST(speed_starts_again)
{
        g_autoptr(ScProgress) progress = pulling(2000);
        /* A layer that is fetched again takes back what was counted. */
        sc_progress_update(progress, "Pulling", 1000000, 40000000, 2500 * MS);
        ck_assert_uint_eq(sc_progress_speed(progress), 0);
        sc_progress_update(progress, "Pulling", 3000000, 40000000, 3500 * MS);
        ck_assert_uint_eq(sc_progress_speed(progress), 2000000);
        /* Another phase counts something else. */
        sc_progress_update(progress, "Checking out", 4000000, 40000000, 4000 * MS);
        ck_assert_uint_eq(sc_progress_speed(progress), 0);
}
END_TEST

START_TEST(only_layers_are_layers)
{
        g_autoptr(ScProgress) progress = pulling(100);
        sc_progress_message(progress, "Pulling layer ../../etc");
        sc_progress_message(progress, "Pulling layer 2f1a");
        sc_progress_message(progress, "something else 2f1a9c2f1a9c2f1a");
        g_autofree char *line = sc_progress_format(progress, 200);
        ck_assert_ptr_null(strstr(line, "layer"));
}
END_TEST

START_TEST(hostile_phase_is_cleaned)
{
        g_autoptr(ScProgress) progress = sc_progress_new();
        sc_progress_update(progress, "\033[2J", 0, 0, 0);
        check_line(progress, 80, "\\x1b[2J");
}
END_TEST

/* How text is cut depends on what the terminal can show. */
static void set_locale(void)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

int main(void)
{
        Suite *suite = suite_create("progress");
        TCase *tcase = tcase_create("all");
        tcase_add_checked_fixture(tcase, set_locale, NULL);
        tcase_add_test(tcase, nothing_before_the_first_phase);
        tcase_add_test(tcase, all_parts);
        tcase_add_test(tcase, parts_fall_away);
        tcase_add_test(tcase, never_wider_than_the_terminal);
        tcase_add_test(tcase, unknown_total);
        tcase_add_test(tcase, steps_are_no_bytes);
        tcase_add_test(tcase, more_than_all_is_all);
        tcase_add_test(tcase, speed_is_recent);
        tcase_add_test(tcase, speed_starts_again);
        tcase_add_test(tcase, only_layers_are_layers);
        tcase_add_test(tcase, hostile_phase_is_cleaned);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
