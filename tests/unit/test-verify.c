/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/error.h"
#include "base/path.h"
#include "store/object-check.h"
#include "store/verify.h"
#include "store.h"
#include <sys/resource.h>

#define MANIFEST "{\"schemaVersion\":2}"
#define CONFIG "{}"
#define NAME "host/image:1"

/* All kinds of entries, with a file that two names share and one that two layers do. */
static GBytes *layer_bytes(void)
{
        Tar *tar = tar_new();

        tar_file(tar, "bin/tool", 04755, "#!/bin/sh\n");
        tar_file(tar, "etc/one", 0644, "shared");
        tar_file(tar, "etc/two", 0644, "shared");
        tar_file(tar, "etc/empty", 0600, "");
        tar_symlink(tar, "etc/link", "one");
        return tar_end(tar);
}

typedef struct {
        Store *store;
        GBytes *bytes;
        ScImageInfo *info;
        ScImage *image;
} Fixture;

static Fixture fixture;

static void setup(void)
{
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();

        fixture.store = store_new();
        fixture.bytes = layer_bytes();
        fixture.info = sc_image_info_new();
        g_autoptr(ScImport) import = import_new(fixture.store);
        ScLayerInfo *layer = layer_info(fixture.bytes);
        import_layer(import, layer, fixture.bytes, &error);
        ck_assert_no_error(error);
        g_ptr_array_add(fixture.info->layers, layer);
        tar_file(tar, "upper", 0644, "shared");
        g_ptr_array_add(fixture.info->layers, store_add_layer(fixture.store, tar));
        sc_digest_of(CONFIG, strlen(CONFIG), &fixture.info->config);
        sc_digest_of(MANIFEST, strlen(MANIFEST), &fixture.info->digest);
        fixture.info->config_size = strlen(CONFIG);
        fixture.info->source = g_strdup("registry");
        ck_assert(sc_import_config(import, &fixture.info->config, CONFIG, strlen(CONFIG), &error));
        ck_assert(sc_image_publish(fixture.store->repository, &(ScImageTarget){NAME, NULL}, MANIFEST, strlen(MANIFEST),
                                   fixture.info, &error));
        fixture.image = sc_image_find(fixture.store->repository, NAME, &error);
        ck_assert_no_error(error);
}

static void teardown(void)
{
        sc_image_free(fixture.image);
        sc_image_info_free(fixture.info);
        g_bytes_unref(fixture.bytes);
        store_free(fixture.store);
}

static ScVerdict *verify(void)
{
        g_autoptr(GError) error = NULL;
        ScVerdict *verdict = sc_verify_image(fixture.store->repository, fixture.image, NULL, NULL, &error);

        ck_assert_no_error(error);
        return verdict;
}

/* "WHERE WHAT" of each finding, the layers by their number, sorted. */
static char *told(const ScVerdict *verdict)
{
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < verdict->findings->len; i++) {
                const ScFinding *finding = verdict->findings->pdata[i];
                g_autofree char *layer = g_strdup(finding->layer);
                for (guint k = 0; k < fixture.info->layers->len; k++) {
                        g_autofree char *digest = sc_digest_to_string(&((ScLayerInfo *)fixture.info->layers->pdata[k])->digest);
                        if (strcmp(digest, layer) == 0) {
                                g_free(layer);
                                layer = g_strdup_printf("%u", k);
                        }
                }
                g_ptr_array_add(lines, g_strdup_printf("%s:%s %s", layer, finding->path, finding->what));
        }
        g_ptr_array_add(lines, NULL);
        return g_strjoinv("\n", (char **)lines->pdata);
}

/* The place in objects/ of a file of the layers. */
static char *object_of(const char *path)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScTree) tree = sc_tree_merge(fixture.store->repository, fixture.info->layers, NULL, &error);
        ck_assert_no_error(error);
        const ScNode *node = sc_node_lookup((ScNode *)sc_tree_root(tree), path);
        char object[SC_OBJECT_PATH_SIZE];

        ck_assert_ptr_nonnull(node);
        sc_object_path(SC_OBJECT_FILE, node->file, object);
        return g_strdup(object);
}

/* The id of an object, from its place: XX/YY....file. */
static char *hex_of(char *object)
{
        object[2] = object[1];
        object[1] = object[0];
        *strchr(object, '.') = '\0';
        return object + 1;
}

