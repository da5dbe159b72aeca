/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/path.h"
#include "bus/catalog.h"
#include "store/image.h"
#include "store/info.h"
#include "store.h"

#define MANIFEST "{\"schemaVersion\":2}\n"

typedef struct {
        Store *store;
        ScCatalog *catalog;
        GString *heard; /* what the listeners were told, a word each */
} Fixture;

static void hear(gpointer data, const char *what, const char *whom)
{
        g_string_append_printf(((Fixture *)data)->heard, "%s:%s ", what, whom);
}

static void on_container_added(gpointer data, const ScCatalogContainer *container)
{
        hear(data, "added", container->name);
}

static void on_container_changed(gpointer data, const ScCatalogContainer *container, char **properties)
{
        g_autofree char *all = g_strjoinv(",", properties);
        hear(data, all, container->name);
}

static void on_container_removed(gpointer data, const char *name)
{
        hear(data, "removed", name);
}

static void on_image_added(gpointer data, const ScCatalogImage *image)
{
        hear(data, "added", image->names[0]);
}

static void on_image_changed(gpointer data, const ScCatalogImage *image, char **properties)
{
        g_autofree char *all = g_strjoinv(",", properties);
        hear(data, all, image->names[0]);
}

static void on_image_removed(gpointer data, const char *id)
{
        hear(data, "removed", "image");
}

static void on_repository_changed(gpointer data)
{
}

static const ScCatalogSink sink = {
        .container_added = on_container_added,
        .container_changed = on_container_changed,
        .container_removed = on_container_removed,
        .image_added = on_image_added,
        .image_changed = on_image_changed,
        .image_removed = on_image_removed,
        .repository_changed = on_repository_changed,
};

static Fixture *fixture_new(void)
{
        Fixture *fixture = g_new0(Fixture, 1);

        fixture->store = store_new();
        fixture->store->config.preinstalled_path = g_build_filename(fixture->store->folder, "preinstalled", NULL);
        fixture->heard = g_string_new(NULL);
        fixture->catalog = sc_catalog_new(&fixture->store->config, &sink, fixture);
        return fixture;
}

static void fixture_free(Fixture *fixture)
{
        sc_catalog_free(fixture->catalog);
        g_free(fixture->store->config.preinstalled_path);
        store_free(fixture->store);
        g_string_free(fixture->heard, TRUE);
        g_free(fixture);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

static const char *refresh(Fixture *fixture)
{
        g_string_truncate(fixture->heard, 0);
        sc_catalog_refresh(fixture->catalog);
        return fixture->heard->str;
}

/* An image without layers; its id and the hex digits of its manifest's digest, which are made up. */
typedef struct {
        char id[SC_DIGEST_HEX_SIZE], manifest[SC_DIGEST_HEX_SIZE];
} Made;

static Made make_image(Fixture *fixture, const char *name, const char *seed)
{
        g_autoptr(ScImageInfo) info = sc_image_info_new();
        g_autoptr(ScImport) import = import_new(fixture->store);
        g_autoptr(GError) error = NULL;
        Made made;

        sc_digest_of(seed, strlen(seed), &info->config);
        sc_digest_of(name, strlen(name), &info->digest);
        info->config_size = strlen(seed);
        ck_assert(sc_import_config(import, &info->config, seed, strlen(seed), &error));
        sc_image_publish(fixture->store->repository, &(ScImageTarget){name, NULL}, MANIFEST, strlen(MANIFEST), info, &error);
        ck_assert_no_error(error);
        sc_digest_to_hex(&info->config, made.id);
        sc_digest_to_hex(&info->digest, made.manifest);
        return made;
}

static void make_slot(Fixture *fixture, const char *name, int slot, const char *revision)
{
        g_autofree char *folder = g_strdup_printf("%s/%s.%d", fixture->store->config.checkout_path, name, slot),
                        *path = g_build_filename(folder, "info", NULL), *text = g_strdup_printf("{\"revision\":\"%s\"}", revision);

        ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
        ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void make_container(Fixture *fixture, const char *name, const char *revision, const char *previous)
{
        g_autofree char *link = g_build_filename(fixture->store->config.checkout_path, name, NULL),
                        *target = g_strconcat(name, ".0", NULL);

        make_slot(fixture, name, 0, revision);
        if (previous != NULL)
                make_slot(fixture, name, 1, previous);
        ck_assert_int_eq(symlink(target, link), 0);
}

static char *users(Fixture *fixture, const Made *image)
{
        return g_strjoinv(" ", sc_catalog_image(fixture->catalog, image->id)->used_by);
}

/* By all that the atomic command has called an image; none is shown by anything but its id. */
START_TEST(test_used_by)
{
        g_autoptr(Fixture) fixture = fixture_new();
        Made one = make_image(fixture, "host/one:1", "{\"one\":1}"), two = make_image(fixture, "host/two:1", "{\"two\":2}");
        g_autofree char *ref = sc_ref_encode("host/one:1"), *commit = sc_repository_resolve(fixture->store->repository, ref, NULL),
                        *unknown = g_strnfill(64, 'e');

        make_container(fixture, "by-id", one.id, two.id);
        make_container(fixture, "by-commit", commit, NULL);
        make_container(fixture, "by-manifest", one.manifest, one.id);
        make_container(fixture, "other", two.id, two.manifest);
        make_container(fixture, "gone", unknown, NULL);
        make_container(fixture, "old", "", NULL);
        refresh(fixture);
        g_autofree char *of_one = users(fixture, &one), *of_two = users(fixture, &two);
        ck_assert_str_eq(of_one, "by-commit by-id by-manifest");
        ck_assert_str_eq(of_two, "by-id other");
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "by-commit")->image_id, one.id);
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "by-manifest")->image_id, one.id);
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "by-manifest")->previous, one.id);
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "other")->previous, two.id);
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "gone")->image_id, unknown);
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "old")->image_id, "");
        ck_assert_str_eq(refresh(fixture), "");

        /* Without the image its revision is all that is known. */
        ck_assert(sc_repository_drop_ref(fixture->store->repository, ref, NULL));
        const char *heard = refresh(fixture);
        ck_assert_ptr_nonnull(strstr(heard, "removed:image "));
        ck_assert_ptr_nonnull(strstr(heard, "ImageId:by-commit "));
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "by-commit")->image_id, commit);
}
END_TEST

