/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/foreign.h"
#include "store/image.h"
#include "store/layer.h"
#include "store/verify.h"
#include "store/layer-list.h"
#include "store.h"
#include <glib/gstdio.h>

#define MANIFEST "{\"schemaVersion\":2,\"note\":\"byte for byte\"}\n"

/* An image of one layer; the seed makes its configuration, and so its id. */
static ScImageInfo *image_info(Store *store, const char *seed)
{
        ScImageInfo *info = sc_image_info_new();
        g_autoptr(ScImport) import = NULL;
        g_autoptr(GError) error = NULL;
        Tar *tar = tar_new();

        tar_file(tar, "file", 0644, "the same in all images");
        g_ptr_array_add(info->layers, store_add_layer(store, tar));
        sc_digest_of(seed, strlen(seed), &info->config);
        sc_digest_of(MANIFEST, strlen(MANIFEST), &info->digest);
        info->config_size = strlen(seed);
        info->architecture = g_strdup("amd64");
        info->os = g_strdup("linux");
        import = import_new(store);
        ck_assert(sc_import_config(import, &info->config, seed, strlen(seed), &error));
        return info;
}

static void publish(Store *store, const char *name, const ScImageInfo *info)
{
        g_autoptr(GError) error = NULL;

        sc_image_publish(store->repository, &(ScImageTarget){name, NULL}, MANIFEST, strlen(MANIFEST), info, &error);
        ck_assert_no_error(error);
}

static char *names(const ScImage *image)
{
        return g_strjoinv(" ", image->names);
}

START_TEST(test_publish_and_list)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) one = image_info(store, "{\"one\":1}"), two = image_info(store, "{\"two\":2}");
        g_autoptr(GError) error = NULL;
        char hex[SC_DIGEST_HEX_SIZE];

        g_autoptr(GPtrArray) none = sc_image_list(sc_repository_view(store->repository), NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(none->len, 0);
        publish(store, "localhost:5000/z:latest", one);
        publish(store, "localhost:5000/a:1", one);
        publish(store, "localhost:5000/m:latest", two);
        store_check(store);

        g_autoptr(GPtrArray) images = sc_image_list(sc_repository_view(store->repository), NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(images->len, 2);
        const ScImage *image = images->pdata[0];
        g_autofree char *image_names = names(image);
        ck_assert_str_eq(image_names, "localhost:5000/a:1 localhost:5000/z:latest");
        sc_digest_to_hex(&one->config, hex);
        ck_assert_str_eq(image->id, hex);
        ck_assert_ptr_null(image->manifest);
        ck_assert_str_eq(image->info->architecture, "amd64");
        ck_assert_uint_eq(image->info->layers->len, 1);
        g_autofree char *ref = sc_ref_encode("localhost:5000/a:1"), *commit = sc_repository_resolve(store->repository, ref, &error);
        ck_assert_str_eq(image->commit, commit);
}
END_TEST

START_TEST(test_blobs)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) one = image_info(store, "{\"one\":1}");
        g_autoptr(GError) error = NULL;
        const ScLayerInfo *layer = one->layers->pdata[0];
        g_autofree char *digest = sc_digest_to_string(&layer->digest), *config = sc_digest_to_string(&one->config);

        publish(store, "localhost:5000/one:latest", one);
        g_autoptr(GPtrArray) blobs = sc_blob_list(sc_repository_view(store->repository), &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(blobs->len, 2);
        const ScBlob *first = blobs->pdata[0], *second = blobs->pdata[1];
        ck_assert_int_lt(strcmp(first->digest, second->digest), 0);
        const ScBlob *of_layer = strcmp(first->digest, digest) == 0 ? first : second;
        const ScBlob *of_config = of_layer == first ? second : first;
        ck_assert_str_eq(of_layer->digest, digest);
        ck_assert_uint_eq(of_layer->size, layer->size);
        ck_assert_str_eq(of_config->digest, config);
        ck_assert_uint_eq(of_config->size, strlen("{\"one\":1}"));
        ck_assert_int_gt(of_layer->imported, 1700000000);
}
END_TEST