static void write_into(const char *object, const char *text)
{
        sc_autofd fd = openat(sc_repository_objects_fd(fixture.store->repository), object, O_WRONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(whole)
{
        g_autoptr(ScVerdict) verdict = verify();

        ck_assert_uint_eq(verdict->n_findings, 0);
        ck_assert_uint_eq(verdict->layers->len, 0);
        ck_assert(!verdict->manifest && !verdict->config);
        /* tool, shared, empty, link, the configuration, the manifest: each once */
        ck_assert_uint_eq(verdict->files, 6);
}
END_TEST

START_TEST(a_shared_file_is_named_everywhere)
{
        g_autofree char *object = object_of("etc/one");
        write_into(object, "SHARED");
        g_autoptr(ScVerdict) verdict = verify();
        g_autofree char *lines = told(verdict);

        ck_assert_str_eq(lines, "0:etc/one is changed\n0:etc/two is changed\n1:upper is changed");
        ck_assert_uint_eq(verdict->n_findings, 3);
        ck_assert_uint_eq(verdict->layers->len, 2);
        ck_assert_uint_eq(g_hash_table_size(verdict->objects), 1);
        ck_assert(g_hash_table_contains(verdict->objects, object));
}
END_TEST

START_TEST(what_is_missing)
{
        g_autofree char *object = object_of("etc/link");
        ck_assert_int_eq(unlinkat(sc_repository_objects_fd(fixture.store->repository), object, 0), 0);
        g_autoptr(ScVerdict) verdict = verify();
        g_autofree char *lines = told(verdict);

        ck_assert_str_eq(lines, "0:etc/link is missing");
        ck_assert_uint_eq(g_hash_table_size(verdict->objects), 0);
}
END_TEST

START_TEST(what_no_object_is)
{
        g_autofree char *object = object_of("bin/tool");
        int objects_fd = sc_repository_objects_fd(fixture.store->repository);

        ck_assert_int_eq(unlinkat(objects_fd, object, 0), 0);
        ck_assert_int_eq(mkfifoat(objects_fd, object, 0644), 0); /* nobody may wait for a writer */
        g_autoptr(ScVerdict) verdict = verify();
        g_autofree char *lines = told(verdict);
        ck_assert_str_eq(lines, "0:bin/tool is changed");
}
END_TEST

/* Of the same size and with the same metadata: only the bytes say that it is damaged, and whoever is not told believes it. */
/* Its hash is right: somebody has written it so. */
START_TEST(a_folder_of_a_wrong_format)
{
        OstreeRepo *ostree = sc_repository_ostree(fixture.store->repository);
        const ScLayerInfo *layer = fixture.info->layers->pdata[0];
        g_autofree char *ref = sc_layer_ref(&layer->digest);
        g_autoptr(GFile) root = NULL;
        g_autoptr(GError) error = NULL;

        ck_assert(ostree_repo_read_commit(ostree, ref, &root, NULL, NULL, NULL));
        ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(root), NULL));
        g_autofree char *damaged = store_write_damaged_tree(ostree);
        store_turn_layer(ostree, layer, damaged, ostree_repo_file_tree_get_metadata_checksum(OSTREE_REPO_FILE(root)));
        ck_assert_ptr_null(sc_verify_image(fixture.store->repository, fixture.image, NULL, NULL, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, ".dirtree has a wrong format");
}
END_TEST

START_TEST(a_distrusted_object_is_replaced)
{
        g_autofree char *object = object_of("etc/one");
        g_autoptr(GError) error = NULL;
        struct stat before, after;
        int objects_fd = sc_repository_objects_fd(fixture.store->repository);

        write_into(object, "SHARED");
        ck_assert_int_eq(fstatat(objects_fd, object, &before, AT_SYMLINK_NOFOLLOW), 0);
        for (unsigned distrusted = 0; distrusted < 2; distrusted++) {
                if (distrusted == 1)
                        sc_repository_distrust(fixture.store->repository, object);
                g_autoptr(ScImport) import = import_new(fixture.store);
                import_layer(import, fixture.info->layers->pdata[0], fixture.bytes, &error);
                ck_assert_no_error(error);
                g_autoptr(ScVerdict) verdict = verify();
                ck_assert_uint_eq(verdict->n_findings, distrusted == 1 ? 0 : 3);
        }
        /* another file, not the old one written over: somebody may be using that */
        ck_assert_int_eq(fstatat(objects_fd, object, &after, AT_SYMLINK_NOFOLLOW), 0);
        ck_assert(before.st_ino != after.st_ino);
        store_check(fixture.store);
}
END_TEST

/* What cannot be read for want of something is not damaged. */
START_TEST(nothing_can_be_opened)
{
        g_autofree char *object = object_of("etc/one");
        g_autoptr(GError) walked = NULL, checked = NULL;
        struct rlimit before, none;
        ScDigest id;
        bool is_whole;

        ck_assert(sc_digest_parse_hex(hex_of(object), &id, NULL));
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = before;
        none.rlim_cur = 0;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        ScVerdict *verdict = sc_verify_image(fixture.store->repository, fixture.image, NULL, NULL, &walked);
        bool told = sc_object_check(fixture.store->repository, &id, NULL, NULL, &is_whole, &checked);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_ptr_null(verdict);
        ck_assert_str_eq(g_strrstr(walked->message, ": "), ": Too many open files");
        ck_assert(!told);
        ck_assert_str_eq(g_strrstr(checked->message, ": "), ": Too many open files");
        ck_assert(sc_object_check(fixture.store->repository, &id, NULL, NULL, &is_whole, NULL) && is_whole);
}
END_TEST

START_TEST(cancelled)
{
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GError) error = NULL;

        g_cancellable_cancel(cancellable);
        ck_assert_ptr_null(sc_verify_image(fixture.store->repository, fixture.image, NULL, cancellable, &error));
        ck_assert(g_error_matches(error, SC_ERROR, SC_ERROR_CANCELLED));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("verify");
        TCase *tests = tcase_create("verify");

        tcase_set_timeout(tests, 300);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, whole);
        tcase_add_test(tests, a_shared_file_is_named_everywhere);
        tcase_add_test(tests, what_is_missing);
        tcase_add_test(tests, what_no_object_is);
        tcase_add_test(tests, a_folder_of_a_wrong_format);
        tcase_add_test(tests, a_distrusted_object_is_replaced);
        tcase_add_test(tests, nothing_can_be_opened);
        tcase_add_test(tests, cancelled);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