static void remove_commit(Fixture *fixture, const char *name)
{
        g_autofree char *ref = sc_ref_encode(name), *commit = sc_repository_resolve(fixture->store->repository, ref, NULL);
        g_autofree char *path = g_strdup_printf("%s/objects/%.2s/%s.commit", sc_repository_path(fixture->store->repository), commit,
                                                commit + 2);

        ck_assert_int_eq(unlink(path), 0);
}

/* What a commit holds is read once. */
START_TEST(test_commits_are_read_once)
{
        g_autoptr(Fixture) fixture = fixture_new();
        Made one = make_image(fixture, "host/one:1", "{\"one\":1}");

        make_image(fixture, "host/two:1", "{\"two\":2}");
        refresh(fixture);
        remove_commit(fixture, "host/one:1");
        make_image(fixture, "host/three:1", "{\"three\":3}");
        ck_assert_str_eq(refresh(fixture), "added:host/three:1 ");
        ck_assert_ptr_nonnull(sc_catalog_image(fixture->catalog, one.id));

        /* Not any longer than a ref names it. */
        g_autofree char *ref = sc_ref_encode("host/one:1"), *commit = sc_repository_resolve(fixture->store->repository, ref, NULL);
        ck_assert(sc_repository_drop_ref(fixture->store->repository, ref, NULL));
        ck_assert_str_eq(refresh(fixture), "removed:image ");
        ck_assert(sc_repository_set_ref(fixture->store->repository, ref, commit, NULL));
        ck_assert_str_eq(refresh(fixture), "");
        ck_assert_ptr_null(sc_catalog_image(fixture->catalog, one.id));
}
END_TEST

static void iterate_until_heard(Fixture *fixture, const char *what)
{
        while (strstr(fixture->heard->str, what) == NULL)
                g_main_context_iteration(NULL, TRUE);
}

/* In place, as an editor may do: the file stays the same one, with the same size. */
static void write_over(Fixture *fixture, const char *name, char digit)
{
        g_autofree char *path = g_strdup_printf("%s/%s.0/info", fixture->store->config.checkout_path, name),
                        *revision = g_strnfill(64, digit), *text = g_strdup_printf("{\"revision\":\"%s\"}", revision);
        sc_autofd fd = open(path, O_WRONLY | O_CLOEXEC);

        ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

START_TEST(test_containers_change)
{
        g_autoptr(Fixture) fixture = fixture_new();
        g_autofree char *revision = g_strnfill(64, '0');

        make_container(fixture, "one", revision, NULL);
        make_container(fixture, "two", revision, NULL);
        refresh(fixture);
        write_over(fixture, "one", 'e');
        ck_assert_str_eq(refresh(fixture), "ImageId:one ");
        ck_assert_str_eq(refresh(fixture), "");
        /* without being asked */
        g_string_truncate(fixture->heard, 0);
        write_over(fixture, "two", 'f');
        iterate_until_heard(fixture, "ImageId:two ");
        make_slot(fixture, "two", 1, revision);
        ck_assert_str_eq(refresh(fixture), "Previous:two ");
        /* an image that comes, or goes, is linked to containers that nobody has looked at again */
        Made image = make_image(fixture, "host/one:1", "{\"one\":1}");
        make_container(fixture, "three", image.manifest, NULL);
        refresh(fixture);
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "three")->image_id, image.id);
        ck_assert(sc_repository_drop_ref(fixture->store->repository, "ociimage/host_2Fone_3A1", NULL));
        iterate_until_heard(fixture, "ImageId:three ");
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "three")->image_id, image.manifest);
        g_string_truncate(fixture->heard, 0);
        make_image(fixture, "host/one:1", "{\"one\":1}");
        iterate_until_heard(fixture, "ImageId:three ");
        ck_assert_str_eq(sc_catalog_container(fixture->catalog, "three")->image_id, image.id);
}
END_TEST

