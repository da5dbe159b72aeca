/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/pull-intent.h"
#include "base/path.h"
#include "store.h"

#define NAME "localhost:5000/hello:latest"

static GPtrArray *layers_of(const char *text)
{
        GPtrArray *layers = g_ptr_array_new_with_free_func((GDestroyNotify)sc_layer_info_free);
        ScLayerInfo *layer = sc_layer_info_new();

        sc_digest_of(text, strlen(text), &layer->digest);
        g_ptr_array_add(layers, layer);
        return layers;
}

static bool is_held(Store *store, const char *text, gint64 later)
{
        g_autoptr(GHashTable) refs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GError) error = NULL;
        char hex[SC_DIGEST_HEX_SIZE];
        ScDigest digest;

        sc_digest_of(text, strlen(text), &digest);
        sc_digest_to_hex(&digest, hex);
        g_autofree char *ref = g_strconcat(SC_REF_PREFIX, hex, NULL);
        sc_pull_intents_hold(store->repository, g_get_real_time() / G_USEC_PER_SEC + later, refs, &error);
        ck_assert_no_error(error);
        return g_hash_table_contains(refs, ref);
}

static void write_intent(Store *store, const char *name, const char *layer)
{
        g_autoptr(GPtrArray) layers = layers_of(layer);
        g_autoptr(GError) error = NULL;

        sc_pull_intent_write(store->repository, name, layers, &error);
        ck_assert_no_error(error);
}

/* Of a pull that was killed while it wrote. */
START_TEST(test_half_written)
{
        g_autoptr(Store) store = store_new();

        write_intent(store, NAME, "one");
        g_autofree char *command = g_strdup_printf(
                "cd '%s/extensions/sysconsd/pull' && for f in *.json; do echo '{' >\".$f.a1B2c3D4\"; done && touch .other",
                sc_repository_path(store->repository));
        ck_assert_int_eq(system(command), 0);
        write_intent(store, NAME, "two");
        g_autofree char *check = g_strdup_printf(
                "cd '%s/extensions/sysconsd/pull' && [ \"$(ls -A | wc -l)\" = 2 ] && [ -e .other ]",
                sc_repository_path(store->repository));
        ck_assert_int_eq(system(check), 0);
}
END_TEST

START_TEST(test_layers_are_held)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;

        ck_assert(!is_held(store, "one", 0));
        write_intent(store, NAME, "one");
        write_intent(store, "localhost:5000/other:latest", "two");
        ck_assert(is_held(store, "one", 0));
        ck_assert(is_held(store, "two", 0));

        /* the next pull of the name wants other layers */
        write_intent(store, NAME, "three");
        ck_assert(!is_held(store, "one", 0));
        ck_assert(is_held(store, "three", 0));

        ck_assert(sc_pull_intent_remove(store->repository, NAME, &error));
        ck_assert(!is_held(store, "three", 0));
        ck_assert(is_held(store, "two", 0));
        ck_assert(sc_pull_intent_remove(store->repository, NAME, &error));
}
END_TEST

START_TEST(test_records_age)
{
        g_autoptr(Store) store = store_new();

        write_intent(store, NAME, "one");
        ck_assert(is_held(store, "one", SC_PULL_INTENT_SECONDS - 60));
        ck_assert(!is_held(store, "one", SC_PULL_INTENT_SECONDS));
        /* and is gone */
        ck_assert(!is_held(store, "one", 0));

        /* of a time to come: the clock was wrong */
        write_intent(store, NAME, "one");
        ck_assert(!is_held(store, "one", -3600));
}
END_TEST

START_TEST(test_rubbish_is_swept)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;

        write_intent(store, NAME, "one");
        sc_autofd state_fd = sc_repository_open_state(store->repository, &error);
        sc_autofd folder = openat(state_fd, "pull", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const char *const names[] = {"x.json", ".y.json.abcdefgh"};
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                sc_autofd fd = openat(folder, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
                ck_assert_int_ge(fd, 0);
        }
        ck_assert(is_held(store, "one", 0));
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                ck_assert_int_lt(faccessat(folder, names[i], F_OK, 0), 0);
}
END_TEST

START_TEST(test_what_is_no_record)
{
        static const char *const texts[] = {
                "",
                "{}",
                "[]",
                "{\"version\":1,\"name\":\"x\",\"time\":1}",
                "{\"version\":1,\"name\":\"x\",\"time\":1,\"layers\":[\"../../etc/passwd\"]}",
                "{\"version\":2,\"name\":\"x\",\"time\":1,\"layers\":[]}",
                "{\"version\":1,\"name\":\"x\",\"time\":\"now\",\"layers\":[]}",
        };
        for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert_ptr_null(sc_pull_intent_parse(texts[i], strlen(texts[i]), "record", &error));
                ck_assert(error != NULL && strstr(error->message, "record") != NULL);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pull-intent");
        TCase *tests = tcase_create("records");

        tcase_add_test(tests, test_layers_are_held);
        tcase_add_test(tests, test_half_written);
        tcase_add_test(tests, test_records_age);
        tcase_add_test(tests, test_rubbish_is_swept);
        tcase_add_test(tests, test_what_is_no_record);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
