/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that can be had in several places, some of them broken on purpose. */
#include "base/toml.h"
#include "registry-server.h"

/* A registry, a mirror of it that is broken as its name says, and how the settings tie them. */
typedef struct {
        Server primary, mirror;
        GString *messages;
        ScReport *report;
} Pair;

static void take_line(gpointer data, const char *line)
{
        g_string_append_printf(data, "%s\n", line);
}

static ScRegistries *settings(const char *text)
{
        char *problem = NULL;
        unsigned line;
        char *json = sc_toml_to_json(text, strlen(text), &problem, &line);
        ck_assert_msg(json != NULL, "%s: %s", text, problem);
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) tree = sc_json_parse_object(json, -1, 1 << 20, "settings", &error);
        free(json);
        ScRegistries *registries = sc_registries_new();
        bool ok = sc_registries_add(registries, "/registries.conf", tree, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        return registries;
}

/* rule, mirror: more lines of the tables. */
static void pair_start(Pair *pair, const char *fault, const char *rule, const char *mirror)
{
        static const ScReportSink sink = {.message = take_line};
        server_start(&pair->primary, NULL, NULL);
        server_start(&pair->mirror, NULL, NULL);
        g_autofree char *text = g_strdup_printf("[[registry]]\nlocation = '%s'\n%s\n[[registry.mirror]]\nlocation = '%s/%s'\n%s\n",
                                                pair->primary.host, rule, pair->mirror.host, fault, mirror);
        server_is_to_do(&pair->primary, fault);
        pair->primary.registries = settings(text);
        pair->messages = g_string_new(NULL);
        pair->report = sc_report_new(&sink, pair->messages);
}

static void pair_free(Pair *pair)
{
        sc_registries_free(pair->primary.registries);
        server_free(&pair->primary);
        server_free(&pair->mirror);
        g_string_free(pair->messages, TRUE);
        sc_report_free(pair->report);
}

static void pair_stop(Pair *pair)
{
        server_end(&pair->primary);
        server_end(&pair->mirror);
        pair_free(pair);
}

static void check_count(const char *log, const char *part, guint times)
{
        ck_assert_msg(count_in(log, part) == times, "'%s' is not there %u times in\n%s", part, times, log);
}

/* What of the image came from where, if the mirror is so. An image has three blobs: a configuration and two layers, of which only
 * the first is large enough to be cut. */
static const struct {
        const char *mirror, *name;
        const char *at_primary;
        guint primary_times;
        const char *at_mirror;
        guint mirror_times;
} shared[] = {
        {"ok", "x", "/manifests/", 1, "/manifests/", 0},
        {"ok", "x", "/blobs/", 0, "/blobs/", 3},
        {"ok", "x:index", "/manifests/index", 1, "/manifests/sha256:", 1},
        {"404", "x", "/blobs/", 3, "/blobs/", 3},
        {"404", "x:index", "/manifests/sha256:", 1, "/manifests/sha256:", 1},
        {"wrong-manifest", "x:index", "/manifests/sha256:", 1, "/manifests/sha256:", 1},
        {"lying-length", "x", "/blobs/", 3, "/blobs/", 3},
        {"truncated", "x", "range=bytes=700000-", 1, "range=bytes=700000-", 0},
        {"truncated", "x", "/blobs/", 1, "/blobs/", 3},
        {"stall", "x", "range=bytes=700000-", 1, "range=bytes=700000-", 0},
        {"refuse-range-truncated", "x", "range=bytes=700000-", 1, "/blobs/", 3},
        /* Once is enough to know. */
        {"403", "x", "/blobs/", 3, "GET ", 1},
        {"500", "x", "/blobs/", 3, "GET ", 1},
        {"stall-headers", "x", "/blobs/", 3, "GET ", 1},
        {"401-bad-token", "x", "/blobs/", 3, "/blobs/", 3},
};

