/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/layer.h"
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
        ScImport *import;
        ScLayerInfo *layer;
        GBytes *tar;
} Part;

static void part_clear(Part *part)
{
        g_bytes_unref(part->tar);
        sc_layer_info_free(part->layer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Part, part_clear)

static Part part(ScImport *import, const char *name, guint files)
{
        Tar *tar = tar_new();
        for (guint i = 0; i < files; i++) {
                g_autofree char *path = g_strdup_printf("%s%u", name, i);
                tar_file(tar, path, 0644, path);
        }
        GBytes *bytes = tar_end(tar);
        return (Part){.import = import, .tar = bytes, .layer = layer_info(bytes)};
}

static gpointer import_part(gpointer data)
{
        const Part *part = data;
        g_autoptr(GError) error = NULL;

        import_layer(part->import, part->layer, part->tar, &error);
        ck_assert_no_error(error);
        sc_import_withdraw(part->import);
        return NULL;
}

static bool is_there(Store *store, const Part *part)
{
        g_autoptr(GError) error = NULL;
        bool exists = sc_layer_exists(store->repository, &part->layer->digest, &error);

        ck_assert_no_error(error);
        return exists;
}

START_TEST(last_layers_share_a_round)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);
        g_auto(Part) early = part(import, "early", 100), late = part(import, "late", 100);

        sc_import_announce(import, false);
        sc_import_announce(import, true);
        gint64 start = g_get_monotonic_time();
        GThread *thread = g_thread_new("early", import_part, &early);
        g_usleep(G_USEC_PER_SEC / 4);
        bool is_early = is_there(store, &early);
        /* Longer than 2 s it waits for nobody. */
        ck_assert(!is_early || g_get_monotonic_time() - start > 2 * G_USEC_PER_SEC);
        import_part(&late);
        ck_assert(is_there(store, &early));
        ck_assert(is_there(store, &late));
        g_thread_join(thread);
}
END_TEST

/* While further layers are to be fetched, each is published as soon as it is here: so many waits would take longer than a test may.
 */
START_TEST(further_layers_are_not_waited_for)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);

        sc_import_announce(import, false);
        for (guint i = 0; i < 100; i++) {
                g_autofree char *name = g_strdup_printf("layer%u-", i);
                g_auto(Part) early = part(import, name, 1);
                sc_import_announce(import, false);
                import_part(&early);
                ck_assert(is_there(store, &early));
        }
        sc_import_withdraw(import);
}
END_TEST

/* Nor is one held back for ever by a last one that stalls. */
START_TEST(stalled_layer_is_not_waited_for)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);
        g_auto(Part) early = part(import, "early", 1);

        sc_import_announce(import, false);
        sc_import_announce(import, true);
        import_part(&early);
        ck_assert(is_there(store, &early));
        sc_import_withdraw(import);
}
END_TEST

/* libostree, which would make the file, too, forgets the reason. */
START_TEST(why_it_cannot_be_locked)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        const ScImportLimits limits = {.max_layer_size = 1};
        int fd = sc_repository_fd(store->repository);

        ck_assert(unlinkat(fd, ".lock", 0) == 0 || errno == ENOENT);
        ck_assert_int_eq(mkdirat(fd, ".lock", 0755), 0);
        ck_assert_ptr_null(sc_import_new(store->repository, &limits, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "/.lock: Is a directory");
        ck_assert_int_eq(unlinkat(fd, ".lock", AT_REMOVEDIR), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("publisher");
        TCase *tests = tcase_create("publisher");

        tcase_add_test(tests, last_layers_share_a_round);
        tcase_add_test(tests, further_layers_are_not_waited_for);
        tcase_add_test(tests, stalled_layer_is_not_waited_for);
        tcase_add_test(tests, why_it_cannot_be_locked);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
