/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-unit.h"
#include "unit/template.h"
#include <string.h>

static char *expand(const char *text, ScTemplateEscape escape, GError **error)
{
        g_autoptr(ScVariables)
                variables = test_variables(test_map("A", "1", "A_2", "two", "PERCENT", "50%", "JSON", "{\"a\": [$]}", NULL));
        return sc_template_expand("x.template", text, variables, escape, error);
}

START_TEST(names_are_replaced)
{
        static const struct {
                const char *text, *raw, *unit;
        } cases[] = {
                {"", "", ""},
                {"plain % text\n", "plain % text\n", "plain % text\n"},
                {"$A", "1", "1"},
                {"${A}2", "12", "12"},
                {"$A_2-$A", "two-1", "two-1"},
                {"$A.$A", "1.1", "1.1"},
                {"$A$A", "11", "11"},
                {"$$A $$$A $$", "$A $1 $", "$A $1 $"},
                {"p=$PERCENT%", "p=50%%", "p=50%%%"},
                /* what a value says is not read again */
                {"$JSON", "{\"a\": [$]}", "{\"a\": [$]}"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *raw = expand(cases[i].text, SC_TEMPLATE_RAW, &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(raw, cases[i].raw);
                g_autofree char *unit = expand(cases[i].text, SC_TEMPLATE_UNIT, &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(unit, cases[i].unit);
        }
}
END_TEST

START_TEST(a_name_without_a_value_is_an_error)
{
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(expand("$A $a", SC_TEMPLATE_RAW, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT,
                        "The template file 'x.template' still contains an unreplaced value for: ''a''");
}
END_TEST

START_TEST(other_dollar_signs_are_errors)
{
        static const char *const texts[] = {"$", "a $", "$1", "$-", "$ A", "${A", "${}", "${1}", "${A B}", "${ A}", "$\xc3\xa4"};
        for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *text = g_strconcat("$A\n\n", texts[i], NULL);
                ck_assert_ptr_null(expand(text, SC_TEMPLATE_RAW, &error));
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "'x.template' has a dollar sign in line 3");
        }
}
END_TEST

START_TEST(a_value_does_not_join_two_lines)
{
        static const struct {
                const char *value, *text;
                bool joins;
        } cases[] = {
                {"x\\", "A=$V\nB=1\n", true}, {"x\\\\", "A=${V}\nB=1", true}, {"\\", "A=$V", true},      {"x\\", "A=$V$E\n", true},
                {"x\\", "A='$V'\n", false},   {"\\x", "A=$V\n", false},       {"x", "A=$V\\\nB", false}, {"x\\", "A=$V B\n", false},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(ScVariables) variables = test_variables(test_map("V", cases[i].value, "E", "", NULL));
                g_autoptr(GError) error = NULL;
                g_autofree char *raw G_GNUC_UNUSED = sc_template_expand("x.template", cases[i].text, variables, SC_TEMPLATE_RAW,
                                                                        &error);
                ck_assert_no_error(error);
                g_autofree char *unit = sc_template_expand("x.template", cases[i].text, variables, SC_TEMPLATE_UNIT, &error);
                ck_assert_msg((unit == NULL) == cases[i].joins, "%s", cases[i].text);
                if (unit == NULL)
                        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "would join the next line");
        }
}
END_TEST

START_TEST(expansion_is_bounded)
{
        g_autofree char *large = g_strnfill(1000000, 'x');
        g_autoptr(ScVariables) variables = test_variables(test_map("L", large, NULL));
        GString *text = g_string_new(NULL);
        for (int i = 0; i < 100; i++)
                g_string_append(text, "$L");
        g_autofree char *many = g_string_free(text, FALSE);
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(sc_template_expand("x.template", many, variables, SC_TEMPLATE_RAW, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "grows beyond 16 MiB");
}
END_TEST

START_TEST(names_are_collected)
{
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        sc_template_collect("$A ${B_1} $$C $ ${D $A", names);
        ck_assert_uint_eq(g_hash_table_size(names), 2);
        ck_assert(g_hash_table_contains(names, "A"));
        ck_assert(g_hash_table_contains(names, "B_1"));
        ck_assert(sc_template_uses("x ${PIDFILE}", "PIDFILE"));
        ck_assert(!sc_template_uses("$PIDFILES $PIDFIL $$PIDFILE", "PIDFILE"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("template");
        TCase *tcase = tcase_create("template");
        tcase_add_test(tcase, names_are_replaced);
        tcase_add_test(tcase, a_name_without_a_value_is_an_error);
        tcase_add_test(tcase, other_dollar_signs_are_errors);
        tcase_add_test(tcase, a_value_does_not_join_two_lines);
        tcase_add_test(tcase, expansion_is_bounded);
        tcase_add_test(tcase, names_are_collected);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