START_TEST(test_commit_as_atomic_reads_it)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) info = image_info(store, "{}");
        g_autoptr(GVariant) commit = NULL, metadata = NULL;
        g_autoptr(GError) error = NULL;
        const char *text;

        publish(store, "docker.io/busybox:latest", info);
        g_autofree char *checksum = sc_repository_resolve(store->repository, "ociimage/docker.io_2Fbusybox_3Alatest", &error);
        ck_assert_no_error(error);
        ck_assert(ostree_repo_load_commit(sc_repository_ostree(store->repository), checksum, &commit, NULL, &error));
        metadata = g_variant_get_child_value(commit, 0);
        ck_assert(g_variant_lookup(metadata, "docker.manifest", "&s", &text));
        ck_assert_str_eq(text, MANIFEST);
        g_autofree char *digest = sc_digest_to_string(&info->digest);
        ck_assert(g_variant_lookup(metadata, "docker.digest", "&s", &text));
        ck_assert_str_eq(text, digest);
        ck_assert(g_variant_lookup(metadata, "signatures", "&s", &text));
        ck_assert_str_eq(text, "0");
        g_autoptr(GFile) root = store_root(store, "ociimage/docker.io_2Fbusybox_3Alatest");
        g_autofree char *manifest = file_content(root, "manifest.json");
        ck_assert_str_eq(manifest, MANIFEST);
}
END_TEST

START_TEST(test_find)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GPtrArray) infos = g_ptr_array_new_with_free_func((GDestroyNotify)sc_image_info_free);
        g_autoptr(GError) error = NULL;
        char hex[SC_DIGEST_HEX_SIZE];

        for (guint i = 0; i < 2; i++) {
                g_autofree char *name = g_strdup_printf("host/image%u:latest", i), *seed = g_strdup_printf("{\"%u\":0}", i);
                g_ptr_array_add(infos, image_info(store, seed));
                publish(store, name, infos->pdata[i]);
        }
        sc_digest_to_hex(&((ScImageInfo *)infos->pdata[1])->config, hex);
        const char *const ways[] = {"host/image1:latest", "host/image1", hex, g_strndup(hex, 12), g_strndup(hex, 4)};
        for (guint i = 0; i < G_N_ELEMENTS(ways); i++) {
                g_autoptr(ScImage) image = sc_image_find(store->repository, ways[i], &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(image->id, hex);
                ck_assert_str_eq(image->manifest, MANIFEST);
        }
        g_autofree char *short_prefix = g_strndup(hex, 3);
        const char *const none[] = {"host/image", "image1", "host/image1:1", short_prefix, "", "zzzz"};
        for (guint i = 0; i < G_N_ELEMENTS(none); i++) {
                ck_assert_ptr_null(sc_image_find(store->repository, none[i], &error));
                ck_assert_error(error, SC_ERROR_NOT_FOUND, "not found");
                g_clear_error(&error);
        }
        g_free((char *)ways[3]);
        g_free((char *)ways[4]);
}
END_TEST