START_TEST(shares_the_work)
{
        Pair pair = {};
        pair_start(&pair, shared[_i].mirror, "", "");
        g_autoptr(ScTransport) transport = registry_at(&pair.primary, "", shared[_i].name, pair.report);
        g_autoptr(GError) error = NULL;
        bool ok = pull(transport, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *primary = server_log(&pair.primary), *mirror = server_log(&pair.mirror);
        check_count(primary, shared[_i].at_primary, shared[_i].primary_times);
        check_count(mirror, shared[_i].at_mirror, shared[_i].mirror_times);
        check_count(mirror, "/manifests/latest", 0);
        bool trouble = strcmp(shared[_i].mirror, "ok") != 0;
        ck_assert_msg((strstr(pair.messages->str, "; going on with 127.0.0.1:") != NULL) == trouble, "%s", pair.messages->str);
        pair_stop(&pair);
}
END_TEST

/* A damaged blob is not mended half-way: the message says where its bytes came from. */
START_TEST(names_who_damaged_a_blob)
{
        Pair pair = {};
        pair_start(&pair, "wrong-digest", "", "");
        g_autoptr(ScTransport) transport = registry_at(&pair.primary, "", "x", pair.report);
        g_autoptr(GError) error = NULL;
        ck_assert(!pull(transport, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, pair.mirror.host);
        pair_stop(&pair);
}
END_TEST

START_TEST(does_without_a_mirror_that_is_away)
{
        Pair pair = {};
        pair_start(&pair, "ok", "", "");
        server_end(&pair.mirror);
        g_autoptr(ScTransport) transport = registry_at(&pair.primary, "", "x", pair.report);
        g_autoptr(GError) error = NULL;
        bool ok = pull(transport, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        /* It is asked once in all. */
        check_count(pair.messages->str, "refused the connection", 1);
        server_end(&pair.primary);
        pair_free(&pair);
}
END_TEST

/* Who answers for a tag when the registry itself is away, and what is said where nobody may. */
static const struct {
        const char *mirror, *rule, *mirror_rule;
        bool by_digest, pulled;
} away[] = {
        {"ok", "", "", false, true},
        {"ok", "", "pull-from-mirror = 'tag-only'", false, true},
        {"ok", "", "pull-from-mirror = 'digest-only'", false, false},
        {"ok", "mirror-by-digest-only = true", "", false, false},
        {"404", "", "", false, false},
        {"ok", "", "", true, true},
        {"ok", "", "pull-from-mirror = 'digest-only'", true, true},
        {"ok", "mirror-by-digest-only = true", "", true, true},
        {"ok", "", "pull-from-mirror = 'tag-only'", true, false},
};

static char *digest_at(const Server *server)
{
        g_autoptr(ScTransport) transport = registry_at(server, "", "ok", NULL);
        g_auto(ScManifestText) manifest = {};
        g_autoptr(GError) error = NULL;
        ck_assert(sc_transport_get_manifest(transport, NULL, 0, &manifest, NULL, &error));
        return sc_digest_to_string(&manifest.digest);
}

START_TEST(when_the_registry_is_away)
{
        Pair pair = {};
        pair_start(&pair, away[_i].mirror, away[_i].rule, away[_i].mirror_rule);
        g_autofree char *digest = digest_at(&pair.mirror);
        g_autofree char *name = away[_i].by_digest ? g_strconcat("x@", digest, NULL) : g_strdup("x");
        server_end(&pair.primary);
        g_autoptr(ScTransport) transport = registry_at(&pair.primary, "", name, pair.report);
        g_autoptr(GError) error = NULL;
        bool ok = pull(transport, &error);
        if (away[_i].pulled) {
                ck_assert_no_error(error);
                ck_assert(ok);
        } else {
                ck_assert(!ok);
                ck_assert_error(error, SC_ERROR_NETWORK, pair.primary.host);
        }
        server_end(&pair.mirror);
        pair_free(&pair);
}
END_TEST

/* "No" of the registry itself is an answer. */
START_TEST(overrules_nobody)
{
        static const struct {
                const char *name;
                ScError code;
        } cases[] = {{"404", SC_ERROR_NOT_FOUND}, {"403", SC_ERROR_ACCESS_DENIED}, {"wrong-manifest", SC_ERROR_VERIFY_FAILED}};
        Pair pair = {};
        pair_start(&pair, "ok", "", "");
        g_autoptr(ScTransport) transport = registry_at(&pair.primary, "", cases[_i].name, pair.report);
        g_autoptr(GError) error = NULL;
        ck_assert(!pull(transport, &error));
        ck_assert_error(error, cases[_i].code, pair.primary.host);
        g_autofree char *mirror = server_log(&pair.mirror);
        ck_assert_str_eq(mirror, "");
        pair_stop(&pair);
}
END_TEST

/* Tokens of one are for nobody else. */
START_TEST(each_has_its_own_token)
{
        Pair pair = {};
        pair_start(&pair, "401-token", "", "");
        g_autoptr(ScTransport) transport = registry_at(&pair.primary, "", "401-token", pair.report);
        g_autoptr(GError) error = NULL;
        bool ok = pull(transport, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *primary = server_log(&pair.primary), *mirror = server_log(&pair.mirror);
        check_count(primary, "GET /token", 1);
        check_count(mirror, "GET /token", 1);
        pair_stop(&pair);
}
END_TEST

START_TEST(goes_where_the_rule_says)
{
        Server server = {};
        server_start(&server, NULL, NULL);
        g_autofree char *text = g_strdup_printf("[[registry]]\nprefix = 'registry.invalid/a'\nlocation = "
                                                "'%s/ok'\n[[registry]]\nprefix = '*.blocked.example'\nblocked = true\n",
                                                server.host);
        server.registries = settings(text);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScReference) reference = sc_reference_parse("registry.invalid/a/img", &error);
        const ScTransportRequest request = {reference, server.config, NULL, .registries = server.registries};
        g_autoptr(ScTransport) transport = sc_transport_new(&request, &error);
        ck_assert_no_error(error);
        bool ok = pull(transport, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *log = server_log(&server);
        check_count(log, "GET /v2/ok/img/", 4);
        g_autoptr(ScReference) blocked = sc_reference_parse("x.blocked.example/img", &error);
        const ScTransportRequest refused = {blocked, server.config, NULL, .registries = server.registries};
        ck_assert_ptr_null(sc_transport_new(&refused, &error));
        ck_assert_error(error, SC_ERROR_ACCESS_DENIED, "/registries.conf:4 blocks *.blocked.example");
        sc_registries_free(server.registries);
        server_stop(&server);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("mirrors");
        TCase *tests = tcase_create("mirrors");
        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, shares_the_work, 0, G_N_ELEMENTS(shared));
        tcase_add_test(tests, names_who_damaged_a_blob);
        tcase_add_test(tests, does_without_a_mirror_that_is_away);
        tcase_add_loop_test(tests, when_the_registry_is_away, 0, G_N_ELEMENTS(away));
        tcase_add_loop_test(tests, overrules_nobody, 0, 3);
        tcase_add_test(tests, each_has_its_own_token);
        tcase_add_test(tests, goes_where_the_rule_says);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
