/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the client shows: cleaning, widths, numbers, times, tables. */

#include "table.h"
#include "test.h"
#include "text.h"
#include <locale.h>

static void check(char *got, const char *wanted)
{
        ck_assert_pstr_eq(got, wanted);
        g_free(got);
}

START_TEST(clean_disarms)
{
        check(sc_text_clean("plain, Grüße, 日本"), "plain, Grüße, 日本");
        check(sc_text_clean("a\033[31mred\007"), "a\\x1b[31mred\\x07");
        check(sc_text_clean("two\nlines\tand\rmore"), "two\\nlines\\tand\\x0dmore");
        check(sc_text_clean("\x7f"), "\\x7f");
        /* The single-character form of ESC [, an override of the writing direction, a line separator. */
        check(sc_text_clean("\xc2\x9b"
                            "31m"),
              "\\u{9b}31m");
        check(sc_text_clean("exe.\u202egpj"), "exe.\\u{202e}gpj");
        check(sc_text_clean("a\u2028b"), "a\\u{2028}b");
        check(sc_text_clean("bad \xff\xc3"), "bad \\xff\\xc3");
}
END_TEST

START_TEST(width_counts_columns)
{
        ck_assert_uint_eq(sc_text_width(""), 0);
        ck_assert_uint_eq(sc_text_width("Grüße"), 5);
        ck_assert_uint_eq(sc_text_width("日本"), 4);
        ck_assert_uint_eq(sc_text_width("e\u0301"), 1);
}
END_TEST

START_TEST(cut_keeps_to_columns)
{
        check(sc_text_cut("hello", 5), "hello");
        check(sc_text_cut("hello!", 5), "hell…");
        /* A wide character does not fit by half. */
        check(sc_text_cut("日本語", 4), "日…");
        check(sc_text_cut("日本語", 1), "…");
        check(sc_text_cut("hello", 0), "");
}
END_TEST

START_TEST(sizes)
{
        check(sc_format_size(0), "0 B");
        check(sc_format_size(999), "999 B");
        check(sc_format_size(1000), "1.0 kB");
        check(sc_format_size(999949), "999.9 kB");
        check(sc_format_size(999950), "1.0 MB");
        check(sc_format_size(39700000), "39.7 MB");
        check(sc_format_size(G_MAXUINT64), "18.4 EB");
        check(sc_format_size_of(12300000, 39700000), "12.3/39.7 MB");
        check(sc_format_size_of(0, 500), "0/500 B");
}
END_TEST

START_TEST(durations)
{
        check(sc_format_duration(0), "0:00");
        check(sc_format_duration(7), "0:07");
        check(sc_format_duration(750), "12:30");
        check(sc_format_duration(3723), "1:02:03");
}
END_TEST

START_TEST(ages)
{
        const gint64 now = 1700000000;
        check(sc_format_age(now, now), "just now");
        check(sc_format_age(now - 1, now), "1 second ago");
        check(sc_format_age(now - 119, now), "1 minute ago");
        check(sc_format_age(now - 7300, now), "2 hours ago");
        check(sc_format_age(now - 6 * 86400, now), "6 days ago");
        check(sc_format_age(now - 13 * 86400, now), "1 week ago");
        check(sc_format_age(now - 100 * 86400, now), "3 months ago");
        check(sc_format_age(now - 800 * 86400, now), "2 years ago");
        check(sc_format_age(now + 5, now), "2023-11-14T22:13:25Z");
        check(sc_format_age(0, now), "-");
        check(sc_format_age(G_MAXINT64, now), "-");
}
END_TEST

START_TEST(times)
{
        check(sc_format_time(1700000000), "2023-11-14T22:13:20Z");
        check(sc_format_time(-1), "1969-12-31T23:59:59Z");
        ck_assert_ptr_null(sc_format_time(0));
        ck_assert_ptr_null(sc_format_time(G_MAXINT64));
        ck_assert_ptr_null(sc_format_time(G_MININT64));
}
END_TEST

static const ScColumn columns[] = {{"NAME", SC_COLUMN_SHRINK}, {"SIZE", SC_COLUMN_RIGHT}, {"COMMAND", SC_COLUMN_SHRINK}};

static ScTable *table_new(void)
{
        ScTable *table = sc_table_new(columns, G_N_ELEMENTS(columns));
        static const char *const cells[] = {"hello", "1 B", "run.sh --with a-long-argument", "日本", "1.0 kB", NULL, "x\033",
                                            "",      ""};
        for (gsize i = 0; i < G_N_ELEMENTS(cells); i++)
                sc_table_add(table, cells[i]);
        return table;
}

START_TEST(table_aligns)
{
        g_autoptr(ScTable) table = table_new();
        check(sc_table_format(table, 0, SC_TABLE_HEADING), "NAME     SIZE  COMMAND\n"
                                                           "hello     1 B  run.sh --with a-long-argument\n"
                                                           "日本   1.0 kB  -\n"
                                                           "x\\x1b\n");
        check(sc_table_format(table, 0, SC_TABLE_NO_HEADING), "hello     1 B  run.sh --with a-long-argument\n"
                                                              "日本   1.0 kB  -\n"
                                                              "x\\x1b\n");
}
END_TEST

START_TEST(table_shrinks_the_widest)
{
        g_autoptr(ScTable) table = table_new();
        check(sc_table_format(table, 30, SC_TABLE_NO_HEADING), "hello     1 B  run.sh --with …\n"
                                                               "日本   1.0 kB  -\n"
                                                               "x\\x1b\n");
        /* Below what can be cut, lines are longer than the terminal rather than empty. */
        check(sc_table_format(table, 1, SC_TABLE_NO_HEADING), "hello     1 B  run.sh …\n"
                                                              "日本   1.0 kB  -\n"
                                                              "x\\x1b\n");
}
END_TEST

START_TEST(empty_table_has_its_heading)
{
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        check(sc_table_format(table, 0, SC_TABLE_HEADING), "NAME  SIZE  COMMAND\n");
        check(sc_table_format(table, 0, SC_TABLE_NO_HEADING), "");
}
END_TEST

/* How text is cut depends on what the terminal can show. */
static void set_locale(void)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

int main(void)
{
        Suite *suite = suite_create("client-text");
        TCase *tcase = tcase_create("all");
        tcase_add_checked_fixture(tcase, set_locale, NULL);
        tcase_add_test(tcase, clean_disarms);
        tcase_add_test(tcase, width_counts_columns);
        tcase_add_test(tcase, cut_keeps_to_columns);
        tcase_add_test(tcase, sizes);
        tcase_add_test(tcase, durations);
        tcase_add_test(tcase, ages);
        tcase_add_test(tcase, times);
        tcase_add_test(tcase, table_aligns);
        tcase_add_test(tcase, table_shrinks_the_widest);
        tcase_add_test(tcase, empty_table_has_its_heading);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
