/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's command line: options, values, filters, hosts; and values as JSON. */

#include "options.h"
#include "remote.h"
#include "test.h"
#include "value.h"
#include <sys/socket.h>
#include <unistd.h>

static void check_error(GError *error, ScExit code, const char *part)
{
        ck_assert_ptr_nonnull(error);
        ck_assert_uint_eq(error->domain, SC_EXIT);
        ck_assert_int_eq(error->code, (int)code);
        ck_assert_msg(strstr(error->message, part) != NULL, "message lacks '%s': %s", part, error->message);
        g_error_free(error);
}

typedef struct {
        ScParsed parsed;
        char **arguments;
        char *name;
        gboolean start;
        GError *error;
} Parse;

/* The first word is the verb. */
static Parse parse(ScClient *client, char **words)
{
        Parse result = {.parsed = SC_PARSED_FAILED};
        const GOptionEntry entries[] = {
                {"name", 0, 0, G_OPTION_ARG_FILENAME, &result.name, "", "NAME"},
                {"start", 's', 0, G_OPTION_ARG_NONE, &result.start, "", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {words[0], "IMAGE", "summary", NULL, entries, 1, 2};
        result.parsed = sc_options_parse(client, &syntax, (int)g_strv_length(words), words, &result.arguments, &result.error);
        return result;
}

START_TEST(options_stand_anywhere)
{
        ScClient client = {NULL};
        char *words[] = {(char *)"install", (char *)"image", (char *)"--name=x", (char *)"-sq", (char *)"--json", NULL};
        Parse got = parse(&client, words);
        ck_assert_int_eq(got.parsed, SC_PARSED);
        ck_assert_str_eq(got.arguments[0], "image");
        ck_assert_ptr_null(got.arguments[1]);
        ck_assert_str_eq(got.name, "x");
        ck_assert(got.start && client.quiet && client.json && !client.no_wait);
        g_free(got.name);
}
END_TEST

START_TEST(separator_ends_options)
{
        ScClient client = {NULL};
        char *words[] = {(char *)"install", (char *)"--", (char *)"--json", NULL};
        Parse got = parse(&client, words);
        ck_assert_int_eq(got.parsed, SC_PARSED);
        ck_assert_str_eq(got.arguments[0], "--json");
        ck_assert(!client.json);
}
END_TEST

START_TEST(wrong_usage)
{
        ScClient client = {NULL};
        Parse got = parse(&client, (char *[]){(char *)"install", NULL});
        ck_assert_int_eq(got.parsed, SC_PARSED_FAILED);
        check_error(got.error, SC_EXIT_USAGE, "`install IMAGE`");
        got = parse(&client, (char *[]){(char *)"install", (char *)"a", (char *)"b", (char *)"c", NULL});
        check_error(got.error, SC_EXIT_USAGE, "too many");
        got = parse(&client, (char *[]){(char *)"install", (char *)"--nonsense", (char *)"b", NULL});
        check_error(got.error, SC_EXIT_USAGE, "--nonsense");
}
END_TEST

START_TEST(global_options_stop_at_the_verb)
{
        ScClient client = {NULL};
        char *words[] = {(char *)"sysconsctl", (char *)"-H", (char *)"me@host", (char *)"--no-wait", (char *)"pull",
                         (char *)"--json",     NULL};
        char **argv = words;
        int argc = 6;
        GError *error = NULL;
        ck_assert(sc_options_parse_global(&client, &argc, &argv, &error));
        ck_assert_int_eq(argc, 2);
        ck_assert_str_eq(argv[0], "pull");
        ck_assert_str_eq(argv[1], "--json");
        ck_assert_str_eq(client.host, "me@host");
        ck_assert(client.no_wait && !client.json);
        g_free(client.host);
}
END_TEST

START_TEST(assignments)
{
        GHashTable *values = NULL;
        GError *error = NULL;
        char *const good[] = {(char *)"PORT=8082", (char *)"_a1=", (char *)"X=a=b", (char *)"PORT=1", NULL};
        ck_assert(sc_options_assignments(good, &values, &error));
        ck_assert_uint_eq(g_hash_table_size(values), 3);
        ck_assert_str_eq(g_hash_table_lookup(values, "PORT"), "1");
        ck_assert_str_eq(g_hash_table_lookup(values, "_a1"), "");
        ck_assert_str_eq(g_hash_table_lookup(values, "X"), "a=b");
        g_hash_table_unref(values);
        ck_assert(sc_options_assignments(NULL, &values, &error));
        ck_assert_uint_eq(g_hash_table_size(values), 0);
        g_hash_table_unref(values);

        const char *const bad[] = {"PORT", "=x", "1A=x", "A B=x", "A-B=x", "Ä=x", ""};
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                ck_assert(!sc_options_assignments((char *const[]){(char *)bad[i], NULL}, &values, &error));
                check_error(g_steal_pointer(&error), SC_EXIT_USAGE, bad[i]);
        }
}
END_TEST

START_TEST(choices_and_seconds)
{
        static const char *const choices[] = {"missing", "always", NULL};
        GError *error = NULL;
        guint seconds = 7;
        ck_assert(sc_options_choice("pull", NULL, choices, &error));
        ck_assert(sc_options_choice("pull", "always", choices, &error));
        ck_assert(!sc_options_choice("pull", "alway", choices, &error));
        check_error(g_steal_pointer(&error), SC_EXIT_USAGE, "missing, always");
        ck_assert(sc_options_seconds("t", "86400", &seconds, &error));
        ck_assert_uint_eq(seconds, 86400);
        ck_assert(sc_options_seconds("t", NULL, &seconds, &error));
        ck_assert_uint_eq(seconds, 0);
        static const char *const bad[] = {"0", "-1", "86401", "5s", "", "99999999999999999999"};
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                ck_assert(!sc_options_seconds("t", bad[i], &seconds, &error));
                check_error(g_steal_pointer(&error), SC_EXIT_USAGE, "--t");
        }
}
END_TEST