START_TEST(test_tag)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) one = image_info(store, "{\"one\":1}"), two = image_info(store, "{\"two\":2}");
        g_autoptr(GError) error = NULL;
        bool changed;

        one->name = g_strdup("host/one:1");
        one->source = g_strdup("registry-insecure");
        publish(store, "host/one:1", one);
        publish(store, "host/two:1", two);
        ck_assert(sc_image_tag(store->repository, &(ScTag){"host/one:1", "mine:latest", SC_TAG_NEW, NULL}, &changed, &error) &&
                  changed);
        ck_assert(sc_image_tag(store->repository, &(ScTag){"host/one:1", "mine:latest", SC_TAG_NEW, NULL}, &changed, &error) &&
                  !changed);
        g_autoptr(ScImage) image = sc_image_find(store->repository, "mine", &error);
        g_autofree char *image_names = names(image), *sources = g_strjoinv(" ", image->sources);
        ck_assert_str_eq(image_names, "host/one:1 mine:latest");
        ck_assert_str_eq(sources, "registry-insecure tag:http:host/one:1");

        ck_assert(!sc_image_tag(store->repository, &(ScTag){"host/two:1", "mine:latest", SC_TAG_NEW, NULL}, &changed, &error));
        ck_assert_error(error, SC_ERROR_EXISTS, "mine:latest means another image");
        g_clear_error(&error);
        ck_assert(sc_image_tag(store->repository, &(ScTag){"host/two:1", "mine:latest", SC_TAG_REPLACE, NULL}, &changed, &error) &&
                  changed);
        g_autoptr(ScImage) other = sc_image_find(store->repository, "mine", &error);
        ck_assert_str_ne(other->id, image->id);

        /* What somebody was allowed to replace is not what is there. */
        const ScTag tags[] = {
                {"host/one:1", "mine:latest", SC_TAG_REPLACE, image->id},
                {"host/one:1", "mine:latest", SC_TAG_REPLACE, ""},
                {"host/one:1", "other:latest", SC_TAG_REPLACE, image->id},
        };
        for (guint i = 0; i < G_N_ELEMENTS(tags); i++) {
                ck_assert(!sc_image_tag(store->repository, &tags[i], &changed, &error));
                ck_assert_error(error, SC_ERROR_BUSY, "in the meantime");
                g_clear_error(&error);
        }
        const ScTag allowed = {"host/one:1", "mine:latest", SC_TAG_REPLACE, other->id};
        ck_assert(sc_image_tag(store->repository, &allowed, &changed, &error) && changed);

        ck_assert(
                !sc_image_tag(store->repository, &(ScTag){"host/three:1", "mine:latest", SC_TAG_REPLACE, NULL}, &changed, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "host/three:1");
        store_check(store);
}
END_TEST

START_TEST(test_find_by_digest)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) info = image_info(store, "{}");
        g_autoptr(GError) error = NULL;
        g_autofree char *digest = sc_digest_to_string(&info->digest), *exact = g_strconcat("host/a@", digest, NULL),
                        *other = g_strconcat("host/b@", digest, NULL);
        const char *const found[] = {digest, exact};

        publish(store, "host/a:1", info);
        for (guint i = 0; i < G_N_ELEMENTS(found); i++) {
                g_autoptr(ScImage) image = sc_image_find(store->repository, found[i], &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(image->digests[0], digest);
        }
        ck_assert_ptr_null(sc_image_find(store->repository, other, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "host/b");
        /* a name with a digest is one, too, and has a commit of its own */
        info->name = g_strdup(exact);
        publish(store, exact, info);
        g_autofree char *ref = sc_ref_encode(exact), *commit = sc_repository_resolve(store->repository, ref, NULL);
        g_autoptr(ScImage) image = sc_image_find(store->repository, exact, NULL);
        ck_assert_str_eq(image->commit, commit);
}
END_TEST

/* Two configurations whose digests share their first four digits: found once by trying. */
START_TEST(test_ambiguous_prefix)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autofree char *first = NULL, *second = NULL, *prefix = NULL;
        g_autoptr(GError) error = NULL;

        for (guint i = 0; first == NULL; i++) {
                g_autofree char *seed = g_strdup_printf("%u", i);
                char hex[SC_DIGEST_HEX_SIZE];
                ScDigest digest;
                sc_digest_of(seed, strlen(seed), &digest);
                sc_digest_to_hex(&digest, hex);
                g_free(prefix);
                prefix = g_strndup(hex, 4);
                first = g_strdup(g_hash_table_lookup(seen, prefix));
                if (first != NULL)
                        second = g_steal_pointer(&seed);
                else
                        g_hash_table_insert(seen, g_strdup(prefix), g_steal_pointer(&seed));
        }
        g_autoptr(ScImageInfo) one = image_info(store, first), two = image_info(store, second);
        publish(store, "one:latest", one);
        publish(store, "two:latest", two);
        ck_assert_ptr_null(sc_image_find(store->repository, prefix, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "more images matching prefix");
}
END_TEST

START_TEST(test_name_moves)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) old = image_info(store, "{\"v\":1}"), new = image_info(store, "{\"v\":2}");
        g_autoptr(GError) error = NULL;
        char hex[SC_DIGEST_HEX_SIZE];

        publish(store, "app:latest", old);
        publish(store, "app:latest", new);
        g_autoptr(GPtrArray) images = sc_image_list(sc_repository_view(store->repository), NULL, &error);
        ck_assert_uint_eq(images->len, 1);
        sc_digest_to_hex(&new->config, hex);
        ck_assert_str_eq(((ScImage *)images->pdata[0])->id, hex);
}
END_TEST

