/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An image that can be had in several places, some of them broken on purpose. */
#include "base/toml.h"
#include "registry-server.h"

/* A registry, a mirror of it that is broken as its name says, and how the settings tie them. */
typedef struct {
        Server primary, mirror;
        GString *messages;
        guint64 done; /* as the progress has it */
        ScReport *report;
} Pair;

static void take_line(gpointer data, const char *line)
{
        g_string_append_printf(((Pair *)data)->messages, "%s\n", line);
}

static void take_progress(gpointer data, const char *phase G_GNUC_UNUSED, guint64 done, guint64 total G_GNUC_UNUSED)
{
        ((Pair *)data)->done = done;
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
        static const ScReportSink sink = {.message = take_line, .progress = take_progress};
        server_start(&pair->primary, NULL, NULL);
        server_start(&pair->mirror, NULL, NULL);
        g_autofree char *text = g_strdup_printf("[[registry]]\nlocation = '%s'\n%s\n[[registry.mirror]]\nlocation = '%s/%s'\n%s\n",
                                                pair->primary.host, rule, pair->mirror.host, fault, mirror);
        server_is_to_do(&pair->primary, fault);
        pair->primary.registries = settings(text);
        pair->messages = g_string_new(NULL);
        pair->report = sc_report_new(&sink, pair);
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
        /* Who has damaged one is asked for the others last. */
        {"wrong-digest", "x", "/blobs/", 3, "/blobs/", 1},
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
        bool told = strstr(pair.messages->str, "; going on with 127.0.0.1:") != NULL ||
                    strstr(pair.messages->str, "; asking for all of it elsewhere") != NULL;
        ck_assert_msg(told == trouble, "%s", pair.messages->str);
        pair_stop(&pair);
}
END_TEST

/* ---- damaged blobs ---- */

/* The image's first layer, which is large. */
typedef struct {
        ScTransport *transport;
        ScImageInfo *info;
        ScLayerInfo *layer;
        ScBlob *blob;
} Large;

static void large_open(Large *large, const Pair *pair, const char *name)
{
        g_autoptr(GError) error = NULL;
        large->transport = registry_at(&pair->primary, "", name, pair->report);
        bool ok = get_image(large->transport, &large->info, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        large->layer = large->info->layers->pdata[0];
        sc_report_phase(pair->report, "Pulling", large->layer->size);
        large->blob = sc_transport_open_blob(large->transport, &large->layer->digest, large->layer->size, NULL);
}

static void large_clear(Large *large)
{
        sc_blob_free(large->blob);
        sc_image_info_free(large->info);
        sc_transport_free(large->transport);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Large, large_clear)

static guint count_of(const Server *server, const Large *large, const char *range)
{
        g_autofree char *log = server_log(server), *digest = sc_digest_to_string(&large->layer->digest);
        g_autofree char *line = g_strconcat("/blobs/", digest, " range=", range, NULL);
        return count_in(log, line);
}

/* The second time each of its bytes comes, and what has come before is not counted again. */
static void check_begins_anew(Large *large, const Pair *pair)
{
        g_autoptr(GError) error = g_error_new(SC_ERROR, SC_ERROR_CORRUPT, "it makes no sense");
        ck_assert(sc_blob_again(large->blob, &error));
        ck_assert_no_error(error);
        gint64 size = read_blob(large->blob, &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(size, (gint64)large->layer->size);
        ck_assert(!sc_blob_again(large->blob, &error));
        ck_assert_no_error(error);
        ck_assert_uint_eq(pair->done, large->layer->size);
        check_count(pair->messages->str, "copy is damaged; asking for all of it elsewhere", 1);
}

START_TEST(asks_elsewhere_for_what_a_mirror_damaged)
{
        Pair pair = {};
        pair_start(&pair, "wrong-layer", "", "");
        {
                g_auto(Large) large = {};
                large_open(&large, &pair, "x");
                g_autoptr(GError) error = NULL;
                /* It is seen at the end, or earlier, by who reads it. */
                const void *chunk;
                if (_i == 0) {
                        ck_assert_int_lt(read_blob(large.blob, &error), 0);
                        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, pair.mirror.host);
                } else {
                        ck_assert_int_gt(sc_blob_read(large.blob, &chunk, &error), 0);
                }
                check_begins_anew(&large, &pair);
                ck_assert_uint_eq(count_of(&pair.mirror, &large, "-"), 1);
                ck_assert_uint_eq(count_of(&pair.primary, &large, "-"), 1);
        }
        pair_stop(&pair);
}
END_TEST

/* Nobody can say which half is wrong; but the mirror's copy is one too many. */
START_TEST(asks_again_who_had_a_part_in_it)
{
        Pair pair = {};
        pair_start(&pair, "wrong-layer-truncated", "", "");
        {
                g_auto(Large) large = {};
                large_open(&large, &pair, "x");
                g_autoptr(GError) error = NULL;
                ck_assert_int_lt(read_blob(large.blob, &error), 0);
                ck_assert_error(error, SC_ERROR_VERIFY_FAILED, pair.mirror.host);
                ck_assert_error(error, SC_ERROR_VERIFY_FAILED, pair.primary.host);
                check_begins_anew(&large, &pair);
                ck_assert_uint_eq(count_of(&pair.mirror, &large, "-"), 1);
                ck_assert_uint_eq(count_of(&pair.primary, &large, "bytes=700000-"), 1);
                ck_assert_uint_eq(count_of(&pair.primary, &large, "-"), 1);
        }
        pair_stop(&pair);
}
END_TEST

/* Two mirrors, the second one under another path of the same server; the registry itself is the last to be asked. */
static const struct {
        const char *second, *primary;
        guint times_at_mirrors, times_at_primary;
        bool pulled;
} damaged[] = {
        {"ok", "x", 2, 0, true},
        {"wrong-layer", "x", 2, 1, true},
        {"wrong-layer", "wrong-layer", 2, 1, false},
};

START_TEST(asks_one_after_the_other)
{
        Pair pair = {};
        pair_start(&pair, "wrong-layer", "", "");
        sc_registries_free(pair.primary.registries);
        g_autofree char *text = g_strdup_printf(
                "[[registry]]\nlocation = '%s/%s'\n[[registry.mirror]]\nlocation = '%s/wrong-layer'\n"
                "[[registry.mirror]]\nlocation = '%s/%s'\n",
                pair.primary.host, damaged[_i].primary, pair.mirror.host, pair.mirror.host, damaged[_i].second);
        pair.primary.registries = settings(text);
        g_autofree char *name = g_strconcat(damaged[_i].primary, "/x", NULL);
        {
                g_auto(Large) large = {};
                large_open(&large, &pair, name);
                g_autoptr(GError) error = NULL;
                gint64 size = read_blob(large.blob, &error);
                while (size < 0 && sc_blob_again(large.blob, &error))
                        size = read_blob(large.blob, &error);
                ck_assert_int_eq(size, damaged[_i].pulled ? (gint64)large.layer->size : -1);
                if (!damaged[_i].pulled)
                        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, pair.primary.host);
                ck_assert_uint_eq(pair.done, large.layer->size);
                ck_assert_uint_eq(count_of(&pair.mirror, &large, "-"), damaged[_i].times_at_mirrors);
                ck_assert_uint_eq(count_of(&pair.primary, &large, "-"), damaged[_i].times_at_primary);
        }
        pair_stop(&pair);
}
END_TEST