static bool matches(const char *text, const char *json)
{
        static const char *const names[] = {"Name", "Names", "Dangling", "Job", NULL};
        g_autoptr(ScFilter) filter = NULL;
        g_autoptr(JsonNode) node = json_from_string(json, NULL);
        GError *error = NULL;
        ck_assert(sc_filter_new((char *const[]){(char *)text, NULL}, names, &filter, &error));
        return sc_filter_match(filter, json_node_get_object(node));
}

START_TEST(filters)
{
        ck_assert(matches("Name=hello", "{\"Name\":\"hello\"}"));
        ck_assert(matches("name=h?l*", "{\"Name\":\"hello\"}"));
        ck_assert(!matches("Name=hell", "{\"Name\":\"hello\"}"));
        ck_assert(!matches("Name=hello", "{}"));
        ck_assert(matches("Names=b*", "{\"Names\":[\"a\",\"b/c\"]}"));
        ck_assert(!matches("Names=c", "{\"Names\":[\"a\",\"b/c\"]}"));
        ck_assert(matches("Dangling=yes", "{\"Dangling\":true}"));
        ck_assert(matches("Job=7", "{\"Job\":7}"));
        ck_assert(!matches("Name=*", "{\"Name\":null}"));

        static const char *const names[] = {"Name", "State", NULL};
        g_autoptr(ScFilter) both = NULL;
        g_autoptr(JsonNode) node = json_from_string("{\"Name\":\"a\",\"State\":\"running\"}", NULL);
        GError *error = NULL;
        ck_assert(sc_filter_new((char *const[]){(char *)"Name=a", (char *)"State=failed", NULL}, names, &both, &error));
        ck_assert(!sc_filter_match(both, json_node_get_object(node)));

        ScFilter *none = NULL;
        static const char *const bad[] = {"Size=1", "Name", "Nam=a", "=a"};
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                ck_assert(!sc_filter_new((char *const[]){(char *)bad[i], NULL}, names, &none, &error));
                check_error(g_steal_pointer(&error), SC_EXIT_USAGE, "Name, State");
        }
        ck_assert_ptr_null(none);
}
END_TEST

static void check_host(const char *host, const char *wanted)
{
        g_auto(GStrv) argv = NULL;
        GError *error = NULL;
        ck_assert(sc_remote_argv(host, SC_REMOTE_SYSTEM, &argv, &error));
        g_autofree char *line = g_strjoinv(" ", argv);
        ck_assert_str_eq(line, wanted);
}

