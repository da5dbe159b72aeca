/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/image.h"
#include "store/layer-list.h"
#include "store.h"

static char *path_in(Store *store, const char *name)
{
        return g_build_filename(sc_repository_path(store->repository), name, NULL);
}

static void put(Store *store, const char *name, const char *text, gssize size)
{
        g_autofree char *path = path_in(store, name);
        ck_assert(g_file_set_contents(path, text, size, NULL));
}

static ScRepositoryView *view_of(Store *store)
{
        g_autoptr(GError) error = NULL;
        ScRepositoryView *view = sc_repository_view_open(&store->config, &error);
        ck_assert_no_error(error);
        return view;
}

/* What libostree writes is read as libostree reads it. */
START_TEST(test_as_libostree)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *commit = store_commit_manifest(store, "ociimage/one_3Alatest", "{}");
        g_autofree char *elsewhere G_GNUC_UNUSED = store_commit_manifest(store, "other/branch", "{\"other\":1}");
        g_autoptr(ScRepositoryView) view = view_of(store);
        g_autoptr(GVariant) theirs = NULL;

        g_autoptr(GPtrArray) refs = sc_repository_view_refs(view, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(refs->len, 1);
        ck_assert_str_eq(refs->pdata[0], "ociimage/one_3Alatest");
        g_autofree char *resolved = sc_repository_view_resolve(view, "ociimage/one_3Alatest", &error);
        ck_assert_str_eq(resolved, commit);
        g_autoptr(GVariant) ours = sc_repository_view_commit(view, commit, &error);
        ck_assert_no_error(error);
        ck_assert(ostree_repo_load_commit(sc_repository_ostree(store->repository), commit, &theirs, NULL, &error));
        ck_assert(g_variant_equal(ours, theirs));
        ck_assert_int_eq(sc_commit_time(ours), (gint64)ostree_commit_get_timestamp(theirs));
        ck_assert_int_gt(sc_commit_time(ours), 1700000000);
        g_autoptr(GVariant) metadata = sc_commit_metadata(ours);
        ck_assert_uint_eq(g_variant_n_children(metadata), 1);
}
END_TEST