/* Together, and not without the layers. */
START_TEST(test_configuration_of_the_target)
{
        static const char config[] = "{\"of\":\"the target\"}";
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) info = image_info(store, "{}");
        g_autoptr(GError) error = NULL;
        const ScImageTarget target = {.name = "app:latest", .config = config};
        guint8 *first = &((ScLayerInfo *)info->layers->pdata[0])->digest.bytes[0];

        sc_digest_of(config, strlen(config), &info->config);
        info->config_size = strlen(config);
        *first ^= 1;
        ck_assert(!sc_image_publish(store->repository, &target, MANIFEST, strlen(MANIFEST), info, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "layer");
        g_clear_error(&error);
        ck_assert(!sc_layer_exists(store->repository, &info->config, &error));
        ck_assert_no_error(error);
        *first ^= 1;
        for (guint i = 0; i < 2; i++) {
                ck_assert(sc_image_publish(store->repository, &target, MANIFEST, strlen(MANIFEST), info, &error));
                g_autoptr(ScImage) image = sc_image_find(store->repository, "app", &error);
                ck_assert_no_error(error);
                ck_assert(!image->dangling);
                g_autoptr(ScVerdict) verdict = sc_verify_image(store->repository, image, NULL, NULL, &error);
                ck_assert_no_error(error);
                ck_assert_uint_eq(verdict->n_findings, 0);
        }
        /* one that means another image by now: it is left alone, and the configuration is there */
        const char other[] = "{\"of\":\"another\"}";
        sc_digest_of(other, strlen(other), &info->config);
        info->config_size = strlen(other);
        const ScImageTarget late = {.name = "app:latest", .from = "", .config = other};
        ck_assert(sc_image_publish(store->repository, &late, MANIFEST, strlen(MANIFEST), info, &error));
        ck_assert_no_error(error);
        ck_assert(sc_layer_exists(store->repository, &info->config, &error));
        g_autoptr(ScImage) still = sc_image_find(store->repository, "app", &error);
        ck_assert(!sc_digest_equal(&still->info->config, &info->config));
}
END_TEST

