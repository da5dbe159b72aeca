/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/atomicfile.h"
#include "base/path.h"
#include "store/deployment.h"
#include "store/intent.h"
#include "test.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* As the atomic command wrote it: no key of ours, some of its own that we do not know. */
static const char atomic_info[] =
        "{\"image\": \"docker.io/x/etcd\", \"revision\": \"abc\", \"ostree-commit\": \"def\", \"created\": 1500000000.25,"
        " \"values\": {\"PORT\": \"1\", \"N\": 5}, \"has-container-service\": true, \"installed-files\": [\"/usr/bin/a\", "
        "\"/usr/bin/b\"],"
        " \"installed-files-checksum\": {\"/usr/bin/a\": \"11\"}, \"rename-installed-files\": {}, \"rpm-installed\": null,"
        " \"system-package\": \"no\", \"remote\": false, \"runtime\": \"/bin/runc\", \"someday\": [1, 2]}";

START_TEST(old_info_is_read_and_written_back_whole)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScInfo) info = sc_info_parse(atomic_info, strlen(atomic_info), "info", &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(info->image, "docker.io/x/etcd");
        ck_assert_int_eq(info->created, 1500000000);
        ck_assert_str_eq(g_hash_table_lookup(info->values, "N"), "5");
        ck_assert_str_eq(g_hash_table_lookup(info->installed_files, "/usr/bin/a"), "11");
        ck_assert_str_eq(g_hash_table_lookup(info->installed_files, "/usr/bin/b"), "");
        ck_assert_ptr_null(info->remote);
        ck_assert_ptr_null(info->set_values);
        ck_assert_ptr_null(info->deployment_id);
        ck_assert(info->use_links);

        info->bad_image = g_strdup("cafe");
        g_autofree char *text = sc_info_to_text(info);
        g_autoptr(ScInfo) again = sc_info_parse(text, strlen(text), "info", &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(again->bad_image, "cafe");
        ck_assert_ptr_null(again->set_values);
        ck_assert(json_object_has_member(again->unknown, "someday"));
        ck_assert(!json_object_has_member(again->unknown, "image"));
}
END_TEST

START_TEST(broken_info_is_an_error)
{
        static const char *const bad[] = {"",
                                          "{",
                                          "[]",
                                          "{\"image\": 1}",
                                          "{\"values\": []}",
                                          "{\"installed-files\": {}}",
                                          "{\"created\": \"x\"}",
                                          "{\"sysconsd\": {\"set-values\": 1}}"};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert_msg(sc_info_parse(bad[i], strlen(bad[i]), "info file", &error) == NULL, "accepted: %s", bad[i]);
                ck_assert_error(error, SC_ERROR_CORRUPT, "info file");
        }
}
END_TEST

typedef struct {
        char *path;
        ScConfig *config;
        int fd;
} Checkout;

static Checkout checkout_new(void)
{
        Checkout checkout = {.path = test_folder_new()};
        g_autoptr(GError) error = NULL;
        checkout.config = sc_config_load("/nonexistent", &error);
        ck_assert_no_error(error);
        g_free(checkout.config->checkout_path);
        checkout.config->checkout_path = g_build_filename(checkout.path, "checkout", NULL);
        g_free(checkout.config->preinstalled_path);
        checkout.config->preinstalled_path = g_build_filename(checkout.path, "preinstalled", NULL);
        checkout.fd = sc_checkout_open(checkout.config, true, &error);
        ck_assert_no_error(error);
        return checkout;
}

static void checkout_free(Checkout *checkout)
{
        sc_close(&checkout->fd);
        sc_config_free(checkout->config);
        test_folder_remove(checkout->path);
}

/* Builds a deployment whose info names `image`, and puts it into the slot. */
static void deploy(Checkout *checkout, const char *name, int slot, const char *image)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *hidden = NULL;
        sc_autofd fd = sc_slot_build(checkout->fd, name, slot, &hidden, &error);
        ck_assert_no_error(error);
        g_autoptr(ScInfo) info = sc_info_new();
        info->image = g_strdup(image);
        ck_assert(sc_info_write(fd, info, SC_WRITE_REPLACE, &error));
        ck_assert(sc_slot_place(checkout->fd, name, slot, hidden, &error));
        ck_assert_no_error(error);
}

