/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff.h"
#include "plan.h"
#include "test.h"

#define ck_assert_diff(old, new, expected)                  \
        do {                                                \
                g_autofree char *diff_ = sc_diff(old, new); \
                ck_assert_str_eq(diff_, expected);          \
        } while (0)

START_TEST(lines_come_and_go)
{
        ck_assert_diff("a\nb\n", "a\nb\n", "");
        ck_assert_diff(NULL, NULL, "");
        ck_assert_diff(NULL, "a\n\nb\n", "+a\n+\n+b\n");
        ck_assert_diff("a\nb", NULL, "-a\n-b\n");
        ck_assert_diff("a\nb\nc\n", "a\nc\nd\n", " a\n-b\n c\n+d\n");
        ck_assert_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
                       "...\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n...\n");
}
END_TEST

START_TEST(long_texts_are_not_compared)
{
        g_autoptr(GString) text = g_string_new(NULL);
        for (guint i = 0; i < 2001; i++)
                g_string_append(text, "x\n");
        g_autofree char *diff = sc_diff(text->str, "x\n");
        ck_assert_uint_eq(strlen(diff), 2001 * 3 + 3);
}
END_TEST

static char *format(const char *text)
{
        g_autoptr(JsonParser) parser = json_parser_new();
        ck_assert(json_parser_load_from_data(parser, text, -1, NULL));
        return sc_plan_format(json_node_get_object(json_parser_get_root(parser)));
}

START_TEST(a_plan_reads_well)
{
        g_autofree char *text = format(
                "{\"operation\": \"update\", \"container\": \"hello\", \"changed\": true, \"conflicts\": [], \"notes\": "
                "[\"a\\u001b[1mb\"],"
                "\"replaces\": \"0123456789abcdef\","
                "\"image\": {\"name\": \"localhost/hello:2\", \"id\": \"fedcba9876543210\", \"digest\": \"sha256:1\", "
                "\"bytes_to_fetch\": 2000},"
                "\"layers\": [{\"here\": true}, {\"here\": false}], \"disk\": {\"needed\": 2000, \"exact\": false, \"free\": "
                "1000000},"
                "\"service\": {\"unit\": \"hello.service\", \"stops\": true, \"starts\": true},"
                "\"files\": [{\"path\": \"/etc/a\", \"action\": \"made\"}, {\"path\": \"/etc/b\", \"action\": \"unchanged\"},"
                "{\"path\": \"/etc/c\", \"action\": \"left alone\", \"why\": \"it is there\"}],"
                "\"unit\": {\"path\": \"/etc/u\", \"action\": \"replaced\", \"old\": \"x\\ny\\n\", \"new\": \"x\\nz\\n\"},"
                "\"values\": [{\"name\": \"PORT\", \"changed\": true, \"old\": \"1\", \"new\": \"2\", \"old_from\": \"default\", "
                "\"new_from\": \"set\"},"
                "{\"name\": \"SAME\", \"changed\": false, \"old_from\": \"set\", \"new_from\": \"set\"},"
                "{\"name\": \"NAME\", \"changed\": true, \"old_from\": \"system\", \"new_from\": \"system\"},"
                "{\"name\": \"HIDDEN\", \"changed\": true, \"old_from\": \"set\", \"new_from\": \"default\"}],"
                "\"privileged_files\": [{\"path\": \"/bin/su\", \"mode\": \"4755\", \"uid\": 0, \"gid\": 0}],"
                "\"unknown\": [\"privileged_files\", \"unit\"],"
                "\"not_listed\": {\"files\": 7}}");
        ck_assert_str_eq(text, "update hello: this would be done\n"
                               "Image: localhost/hello:2\n"
                               "  id fedcba987654, now 0123456789ab\n"
                               "  digest sha256:1\n"
                               "  to fetch: 2.0 kB, 1 of 2 layers\n"
                               "Disk: more than 2.0 kB needed, 1.0 MB free\n"
                               "Service: hello.service, which is stopped and started again\n"
                               "Files on the host:\n"
                               "  made        /etc/a\n"
                               "  left alone  /etc/c (it is there)\n"
                               "  unchanged   1\n"
                               "  ... and 7 more\n"
                               "/etc/u, replaced\n"
                               "   x\n"
                               "  -y\n"
                               "  +z\n"
                               "Values that change:\n"
                               "  PORT=2, now 1 (set)\n"
                               "  HIDDEN (default)\n"
                               "Programs in the image that get rights from their files:\n"
                               "  4755 0:0 /bin/su\n"
                               "Not known before the layers are here:\n"
                               "  programs that get rights from their files\n"
                               "  unit\n"
                               "Notes:\n"
                               "  a\\x1b[1mb\n");
}
END_TEST

/* The daemon is not hostile, but another version of it may say more, or less, or something else. */
START_TEST(an_odd_plan_is_no_trouble)
{
        g_autofree char *empty = format("{}");
        ck_assert_str_eq(empty, ": nothing would be done\n");
        g_autofree char *odd = format(
                "{\"operation\": 1, \"image\": [], \"files\": [1, null], \"values\": {}, \"conflicts\": [{}, 2],"
                "\"unit\": {\"action\": \"made\"}, \"more\": true}");
        ck_assert(g_str_has_prefix(odd, ": it would be refused\n"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("client plan");
        TCase *cases = tcase_create("plan");
        tcase_add_test(cases, lines_come_and_go);
        tcase_add_test(cases, long_texts_are_not_compared);
        tcase_add_test(cases, a_plan_reads_well);
        tcase_add_test(cases, an_odd_plan_is_no_trouble);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