/* Of bytes that take six each in JSON; what is refused leaves no name behind, and nobody's way blocked. */
START_TEST(test_talkative_configuration)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) info = image_info(store, "{}");
        g_autoptr(GError) error = NULL;
        guint objects;
        guint64 bytes;

        g_hash_table_insert(info->labels, g_strdup("long"), g_strnfill(200 * 1024, 0x7f));
        ck_assert(!sc_image_publish(store->repository, &(ScImageTarget){"app:latest", NULL}, MANIFEST, strlen(MANIFEST), info,
                                    &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "too much");
        g_clear_error(&error);
        g_autoptr(GPtrArray) none = sc_image_list(sc_repository_view(store->repository), NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(none->len, 0);
        ck_assert(sc_repository_prune(store->repository, &objects, &bytes, NULL, &error));
        g_hash_table_insert(info->labels, g_strdup("long"), g_strnfill(170 * 1024, 0x7f));
        publish(store, "app:latest", info);
}
END_TEST

START_TEST(test_missing_parts)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) info = image_info(store, "{}");
        g_autoptr(GError) error = NULL;
        ScDigest config = info->config;

        info->config.bytes[0] ^= 1;
        ck_assert(!sc_image_publish(store->repository, &(ScImageTarget){"app:latest", NULL}, MANIFEST, strlen(MANIFEST), info,
                                    &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "configuration");
        g_clear_error(&error);
        info->config = config;
        ((ScLayerInfo *)info->layers->pdata[0])->digest.bytes[0] ^= 1;
        ck_assert(!sc_image_publish(store->repository, &(ScImageTarget){"app:latest", NULL}, MANIFEST, strlen(MANIFEST), info,
                                    &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "layer");
        g_clear_error(&error);
        ((ScLayerInfo *)info->layers->pdata[0])->digest.bytes[0] ^= 1;
        ck_assert(!sc_image_publish(store->repository, &(ScImageTarget){"app:latest", NULL}, "{\"\xff\":1}", 7, info, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "UTF-8");
        g_clear_error(&error);
        g_autoptr(GPtrArray) images = sc_image_list(sc_repository_view(store->repository), NULL, &error);
        ck_assert_uint_eq(images->len, 0);
}
END_TEST

START_TEST(test_delete)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImageInfo) info = image_info(store, "{}");
        g_autoptr(GError) error = NULL;
        const char *const one[] = {"a:latest", NULL}, *const wrong[] = {"b:latest", "x:latest", NULL};

        publish(store, "a:latest", info);
        publish(store, "b:latest", info);
        publish(store, "c:latest", info);
        {
                g_autoptr(ScImage) image = sc_image_find(store->repository, "a", &error);
                ck_assert(!sc_image_delete(store->repository, image, wrong, &error));
                ck_assert_error(error, SC_ERROR_NOT_FOUND, "x:latest");
                g_clear_error(&error);
                ck_assert(sc_image_delete(store->repository, image, one, &error));
        }
        g_autoptr(ScImage) rest = sc_image_find(store->repository, "b", &error);
        ck_assert_no_error(error);
        g_autofree char *left = names(rest);
        ck_assert_str_eq(left, "b:latest c:latest");
        ck_assert(sc_image_delete(store->repository, rest, NULL, &error));
        g_autoptr(GPtrArray) images = sc_image_list(sc_repository_view(store->repository), NULL, &error);
        ck_assert_uint_eq(images->len, 0);
        /* Layers stay until a prune. */
        ck_assert(sc_layer_exists(store->repository, &((ScLayerInfo *)info->layers->pdata[0])->digest, &error));
}
END_TEST

/* As the atomic command left it: no description of ours. */
static void publish_foreign(Store *store, const char *name, const char *manifest)
{
        g_autofree char *ref = sc_ref_encode(name);

        g_free(store_commit_manifest(store, ref, manifest));
}

START_TEST(test_foreign_images)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *id = g_strnfill(64, 'c'), *manifest = g_strdup_printf("{\"config\":{\"digest\":\"sha256:%s\"}}", id);

        publish_foreign(store, "docker.io/old:latest", manifest);
        publish_foreign(store, "docker.io/broken:latest", "{\"config\":");
        publish_foreign(store, "docker.io/strange:latest", "{\"config\":{\"digest\":\"md5:0\"}}");
        publish_foreign(store, "docker.io/empty:latest", NULL);
        g_autoptr(GPtrArray) images = sc_image_list(sc_repository_view(store->repository), NULL, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(images->len, 1);
        const ScImage *image = images->pdata[0];
        ck_assert_str_eq(image->id, id);
        ck_assert_str_eq(image->names[0], "docker.io/old:latest");
        ck_assert_ptr_null(image->info);
}
END_TEST