/* `ostree refs --create --alias` makes such links; one that leads out of the repository is none. */
START_TEST(test_aliases)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *commit = store_commit_manifest(store, "ociimage/one_3Alatest", "{}");
        g_autofree char *alias = path_in(store, "refs/heads/ociimage/alias_3Alatest"),
                        *out = path_in(store, "refs/heads/ociimage/out"),
                        *climbing = path_in(store, "refs/heads/ociimage/climbing"),
                        *dangling = path_in(store, "refs/heads/ociimage/none"), *text = g_strconcat(commit, "\n", NULL),
                        *file = g_build_filename(store->folder, "file", NULL);

        ck_assert(ostree_repo_set_alias_ref_immediate(sc_repository_ostree(store->repository), NULL, "ociimage/alias_3Alatest",
                                                      "ociimage/one_3Alatest", NULL, &error));
        ck_assert(g_file_test(alias, G_FILE_TEST_IS_SYMLINK));
        ck_assert(g_file_set_contents(file, text, -1, NULL));
        ck_assert_int_eq(symlink(file, out), 0);
        ck_assert_int_eq(symlink("../../../../../file", climbing), 0);
        ck_assert_int_eq(symlink("gone", dangling), 0);
        g_autoptr(ScRepositoryView) view = view_of(store);
        g_autofree char *resolved = sc_repository_view_resolve(view, "ociimage/alias_3Alatest", &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(resolved, commit);
        const char *const none[] = {"ociimage/out", "ociimage/climbing", "ociimage/none", "ociimage/never"};
        for (guint i = 0; i < G_N_ELEMENTS(none); i++) {
                ck_assert_ptr_null(sc_repository_view_resolve(view, none[i], &error));
                ck_assert_error(error, SC_ERROR_NOT_FOUND, none[i]);
                g_clear_error(&error);
        }
        g_autoptr(GPtrArray) images = sc_image_list(view, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(images->len, 1);
        g_autofree char *names = g_strjoinv(" ", ((ScImage *)images->pdata[0])->names);
        ck_assert_str_eq(names, "alias:latest one:latest");
}
END_TEST

/* What hides no other: files of other programs, folders, refs and commits that cannot be read. */
START_TEST(test_beside_others)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *good G_GNUC_UNUSED = store_commit_manifest(store, "ociimage/good_3A1", "{}"),
                              *in_folder G_GNUC_UNUSED = store_commit_manifest(store, "ociimage/folder/inside", "{\"in\":1}"),
                              *cut = store_commit_manifest(store, "ociimage/cut_3A1", "{\"cut\":1}");
        g_autofree char *missing = g_strnfill(64, 'a'), *long_ref = g_strnfill(2000, 'b'), *blob = g_strnfill(64, 'c'),
                        *blob_ref = g_strconcat("refs/heads/ociimage/", blob, NULL),
                        *name = g_strdup_printf("objects/%.2s/%s.commit", cut, cut + 2), *cut_path = path_in(store, name);

        put(store, "refs/heads/ociimage/.rsync_info", "whatever", -1);
        put(store, "refs/heads/ociimage/missing_3A1", missing, -1);
        put(store, "refs/heads/ociimage/empty_3A1", "", 0);
        put(store, "refs/heads/ociimage/long_3A1", long_ref, -1);
        put(store, blob_ref, "nonsense", -1);
        ck_assert_int_eq(truncate(cut_path, 40), 0);
        g_autoptr(ScRepositoryView) view = view_of(store);
        g_autoptr(GPtrArray) images = sc_image_list(view, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(images->len, 1);
        ck_assert_str_eq(((ScImage *)images->pdata[0])->names[0], "good:1");
        g_autoptr(GPtrArray) blobs = sc_blob_list(view, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(blobs->len, 1);
        ck_assert_uint_eq(((ScBlob *)blobs->pdata[0])->size, 0);
        const struct {
                const char *ref;
                const char *part;
        } corrupt[] = {{"ociimage/empty_3A1", "names no commit"}, {"ociimage/long_3A1", "larger than"}};
        for (guint i = 0; i < G_N_ELEMENTS(corrupt); i++) {
                ck_assert_ptr_null(sc_repository_view_resolve(view, corrupt[i].ref, &error));
                ck_assert_error(error, SC_ERROR_CORRUPT, corrupt[i].part);
                g_clear_error(&error);
        }
        ck_assert_ptr_null(sc_repository_view_commit(view, missing, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, missing);
        g_clear_error(&error);
        ck_assert_ptr_null(sc_repository_view_commit(view, "../../config", &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "not the checksum");
        g_clear_error(&error);
        ck_assert_ptr_null(sc_repository_view_commit(view, cut, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "damaged");
        g_clear_error(&error);
        /* nothing may be called unused while it is not known what an image holds */
        g_autoptr(GHashTable) held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        ck_assert(!sc_image_held_refs(store->repository, held, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "Image cut:1");
}
END_TEST

START_TEST(test_large_commit)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *commit = store_commit_manifest(store, "ociimage/a", "{}");
        g_autofree char *name = g_strdup_printf("objects/%.2s/%s.commit", commit, commit + 2), *path = path_in(store, name);

        ck_assert_int_eq(truncate(path, SC_COMMIT_MAX_SIZE + 1), 0);
        g_autoptr(ScRepositoryView) view = view_of(store);
        ck_assert_ptr_null(sc_repository_view_commit(view, commit, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "larger than");
}
END_TEST

static void check_config(Store *store, const char *config, const char *part)
{
        g_autoptr(GError) error = NULL;
        put(store, "config", config, -1);
        g_autoptr(ScRepositoryView) view = sc_repository_view_open(&store->config, &error);
        if (part == NULL) {
                ck_assert_no_error(error);
                return;
        }
        ck_assert_ptr_null(view);
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, part);
}

START_TEST(test_modes)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;

        check_config(store, "[core]\nrepo_version=1\nmode=archive-z2\n", "the mode archive-z2, and only bare");
        check_config(store, "[core]\nrepo_version=1\nmode=bare-user\n", "the mode bare-user, and only bare");
        check_config(store, "[core]\nmode=bare\n", "the version ''");
        check_config(store, "[core]\nrepo_version=2\nmode=bare\n", "the version '2'");
        check_config(store, "[core]\nrepo_version=1\n", NULL);
        check_config(store, "[core]\nrepo_version=1\nmode=bare\n[remote \"x\"]\nurl=https://example.com\n", NULL);
        put(store, "config", "nonsense", -1);
        ck_assert_ptr_null(sc_repository_view_open(&store->config, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "configuration of the repository");
        g_clear_error(&error);

        g_autofree char *path = path_in(store, "config");
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_ptr_null(sc_repository_view_open(&store->config, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "made by the first pull");
}
END_TEST

static void remake(Store *store, const char *what)
{
        g_autofree char *command = g_strdup_printf("cd '%s' && rm -rf .storage && mkdir .storage && cd .storage && %s",
                                                   store->config.checkout_path, what);
        g_clear_pointer(&store->repository, sc_repository_free);
        ck_assert_int_eq(system(command), 0);
}

/* Without its objects/ a repository is none yet: nobody finds it, and who needs one completes it. */
START_TEST(test_interrupted_when_it_was_made)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;

        remake(store, "mkdir ostree && printf '[core]\nrepo_version=1\nmode=bare\n' >ostree/config");
        ck_assert_ptr_null(sc_repository_open(&store->config, SC_REPOSITORY_READ, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "epository");
        store_reopen(store);
        g_autofree char *commit G_GNUC_UNUSED = store_commit_manifest(store, "ociimage/one_3Alatest", "{}");

        remake(store, "mkdir -p .ostree.made-by-sysconsd.a1B2c3D4/tmp .ostree.original/objects");
        store_reopen(store);
        g_autofree char *commit_again G_GNUC_UNUSED = store_commit_manifest(store, "ociimage/one_3Alatest", "{}");
        g_autofree char *parent = g_build_filename(store->config.checkout_path, ".storage", NULL);
        g_autoptr(GDir) listing = g_dir_open(parent, 0, NULL);
        /* what an administrator keeps there is his */
        for (guint i = 0; i < 2; i++) {
                const char *name = g_dir_read_name(listing);
                ck_assert(g_str_equal(name, "ostree") || g_str_equal(name, ".ostree.original"));
        }
        ck_assert_ptr_null(g_dir_read_name(listing));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("repository-view");
        TCase *tcase = tcase_create("repository-view");

        tcase_add_test(tcase, test_as_libostree);
        tcase_add_test(tcase, test_aliases);
        tcase_add_test(tcase, test_beside_others);
        tcase_add_test(tcase, test_large_commit);
        tcase_add_test(tcase, test_modes);
        tcase_add_test(tcase, test_interrupted_when_it_was_made);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