START_TEST(hosts)
{
        g_auto(GStrv) user_argv = NULL;
        ck_assert(sc_remote_argv("host", SC_REMOTE_USER, &user_argv, NULL));
        ck_assert_str_eq(user_argv[g_strv_length(user_argv) - 1], "--bus-path=unix:path=\"$XDG_RUNTIME_DIR\"/bus");
        check_host("host", "ssh -xT -- host systemd-stdio-bridge");
        check_host("me@host", "ssh -xT -- me@host systemd-stdio-bridge");
        check_host("me@host:2222", "ssh -xT -p 2222 -- me@host systemd-stdio-bridge");
        check_host("me@[fe80::1]:22", "ssh -xT -p 22 -- me@fe80::1 systemd-stdio-bridge");
        check_host("[::1]", "ssh -xT -- ::1 systemd-stdio-bridge");
        static const char *const bad[] = {"",      "@host", "me@", "host:", "host:x", "host:0", "host:70000", "-oProxyCommand=x",
                                          "[::1]x"};
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                char **argv = NULL;
                GError *error = NULL;
                ck_assert_msg(!sc_remote_argv(bad[i], SC_REMOTE_SYSTEM, &argv, &error), "%s", bad[i]);
                check_error(error, SC_EXIT_USAGE, "--host");
        }
}
END_TEST

START_TEST(json_cannot_command_a_terminal)
{
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_string_member(object, "a",
                                      "\033[1m \xc2\x9b"
                                      "1m \u202e \U000e0041 \x1f é \"\n");
        g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
        g_autofree char *text = sc_value_to_json(node);
        for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
                GUnicodeType type = g_unichar_type(g_utf8_get_char(p));
                ck_assert(*p == '\n' || (type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT));
        }
        /* And it is still the same value. */
        g_autoptr(JsonNode) again = json_from_string(text, NULL);
        ck_assert_ptr_nonnull(again);
        ck_assert(json_node_equal(node, again));
}
END_TEST

START_TEST(values_from_the_bus)
{
        sd_bus *bus = NULL;
        sd_bus_message *message = NULL;
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, ends[0], ends[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_message_new_signal(bus, &message, "/x", "a.b", "C"), 0);
        ck_assert_int_ge(sd_bus_message_append(message, "a{sv}", 6, "s", "s", "text", "b", "b", 1, "t", "t", G_MAXUINT64, "i", "i",
                                               -1, "as", "as", 2, "x", "y", "a{ss}", "a{ss}", 1, "K", "V"),
                         0);
        ck_assert_int_ge(sd_bus_message_append(message, "(ss)", "name", "message"), 0);
        ck_assert_int_ge(sd_bus_message_append(message, "a{us}", 1, 1, "x"), 0);
        ck_assert_int_ge(sd_bus_message_seal(message, 1, 0), 0);

        g_autoptr(JsonObject) object = NULL;
        ck_assert_int_ge(sc_value_read_object(message, &object), 0);
        ck_assert_str_eq(sc_value_string(object, "s"), "text");
        ck_assert(sc_value_bool(object, "b"));
        ck_assert_int_eq(sc_value_int(object, "t"), G_MAXINT64);
        ck_assert_int_eq(sc_value_int(object, "i"), -1);
        ck_assert_uint_eq(json_array_get_length(json_object_get_array_member(object, "as")), 2);
        ck_assert_str_eq(sc_value_string(json_object_get_object_member(object, "a{ss}"), "K"), "V");
        /* Missing members and other types are empty. */
        ck_assert_str_eq(sc_value_string(object, "i"), "");
        ck_assert_int_eq(sc_value_int(object, "nothing"), 0);
        ck_assert(!sc_value_bool(object, "as"));

        JsonObject *untouched = NULL;
        ck_assert_int_lt(sc_value_read_object(message, &untouched), 0); /* a struct */
        JsonNode *none = NULL;
        ck_assert_int_lt(sc_value_read(message, &none), 0); /* keys that are no strings */
        ck_assert_ptr_null(untouched);
        ck_assert_ptr_null(none);
        sd_bus_message_unref(message);
        sd_bus_close_unref(bus);
        close(ends[1]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("client-options");
        TCase *tcase = tcase_create("all");
        tcase_add_test(tcase, options_stand_anywhere);
        tcase_add_test(tcase, separator_ends_options);
        tcase_add_test(tcase, wrong_usage);
        tcase_add_test(tcase, global_options_stop_at_the_verb);
        tcase_add_test(tcase, assignments);
        tcase_add_test(tcase, choices_and_seconds);
        tcase_add_test(tcase, filters);
        tcase_add_test(tcase, hosts);
        tcase_add_test(tcase, json_cannot_command_a_terminal);
        tcase_add_test(tcase, values_from_the_bus);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