/* As the first versions of the atomic command stored them: without a configuration. */
START_TEST(test_old_foreign_images)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(GHashTable) held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *layer = g_strnfill(64, 'b'), *other = g_strnfill(64, 'd'), *digest = g_strnfill(64, 'e');
        g_autofree char *archive = g_strdup_printf("{\"Layers\":[\"%s\"],\"Labels\":null}", layer);
        g_autofree char *inspected = g_strdup_printf("{\"Digest\":\"sha256:%s\",\"Layers\":[\"sha256:%s\"]}", digest, other);

        publish_foreign(store, "archive:latest", archive);
        publish_foreign(store, "docker.io/inspected:1", inspected);
        g_autoptr(ScImage) by_commit = sc_image_find(store->repository, "archive", &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(by_commit->id, by_commit->commit);
        g_autoptr(ScImage) by_digest = sc_image_find(store->repository, digest, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(by_digest->names[0], "docker.io/inspected:1");
        ck_assert(sc_image_is_revision(by_digest, digest) && sc_image_is_revision(by_digest, by_digest->commit));
        ck_assert(!sc_image_is_revision(by_digest, layer) && !sc_image_is_revision(by_digest, NULL));
        ck_assert(!sc_image_is_revision(by_digest, ""));
        /* prune must know what they hold */
        ck_assert(sc_image_held_refs(store->repository, held, &error));
        const char *const layers[] = {layer, other};
        for (guint i = 0; i < G_N_ELEMENTS(layers); i++) {
                g_autofree char *ref = g_strconcat("ociimage/", layers[i], NULL);
                ck_assert(g_hash_table_contains(held, ref));
        }
        publish_foreign(store, "docker.io/bad:1", "{\"Layers\":[\"md5:1\"]}");
        ck_assert(!sc_image_held_refs(store->repository, held, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "not a digest");
}
END_TEST

static bool has(Store *store, OstreeObjectType type, const char *checksum)
{
        gboolean there = FALSE;

        ck_assert(ostree_repo_has_object(sc_repository_ostree(store->repository), type, checksum, &there, NULL, NULL));
        return there;
}

/* Whenever a prune ends before its time, here because of a tree that it cannot read, no commit is left whose tree it took. */
START_TEST(test_prune_takes_commits_first)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        OstreeRepo *ostree = sc_repository_ostree(store->repository);
        Tar *tar = tar_new();
        tar_file(tar, "file", 0644, "content");
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);
        g_autofree char *ref = layer_ref(layer), *dropped = NULL, *tree = NULL;
        g_autofree char *kept = store_commit_manifest(store, "ociimage/kept_3A1", "{}");
        g_autoptr(GFile) root = NULL, kept_root = NULL;
        guint objects;
        guint64 bytes;

        ck_assert(ostree_repo_resolve_rev(ostree, ref, FALSE, &dropped, NULL));
        ck_assert(ostree_repo_read_commit(ostree, dropped, &root, NULL, NULL, NULL));
        ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(root), NULL));
        tree = g_strdup(ostree_repo_file_tree_get_contents_checksum(OSTREE_REPO_FILE(root)));
        ck_assert(sc_repository_drop_ref(store->repository, ref, &error));
        ck_assert(ostree_repo_read_commit(ostree, kept, &kept_root, NULL, NULL, NULL));
        ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(kept_root), NULL));
        const char *missing = ostree_repo_file_tree_get_contents_checksum(OSTREE_REPO_FILE(kept_root));
        ck_assert_str_ne(missing, tree);
        ck_assert(ostree_repo_delete_object(ostree, OSTREE_OBJECT_TYPE_DIR_TREE, missing, NULL, NULL));

        ck_assert(!sc_repository_prune(store->repository, &objects, &bytes, NULL, &error));
        ck_assert(!has(store, OSTREE_OBJECT_TYPE_COMMIT, dropped));
        ck_assert(has(store, OSTREE_OBJECT_TYPE_DIR_TREE, tree));
        ck_assert(has(store, OSTREE_OBJECT_TYPE_COMMIT, kept));
}
END_TEST