/* What is as its digest says is the image's own trouble: to ask elsewhere would bring the same. */
START_TEST(does_not_ask_again_for_what_is_whole)
{
        Pair pair = {};
        pair_start(&pair, "ok", "", "");
        {
                g_auto(Large) large = {};
                large_open(&large, &pair, "x");
                g_autoptr(GError) error = NULL;
                const void *chunk;
                ck_assert_int_gt(sc_blob_read(large.blob, &chunk, &error), 0);
                error = g_error_new(SC_ERROR, SC_ERROR_CORRUPT, "the image is so");
                ck_assert(!sc_blob_again(large.blob, &error));
                ck_assert_error(error, SC_ERROR_CORRUPT, "the image is so");
                ck_assert_uint_eq(count_of(&pair.mirror, &large, "-"), 1);
                ck_assert_uint_eq(count_of(&pair.primary, &large, "-"), 0);
        }
        pair_stop(&pair);
}
END_TEST

/* Nobody else is asked where only the registry itself had a part in it; but it is named, whoever has seen that something is wrong.
 */
START_TEST(believes_the_registry_itself)
{
        Pair pair = {};
        pair_start(&pair, "404", "", "");
        {
                g_auto(Large) large = {};
                large_open(&large, &pair, "wrong-layer/x");
                g_autoptr(GError) error = NULL;
                const void *chunk;
                if (_i == 0)
                        ck_assert_int_lt(read_blob(large.blob, &error), 0);
                else if (sc_blob_read(large.blob, &chunk, &error) > 0)
                        error = g_error_new(SC_ERROR, SC_ERROR_CORRUPT, "it makes no sense");
                ck_assert(!sc_blob_again(large.blob, &error));
                ck_assert_error(error, SC_ERROR_VERIFY_FAILED, pair.primary.host);
        }
        pair_stop(&pair);
}
END_TEST

START_TEST(a_cancelled_one_does_not_begin_anew)
{
        Pair pair = {};
        pair_start(&pair, "wrong-layer", "", "");
        {
                g_auto(Large) large = {};
                large_open(&large, &pair, "x");
                g_autoptr(GCancellable) cancellable = g_cancellable_new();
                g_autoptr(ScBlob)
                        blob = sc_transport_open_blob(large.transport, &large.layer->digest, large.layer->size, cancellable);
                g_autoptr(GError) error = NULL;
                const void *chunk;
                ck_assert_int_gt(sc_blob_read(blob, &chunk, &error), 0);
                g_cancellable_cancel(cancellable);
                while (sc_blob_again(blob, &error))
                        continue;
                g_clear_error(&error);
                ck_assert_int_lt(read_blob(blob, &error), 0);
                ck_assert_error(error, SC_ERROR_CANCELLED, "stopped");
        }
        pair_stop(&pair);
}
END_TEST

/* ---- who is asked ---- */

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
        tcase_add_loop_test(tests, asks_elsewhere_for_what_a_mirror_damaged, 0, 2);
        tcase_add_test(tests, asks_again_who_had_a_part_in_it);
        tcase_add_loop_test(tests, asks_one_after_the_other, 0, G_N_ELEMENTS(damaged));
        tcase_add_test(tests, does_not_ask_again_for_what_is_whole);
        tcase_add_loop_test(tests, believes_the_registry_itself, 0, 2);
        tcase_add_test(tests, a_cancelled_one_does_not_begin_anew);
        tcase_add_test(tests, does_without_a_mirror_that_is_away);
        tcase_add_loop_test(tests, when_the_registry_is_away, 0, G_N_ELEMENTS(away));
        tcase_add_loop_test(tests, overrules_nobody, 0, 3);
        tcase_add_test(tests, each_has_its_own_token);
        tcase_add_test(tests, goes_where_the_rule_says);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
