/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"
#include "test.h"
#include "unit/user-namespace.h"

/* "inside:outside:count" for each range. */
static char *map_to_text(GArray *map)
{
        GString *text = g_string_new(NULL);
        for (guint i = 0; i < map->len; i++) {
                const ScIdRange *range = &g_array_index(map, ScIdRange, i);
                g_string_append_printf(text, "%s%u:%u:%u", i > 0 ? " " : "", range->container, range->host, range->count);
        }
        return g_string_free(text, FALSE);
}

START_TEST(ranges)
{
        static const struct {
                const char *text;
                const char *expected;
        } cases[] = {
                {NULL, "0:1000:1"},
                {"", "0:1000:1"},
                {"alice:100000:65536\n", "0:1000:1 1:100000:65536"},
                {"1000:100000:65536", "0:1000:1 1:100000:65536"},
                {"bob:100000:65536\n1001:5:5\nalicex:1:1\n", "0:1000:1"},
                {"alice:100000:10\nbob:1:1\nalice:200000:5\n", "0:1000:1 1:100000:10 11:200000:5"},
                /* what makes no sense is passed over */
                {"alice\nalice:1\nalice:1:2:3\nalice:x:1\nalice:1:0\nalice:-1:5\nalice: 1:5\n#alice:1:1\nalice:7:2\n",
                 "0:1000:1 1:7:2"},
                {"alice:4294967294:1\nalice:4294967294:2\nalice:4294967295:1\n", "0:1000:1 1:4294967294:1"},
                {"alice:1:99999999999\n", "0:1000:1"},
                /* nobody is there twice */
                {"alice:1000:1\nalice:900:200\nalice:500:10\nalice:509:2\nalice:490:11\nalice:510:2\n",
                 "0:1000:1 1:500:10 11:510:2"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GArray) map = sc_subid_map(cases[i].text, "alice", 1000, 1000);
                g_autofree char *text = map_to_text(map);
                ck_assert_str_eq(text, cases[i].expected);
        }
}
END_TEST

START_TEST(ids_do_not_run_over)
{
        g_autoptr(GArray) map = sc_subid_map("a:0:4294967294\na:4294967294:1\n", "a", 7, G_MAXUINT32 - 1);
        g_autofree char *text = map_to_text(map);
        ck_assert_str_eq(text, "0:4294967294:1 1:0:4294967294");
        ck_assert(sc_subid_maps(map, 0));
        ck_assert(sc_subid_maps(map, G_MAXUINT32 - 1));
        ck_assert(!sc_subid_maps(map, G_MAXUINT32));

        g_autoptr(GString) many = g_string_new(NULL);
        for (guint i = 0; i < 5000; i++)
                g_string_append_printf(many, "a:%u:1\n", 100 + i * 2);
        g_autoptr(GArray) bounded = sc_subid_map(many->str, "a", 7, 7);
        ck_assert_uint_le(bounded->len, 340);
}
END_TEST

static JsonObject *parse(const char *text)
{
        g_autoptr(JsonParser) parser = json_parser_new();
        ck_assert(json_parser_load_from_data(parser, text, -1, NULL));
        return json_node_dup_object(json_parser_get_root(parser));
}

static char *apply(const ScUserNamespace *user_namespace, const char *text, GError **error)
{
        g_autoptr(JsonObject) config = parse(text);
        return sc_user_namespace_apply(user_namespace, config, error) ? sc_json_to_string(config, false) : NULL;
}

static ScUserNamespace *make(const char *text)
{
        ScUserNamespace *user_namespace = g_new0(ScUserNamespace, 1);
        user_namespace->user_name = "alice";
        user_namespace->sets_groups = true;
        user_namespace->uids = sc_subid_map(text, "alice", 1000, 1000);
        user_namespace->gids = sc_subid_map(text, "alice", 1000, 1001);
        return user_namespace;
}

#define UIDS_ALONE "\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}]"
#define GIDS_ALONE "\"gidMappings\":[{\"containerID\":0,\"hostID\":1001,\"size\":1}]"