/* Another program has made a commit of what is there, and is about to name it. */
START_TEST(test_prune_waits_for_others)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(GKeyFile) config = ostree_repo_copy_config(sc_repository_ostree(store->repository));
        g_autofree char *path = g_strdup(sc_repository_path(store->repository));
        g_autoptr(GFile) file = g_file_new_for_path(path);
        g_autoptr(OstreeRepo) other = ostree_repo_new(file);
        const char *refs[] = {"ociimage/app_3Alatest", "fedora/stable"};
        guint objects;
        guint64 bytes;

        g_key_file_set_integer(config, "core", "lock-timeout-secs", 1);
        ck_assert(ostree_repo_write_config(sc_repository_ostree(store->repository), config, &error));
        ck_assert(ostree_repo_open(other, NULL, &error));
        for (guint i = 0; i < G_N_ELEMENTS(refs); i++) { /* the repository is ours alone, and then it is shared */
                g_free(store_commit_manifest(store, refs[i], "{}"));
                store_reopen(store);
                ck_assert(ostree_repo_lock_push(other, OSTREE_REPO_LOCK_SHARED, NULL, &error));
                ck_assert(!sc_repository_prune(store->repository, &objects, &bytes, NULL, &error));
                ck_assert_error(error, SC_ERROR_FAILED, "Cannot lock the repository");
                g_clear_error(&error);
                ck_assert(ostree_repo_lock_pop(other, OSTREE_REPO_LOCK_SHARED, NULL, &error));
                ck_assert(sc_repository_prune(store->repository, &objects, &bytes, NULL, &error));
        }
}
END_TEST

static GVariant *commit_of(Store *store, const char *checksum)
{
        GVariant *commit = NULL;

        ck_assert(ostree_repo_load_commit(sc_repository_ostree(store->repository), checksum, &commit, NULL, NULL));
        return commit;
}