START_TEST(slots_swap)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        deploy(&checkout, "a", 0, "one");
        ck_assert_int_eq(sc_slot_live(checkout.fd, "a"), -1);
        ck_assert(sc_slot_make_live(checkout.fd, "a", 0, SC_WRITE_REPLACE, &error));
        deploy(&checkout, "a", 1, "two");
        ck_assert(sc_slot_make_live(checkout.fd, "a", 1, SC_WRITE_REPLACE, &error));

        g_autoptr(ScDeployment) found = sc_deployment_find(checkout.config, "a", &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(found->slot, 1);
        ck_assert_str_eq(found->info->image, "two");
        ck_assert_str_eq(found->previous->image, "one");

        /* A taken slot is exchanged: what was there lies hidden until the sweep. */
        deploy(&checkout, "a", 0, "three");
        struct stat st;
        ck_assert_int_eq(sc_lstat(checkout.fd, "a.0/info", &st, NULL), 1);
        ck_assert(sc_slot_sweep(checkout.fd, "a", &error));
        g_autoptr(ScDeployment) again = sc_deployment_find(checkout.config, "a", &error);
        ck_assert_str_eq(again->previous->image, "three");
        ck_assert(sc_slot_make_live(checkout.fd, "a", -1, SC_WRITE_REPLACE, &error));
        ck_assert_ptr_null(sc_deployment_find(checkout.config, "b", &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "There is no container b");
        checkout_free(&checkout);
}
END_TEST

START_TEST(a_sweep_takes_only_its_own)
{
        Checkout checkout = checkout_new();
        static const char *const kept[] = {".a.0.more",   ".a.b.0.abcdef", ".ab.0.abcdef", ".a.2.abcdef",
                                           ".a.0.abc_ef", ".sysconsd",     "a.0",          ".a.folderXY"};
        static const char *const gone[] = {".a.0.abcdef", ".a.1.ABC123"};
        for (guint i = 0; i < G_N_ELEMENTS(kept); i++)
                mkdirat(checkout.fd, kept[i], 0755);
        for (guint i = 0; i < G_N_ELEMENTS(gone); i++)
                ck_assert_int_eq(mkdirat(checkout.fd, gone[i], 0755), 0);
        ck_assert_int_eq(symlinkat("a.0", checkout.fd, ".a.half0123"), 0);
        ck_assert_int_eq(symlinkat("ab.0", checkout.fd, ".ab.half0123"), 0);
        ck_assert(sc_slot_sweep(checkout.fd, "a", NULL));
        ck_assert_int_eq(sc_lstat(checkout.fd, ".a.half0123", NULL, NULL), 0);
        ck_assert_int_eq(sc_lstat(checkout.fd, ".ab.half0123", NULL, NULL), 1);
        for (guint i = 0; i < G_N_ELEMENTS(kept); i++)
                ck_assert_msg(sc_lstat(checkout.fd, kept[i], NULL, NULL) == 1, "gone: %s", kept[i]);
        for (guint i = 0; i < G_N_ELEMENTS(gone); i++)
                ck_assert_msg(sc_lstat(checkout.fd, gone[i], NULL, NULL) == 0, "kept: %s", gone[i]);
        checkout_free(&checkout);
}
END_TEST

START_TEST(one_broken_container_does_not_break_the_list)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        deploy(&checkout, "good", 0, "x");
        ck_assert(sc_slot_make_live(checkout.fd, "good", 0, SC_WRITE_REPLACE, NULL));
        deploy(&checkout, "bad", 0, "x");
        ck_assert(sc_slot_make_live(checkout.fd, "bad", 0, SC_WRITE_REPLACE, NULL));
        sc_autofd bad = sc_open_beneath(checkout.fd, "bad.0", O_RDONLY | O_DIRECTORY, 0, NULL);
        ck_assert(sc_write_file(bad, "info", "{", -1, 0600, SC_WRITE_REPLACE, NULL));
        ck_assert(sc_write_symlink(checkout.fd, "/etc", "astray", SC_WRITE_REPLACE, NULL));
        ck_assert_int_eq(g_mkdir_with_parents(checkout.config->preinstalled_path, 0755), 0);
        sc_autofd preinstalled = sc_open_dir(checkout.config->preinstalled_path, NULL);
        ck_assert_int_eq(mkdirat(preinstalled, "shipped", 0755), 0);
        ck_assert_int_eq(mkdirat(preinstalled, "good", 0755), 0);

        g_autoptr(GPtrArray) list = sc_deployment_list(checkout.config, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(list->len, 4);
        const ScDeployment *astray = list->pdata[0], *broken = list->pdata[1], *good = list->pdata[2], *shipped = list->pdata[3];
        ck_assert(astray->info == NULL && strstr(astray->broken, "does not point to") != NULL);
        ck_assert(broken->info == NULL && broken->broken != NULL);
        ck_assert(good->info != NULL && !good->preinstalled && good->broken == NULL);
        ck_assert(shipped->preinstalled && shipped->slot == -1);
        checkout_free(&checkout);
}
END_TEST

/* Its service may run: it is not gone, as it would be while an uninstall is half-way. */
START_TEST(a_lost_link_is_a_broken_container)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        deploy(&checkout, "a", 0, "x");
        deploy(&checkout, "a", 1, "x");
        ck_assert_int_eq(mkdirat(checkout.fd, "folder.0", 0755), 0);
        g_autoptr(GPtrArray) list = sc_deployment_list(checkout.config, &error);
        g_autoptr(ScDeployment) found = sc_deployment_find(checkout.config, "a", &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(list->len, 1);
        const ScDeployment *listed = list->pdata[0];
        ck_assert(strcmp(listed->name, "a") == 0 && listed->slot == -1 && listed->info == NULL);
        ck_assert(found->slot == -1 && strstr(found->broken, "does not point to a.0 or a.1") != NULL);

        g_autoptr(ScIntent) intent = sc_intent_new("a", "uninstall");
        ck_assert(sc_intent_write(checkout.fd, intent, &error));
        g_autoptr(GPtrArray) meanwhile = sc_deployment_list(checkout.config, &error);
        ck_assert_uint_eq(meanwhile->len, 0);
        ck_assert_ptr_null(sc_deployment_find(checkout.config, "a", &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "There is no container a");
        checkout_free(&checkout);
}
END_TEST

/* The atomic command has left no folders of ours. */
START_TEST(a_checkout_path_without_state_can_be_locked)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        ck_assert(sc_remove_tree(checkout.fd, SC_STATE_DIR, &error));
        sc_autofd fd G_GNUC_UNUSED = sc_checkout_open_to_lock(checkout.config, &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(sc_lstat(checkout.fd, SC_LOCK_DIR, NULL, NULL), 1);
        g_free(checkout.config->checkout_path);
        checkout.config->checkout_path = g_strdup("/nonexistent/path");
        ck_assert_int_eq(sc_checkout_open_to_lock(checkout.config, &error), -1);
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "/nonexistent");
        checkout_free(&checkout);
}
END_TEST

START_TEST(intents_round_trip)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(ScIntent) intent = sc_intent_new("a", "update");
        intent->phase = SC_INTENT_TRIAL;
        intent->was_active = true;
        intent->settling_time = 7;
        intent->old.slot = 0;
        intent->new.slot = 1;
        intent->new.id = g_strdup("id");
        intent->new.hidden = g_strdup(".a.1.abcdef");
        ck_assert(sc_intent_write(checkout.fd, intent, &error));
        g_auto(GStrv) names = sc_intent_list(checkout.fd, &error);
        ck_assert_uint_eq(g_strv_length(names), 1);
        ck_assert_str_eq(names[0], "a");
        g_autoptr(ScIntent) back = sc_intent_read(checkout.fd, "a", &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(back->phase, SC_INTENT_TRIAL);
        ck_assert(back->was_active && !back->was_enabled && !back->bad);
        ck_assert_uint_eq(back->settling_time, 7);
        ck_assert_int_eq(back->old.slot, 0);
        ck_assert_str_eq(back->new.hidden, ".a.1.abcdef");
        ck_assert_str_eq(back->boot_id, intent->boot_id);
        ck_assert(sc_intent_remove(checkout.fd, "a", &error));
        ck_assert_ptr_null(sc_intent_read(checkout.fd, "a", &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "a.json");
        checkout_free(&checkout);
}
END_TEST

/* A kill in the middle of writing one: nothing else may tell that the container was being changed. */
START_TEST(half_written_intents_are_swept)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        sc_autofd folder = sc_open_beneath(checkout.fd, SC_INTENT_DIR, O_RDONLY | O_DIRECTORY, 0, NULL);
        static const char *const left[] = {".a.json.AbCd0123", ".a.json.x.json.AbCd0123"};
        for (guint i = 0; i < G_N_ELEMENTS(left); i++)
                ck_assert(sc_write_file(folder, left[i], "{", -1, 0600, SC_WRITE_NEW, NULL));
        g_auto(GStrv) names = sc_intent_list(checkout.fd, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(g_strv_length(names), 2);
        ck_assert(g_strv_contains((const char *const *)names, "a") && g_strv_contains((const char *const *)names, "a.json.x"));
        ck_assert(sc_intent_sweep(checkout.fd, "a", &error));
        ck_assert_int_eq(sc_lstat(folder, left[0], NULL, NULL), 0);
        ck_assert_int_eq(sc_lstat(folder, left[1], NULL, NULL), 1);
        ck_assert(sc_intent_remove(checkout.fd, "a.json.x", &error));
        ck_assert_int_eq(sc_lstat(folder, left[1], NULL, NULL), 0);
        checkout_free(&checkout);
}
END_TEST

START_TEST(slot_that_cannot_be_opened_is_not_left)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *hidden = NULL;
        struct rlimit usual;
        int lowest = dup(checkout.fd); /* the number that the next descriptor would have */
        close(lowest);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
        const struct rlimit none = {.rlim_cur = (rlim_t)lowest, .rlim_max = usual.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        int fd = sc_slot_build(checkout.fd, "a", 0, &hidden, &error);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
        ck_assert_int_lt(fd, 0);
        ck_assert_error(error, SC_ERROR_FAILED, "Too many open files");
        g_clear_error(&error);
        g_auto(GStrv) left = sc_slot_leftovers(checkout.fd, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(g_strv_length(left), 0);
        checkout_free(&checkout);
}
END_TEST

START_TEST(half_written_info_is_swept)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        deploy(&checkout, "a", 0, "x");
        sc_autofd slot = sc_open_beneath(checkout.fd, "a.0", O_RDONLY | O_DIRECTORY, 0, NULL);
        ck_assert(sc_write_file(slot, ".info.AbCd0123", "{", -1, 0600, SC_WRITE_NEW, NULL));
        g_autoptr(ScInfo) info = sc_info_read(slot, "info", &error);
        ck_assert(sc_info_write(slot, info, SC_WRITE_REPLACE, &error));
        ck_assert_int_eq(sc_lstat(slot, ".info.AbCd0123", NULL, NULL), 0);
        checkout_free(&checkout);
}
END_TEST

/* Whoever asks whether an image is used must not take it for unused. */
START_TEST(a_container_that_cannot_be_read_just_now_is_no_other)
{
        Checkout checkout = checkout_new();
        g_autoptr(GError) error = NULL;
        deploy(&checkout, "a", 0, "x");
        ck_assert(sc_slot_make_live(checkout.fd, "a", 0, SC_WRITE_REPLACE, NULL));
        sc_autofd slot = sc_open_beneath(checkout.fd, "a.0", O_RDONLY | O_DIRECTORY, 0, NULL);
        ck_assert(sc_write_file(slot, "info", "{", -1, 0600, SC_WRITE_REPLACE, NULL));
        g_autoptr(GPtrArray) damaged = sc_deployment_list_all(checkout.config, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(damaged->len, 1);
        ck_assert(sc_write_symlink(slot, "elsewhere", "info", SC_WRITE_REPLACE, NULL));
        ck_assert_ptr_null(sc_deployment_list_all(checkout.config, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "Cannot tell which image the container a has");
        g_autoptr(GPtrArray) list = sc_deployment_list(checkout.config, NULL);
        ck_assert_uint_eq(list->len, 1);
        checkout_free(&checkout);
}
END_TEST

/* An intent is acted upon as root: what could lead out of the checkout path is no intent. */
START_TEST(bad_intents_are_refused)
{
        static const char shape[] =
                "{\"version\":%s,\"container\":%s,\"operation\":\"update\",\"phase\":%s,\"boot-id\":\"b\",\"was-active\":true,"
                "\"was-enabled\":true,\"old\":{\"slot\":0},\"new\":{\"slot\":%s,\"hidden\":%s}}";
        static const struct {
                const char *version, *container, *phase, *slot, *hidden;
                bool good;
        } cases[] = {
                {"1", "\"a\"", "\"change\"", "1", "\".a.1.abcdef\"", true},
                {"2", "\"a\"", "\"change\"", "1", "\".a.1.abcdef\"", false},
                {"1", "\"../a\"", "\"change\"", "1", "\".a.1.abcdef\"", false},
                {"1", "\"a\"", "\"nonsense\"", "1", "\".a.1.abcdef\"", false},
                {"1", "\"a\"", "\"change\"", "2", "\".a.1.abcdef\"", false},
                {"1", "\"a\"", "\"change\"", "1", "\"a.0\"", false},
                {"1", "\"a\"", "\"change\"", "1", "\"..\"", false},
                {"1", "\"a\"", "\"change\"", "1", "\".a/../../etc\"", false},
                {"1", "\"a\"", "\"change\"", "1", "\".sysconsd\"", false},
                {"1", "\"a\"", "\"change\"", "1", "\".b.1.abcdef\"", false},
                {"1", "\"a\"", "\"change\"", "1", "5", false},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(GString) text = g_string_new(shape);
                const char *parts[] = {cases[i].version, cases[i].container, cases[i].phase, cases[i].slot, cases[i].hidden};
                for (guint part = 0; part < G_N_ELEMENTS(parts); part++)
                        g_string_replace(text, "%s", parts[part], 1);
                g_autoptr(ScIntent) intent = sc_intent_parse(text->str, text->len, "intent", &error);
                ck_assert_msg((intent != NULL) == cases[i].good, "case %u: %s", i, error != NULL ? error->message : "accepted");
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("deployment");
        TCase *tcase = tcase_create("deployment");
        tcase_add_test(tcase, old_info_is_read_and_written_back_whole);
        tcase_add_test(tcase, broken_info_is_an_error);
        tcase_add_test(tcase, slots_swap);
        tcase_add_test(tcase, slot_that_cannot_be_opened_is_not_left);
        tcase_add_test(tcase, a_sweep_takes_only_its_own);
        tcase_add_test(tcase, one_broken_container_does_not_break_the_list);
        tcase_add_test(tcase, a_lost_link_is_a_broken_container);
        tcase_add_test(tcase, a_checkout_path_without_state_can_be_locked);
        tcase_add_test(tcase, intents_round_trip);
        tcase_add_test(tcase, half_written_intents_are_swept);
        tcase_add_test(tcase, half_written_info_is_swept);
        tcase_add_test(tcase, a_container_that_cannot_be_read_just_now_is_no_other);
        tcase_add_test(tcase, bad_intents_are_refused);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