START_TEST(a_configuration_gets_a_namespace)
{
        g_autoptr(ScUserNamespace) alone = make(NULL);
        static const struct {
                const char *text;
                const char *expected;
        } cases[] = {
                {"{}", "{\"linux\":{\"namespaces\":[{\"type\":\"user\"}]," UIDS_ALONE "," GIDS_ALONE "},\"mounts\":[]}"},
                /* twice changes nothing */
                {"{\"linux\":{\"namespaces\":[{\"type\":\"user\"}]," UIDS_ALONE "," GIDS_ALONE "},\"mounts\":[]}",
                 "{\"linux\":{\"namespaces\":[{\"type\":\"user\"}]," UIDS_ALONE "," GIDS_ALONE "},\"mounts\":[]}"},
                /* the host's sysfs where its network is the container's, too; options that name nobody */
                {"{\"mounts\":[{\"type\":\"sysfs\",\"destination\":\"/sys\"},"
                 "{\"type\":\"devpts\",\"options\":[\"gid=5\",\"uid=0\",\"gid=0\",\"mode=0620\"]}]}",
                 "{\"mounts\":[{\"type\":\"bind\",\"destination\":\"/sys\",\"source\":\"/sys\",\"options\":[\"rbind\",\"nosuid\","
                 "\"noexec\",\"nodev\",\"ro\"]},{\"type\":\"devpts\",\"options\":[\"uid=0\",\"gid=0\",\"mode=0620\"]}],"
                 "\"linux\":{\"namespaces\":[{\"type\":\"user\"}]," UIDS_ALONE "," GIDS_ALONE "}}"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *made = apply(alone, cases[i].text, &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(made, cases[i].expected);
        }
        g_autofree char *network = apply(
                alone, "{\"linux\":{\"namespaces\":[{\"type\":\"network\"}]},\"mounts\":[{\"type\":\"sysfs\"}]}", NULL);
        ck_assert(strstr(network, "sysfs") != NULL);
        g_autofree char *shared = apply(
                alone, "{\"linux\":{\"namespaces\":[{\"type\":\"network\",\"path\":\"/n\"}]},\"mounts\":[{\"type\":\"sysfs\"}]}",
                NULL);
        ck_assert(strstr(shared, "sysfs") == NULL);
}
END_TEST

START_TEST(who_the_process_is)
{
        g_autoptr(ScUserNamespace) alone = make(NULL), ranged = make("alice:100000:65536");
        static const char *const others[] = {
                "{\"process\":{\"user\":{\"uid\":33,\"gid\":0}}}",
                "{\"process\":{\"user\":{\"uid\":0,\"gid\":33}}}",
                "{\"process\":{\"user\":{\"uid\":0,\"gid\":0,\"additionalGids\":[33]}}}",
        };
        for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *refused = apply(alone, others[i], &error);
                ck_assert_ptr_null(refused);
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "usermod --add-subuids");
                g_autofree char *made = apply(ranged, others[i], NULL);
                ck_assert_ptr_nonnull(made);
        }
        g_autoptr(GError) error = NULL;
        g_autofree char *beyond = apply(ranged, "{\"process\":{\"user\":{\"uid\":65537}}}", &error);
        ck_assert_ptr_null(beyond);
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "65537");
        alone->sets_groups = false;
        g_autofree char *without = apply(alone, others[2], NULL);
        ck_assert(strstr(without, "additionalGids") == NULL);
        /* An image with mappings of its own knows who is there. */
        g_autofree char *own = apply(
                alone,
                "{\"process\":{\"user\":{\"uid\":33}},\"linux\":{\"uidMappings\":[{\"containerID\":33,\"hostID\":"
                "1000,\"size\":1}]}}",
                NULL);
        ck_assert(strstr(own, "\"containerID\":33") != NULL && strstr(own, "\"containerID\":0,\"hostID\":1000") == NULL);
}
END_TEST

START_TEST(strange_configurations)
{
        g_autoptr(ScUserNamespace) alone = make(NULL);
        static const char *const refused[] = {"{\"linux\":5}", "{\"process\":[]}", "{\"process\":{\"user\":1}}",
                                              "{\"process\":{\"user\":{\"additionalGids\":{}}}}"};
        for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *made = apply(alone, refused[i], &error);
                ck_assert_ptr_null(made);
                ck_assert_error(error, SC_ERROR_CORRUPT, "");
        }
        g_autofree char *odd = apply(alone,
                                     "{\"mounts\":[1,{\"type\":2,\"options\":3},{\"options\":[4,null,\"gid=x\"]}],\"linux\":{"
                                     "\"namespaces\":[1,{\"type\":1}],\"uidMappings\":7}}",
                                     NULL);
        ck_assert(strstr(odd, "\"gid=x\"") != NULL);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("user-namespace");
        TCase *tcase = tcase_create("user-namespace");
        tcase_add_test(tcase, ranges);
        tcase_add_test(tcase, ids_do_not_run_over);
        tcase_add_test(tcase, a_configuration_gets_a_namespace);
        tcase_add_test(tcase, who_the_process_is);
        tcase_add_test(tcase, strange_configurations);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