START_TEST(test_describe_foreign)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GError) error = NULL;
        g_autoptr(ScImageInfo) info = image_info(store, "{\"seed\":1}");
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(&info->config, hex);
        g_autofree char *manifest = g_strdup_printf("{\"config\":{\"digest\":\"sha256:%s\"}}  \n", hex), *config = NULL;
        gsize size;

        publish_foreign(store, "docker.io/old:latest", manifest);
        publish(store, "docker.io/ours:latest", info);
        g_autoptr(GPtrArray) foreign = sc_foreign_images(store->repository, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(foreign->len, 1);
        const ScForeignImage *image = foreign->pdata[0];
        ck_assert_str_eq(image->name, "docker.io/old:latest");
        ck_assert_str_eq(image->manifest, manifest);
        ck_assert_ptr_null(image->digest);
        ck_assert(sc_foreign_config(store->repository, &info->config, 100, &config, &size, &error));
        ck_assert_str_eq(config, "{\"seed\":1}");

        ck_assert(sc_foreign_describe(store->repository, image, info, &error));
        ck_assert_no_error(error);
        store_check(store);
        g_autoptr(ScImage) described = sc_image_find(store->repository, "docker.io/old", &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(described->manifest, manifest);
        ck_assert_str_eq(described->info->architecture, "amd64");
        /* Tree, time and the other metadata are those of the old commit. */
        g_autoptr(GVariant) before = commit_of(store, image->commit), after = commit_of(store, described->commit);
        for (gsize i = 1; i < g_variant_n_children(before); i++) {
                g_autoptr(GVariant) one = g_variant_get_child_value(before, i), other = g_variant_get_child_value(after, i);
                ck_assert(g_variant_equal(one, other));
        }
        g_autoptr(GVariant) metadata = g_variant_get_child_value(after, 0);
        ck_assert_uint_eq(g_variant_n_children(metadata), 2);
        g_autoptr(GPtrArray) none = sc_foreign_images(store->repository, &error);
        ck_assert_uint_eq(none->len, 0);

        /* Somebody was faster: what the name means now stays. */
        publish(store, "docker.io/old:latest", info);
        g_autoptr(ScImage) pulled = sc_image_find(store->repository, "docker.io/old", &error);
        ck_assert(sc_foreign_describe(store->repository, image, info, &error));
        g_autoptr(ScImage) still = sc_image_find(store->repository, "docker.io/old", &error);
        ck_assert_str_eq(still->commit, pulled->commit);
        ck_assert(sc_image_delete(store->repository, still, NULL, &error));
        ck_assert(sc_foreign_describe(store->repository, image, info, &error));
        ck_assert_ptr_null(sc_image_find(store->repository, "docker.io/old:latest", NULL));
}
END_TEST

START_TEST(test_refs)
{
        g_autoptr(Store) store = store_new();
        g_autofree char *commit = g_strnfill(64, 'a'), *text = NULL;
        g_autofree char *path = g_build_filename(sc_repository_path(store->repository), "refs/heads/ociimage/test", NULL);
        g_autoptr(GError) error = NULL;

        ck_assert(sc_repository_set_ref(store->repository, "ociimage/test", commit, &error));
        ck_assert(g_file_get_contents(path, &text, NULL, &error));
        ck_assert(g_str_has_prefix(text, commit) && strcmp(text + 64, "\n") == 0);
        /* The commit that it names is not there. */
        ck_assert_int_eq(sc_repository_has_ref(store->repository, "ociimage/test", &error), 0);
        ck_assert(sc_repository_drop_ref(store->repository, "ociimage/test", &error));
        ck_assert(sc_repository_drop_ref(store->repository, "ociimage/test", &error));
        ck_assert_int_eq(sc_repository_has_ref(store->repository, "ociimage/test", &error), 0);
        ck_assert_no_error(error);
}
END_TEST

START_TEST(test_refs_that_are_broken)
{
        g_autoptr(Store) store = store_new();
        const char *top = sc_repository_path(store->repository);
        g_autofree char *commit = g_strnfill(64, 'a');
        g_autofree char *path = g_build_filename(top, "refs/heads/ociimage/test", NULL);
        g_autofree char *folder = g_build_filename(top, "refs/heads/ociimage/folder", NULL);
        g_autofree char *new = g_build_filename(top, "extensions/sysconsd/ref.new", NULL);
        g_autoptr(GError) unreadable = NULL, unmoved = NULL, unwritten = NULL, in_the_way = NULL, undropped = NULL, error = NULL;

        ck_assert(sc_repository_set_ref(store->repository, "ociimage/test", commit, &error));
        ck_assert(g_file_set_contents(path, "nonsense\n", -1, NULL));
        ck_assert_int_eq(sc_repository_has_ref(store->repository, "ociimage/test", &unreadable), -1);
        ck_assert(unreadable != NULL);
        ck_assert(!sc_repository_move_ref(store->repository, "ociimage/test", "", commit, &unmoved) && unmoved != NULL);

        ck_assert_int_eq(g_mkdir(folder, 0755), 0);
        ck_assert(!sc_repository_set_ref(store->repository, "ociimage/folder", commit, &in_the_way));
        ck_assert_error(in_the_way, SC_ERROR_FAILED, "ociimage/folder");
        ck_assert(!sc_repository_drop_ref(store->repository, "ociimage/folder", &undropped));
        ck_assert_error(undropped, SC_ERROR_FAILED, "ociimage/folder");

        g_unlink(new);
        ck_assert_int_eq(g_mkdir(new, 0755), 0);
        ck_assert(!sc_repository_set_ref(store->repository, "ociimage/test", commit, &unwritten));
        ck_assert_error(unwritten, SC_ERROR_FAILED, "ref.new");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("image");
        TCase *tcase = tcase_create("image");

        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, test_publish_and_list);
        tcase_add_test(tcase, test_blobs);
        tcase_add_test(tcase, test_commit_as_atomic_reads_it);
        tcase_add_test(tcase, test_find);
        tcase_add_test(tcase, test_tag);
        tcase_add_test(tcase, test_find_by_digest);
        tcase_add_test(tcase, test_ambiguous_prefix);
        tcase_add_test(tcase, test_name_moves);
        tcase_add_test(tcase, test_configuration_of_the_target);
        tcase_add_test(tcase, test_missing_parts);
        tcase_add_test(tcase, test_delete);
        tcase_add_test(tcase, test_foreign_images);
        tcase_add_test(tcase, test_old_foreign_images);
        tcase_add_test(tcase, test_describe_foreign);
        tcase_add_test(tcase, test_refs);
        tcase_add_test(tcase, test_refs_that_are_broken);
        tcase_add_test(tcase, test_prune_takes_commits_first);
        tcase_add_test(tcase, test_prune_waits_for_others);
        tcase_add_test(tcase, test_talkative_configuration);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