/* Nobody tells of what was there when a folder came: the next look that an image gives rise to sees it. */
START_TEST(test_folder_that_was_not_watched)
{
        g_autoptr(Fixture) fixture = fixture_new();
        g_autofree char *revision = g_strnfill(64, '0');
        ScConfig *config = &fixture->store->config;

        g_free(config->repository);
        config->repository = g_strdup(sc_repository_path(fixture->store->repository));
        g_free(config->checkout_path);
        config->checkout_path = g_build_filename(fixture->store->folder, "later", NULL);
        /* or the folder above it would be watched in its place */
        ck_assert_int_eq(g_mkdir(config->preinstalled_path, 0755), 0);
        refresh(fixture);
        make_container(fixture, "late", revision, NULL);
        ck_assert_ptr_null(sc_catalog_container(fixture->catalog, "late"));
        make_image(fixture, "host/one:1", "{\"one\":1}");
        iterate_until_heard(fixture, "added:host/one:1 ");
        ck_assert_ptr_nonnull(sc_catalog_container(fixture->catalog, "late"));
}
END_TEST

/* Layers come by the dozen while images are pulled: a list of them shows them, and nothing else is looked at. */
START_TEST(test_layers_alone)
{
        g_autoptr(Fixture) fixture = fixture_new();
        g_autoptr(GError) error = NULL;

        make_image(fixture, "host/one:1", "{\"one\":1}");
        refresh(fixture);
        ck_assert_uint_eq(sc_catalog_blobs(fixture->catalog, &error)->len, 1);
        g_autoptr(ScImport) import = import_new(fixture->store);
        ScDigest config;
        sc_digest_of("{}", 2, &config);
        ck_assert(sc_import_config(import, &config, "{}", 2, &error));
        ck_assert_no_error(error);
        while (sc_catalog_blobs(fixture->catalog, &error)->len == 1)
                g_main_context_iteration(NULL, TRUE);
        ck_assert_str_eq(fixture->heard->str, "added:host/one:1 ");

        make_image(fixture, "host/two:1", "{}");
        iterate_until_heard(fixture, "added:host/two:1 ");
}
END_TEST

/* An image that lacks a layer is whole again when that comes. */
START_TEST(test_dangling)
{
        g_autoptr(Fixture) fixture = fixture_new();
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();
        g_autoptr(ScImageInfo) info = sc_image_info_new();

        tar_file(tar, "file", 0644, "text");
        g_ptr_array_add(info->layers, store_add_layer(fixture->store, tar));
        g_autoptr(ScImport) import = import_new(fixture->store);
        sc_digest_of("{}", 2, &info->config);
        ck_assert(sc_import_config(import, &info->config, "{}", 2, &error));
        ck_assert(sc_image_publish(fixture->store->repository, &(ScImageTarget){"host/one:1", NULL}, MANIFEST, strlen(MANIFEST),
                                   info, &error));
        refresh(fixture);
        const ScLayerInfo *layer = info->layers->pdata[0];
        char ref[80] = SC_REF_PREFIX;
        sc_digest_to_hex(&layer->digest, ref + strlen(SC_REF_PREFIX));
        g_autofree char *commit = sc_repository_resolve(fixture->store->repository, ref, NULL);
        g_string_truncate(fixture->heard, 0);
        ck_assert(sc_repository_drop_ref(fixture->store->repository, ref, NULL));
        iterate_until_heard(fixture, "Dangling:host/one:1 ");
        g_string_truncate(fixture->heard, 0);
        ck_assert(sc_repository_set_ref(fixture->store->repository, ref, commit, NULL));
        iterate_until_heard(fixture, "Dangling:host/one:1 ");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("catalog");
        TCase *tcase = tcase_create("catalog");

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, test_used_by);
        tcase_add_test(tcase, test_commits_are_read_once);
        tcase_add_test(tcase, test_containers_change);
        tcase_add_test(tcase, test_folder_that_was_not_watched);
        tcase_add_test(tcase, test_layers_alone);
        tcase_add_test(tcase, test_dangling);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
