/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry/manifest.h"
#include "registry/old-manifest.h"
#include "registry/platform.h"
#include "test.h"
#include <string.h>

#define OCI_IMAGE "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define DOCKER_IMAGE "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define A "sha256:" HEX_A
#define B "sha256:" HEX_B
#define C "sha256:" HEX_C
#define CONFIG "{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'" A "','size':100}"
#define LAYER(type, digest, size) "{'mediaType':'" type "','digest':'" digest "','size':" size "}"
#define GZIP_LAYER LAYER("application/vnd.oci.image.layer.v1.tar+gzip", B, "1000")
#define IMAGE_WITH(config, layers) "{'schemaVersion':2,'config':" config ",'layers':[" layers "]}"
#define ENTRY(type, digest, size, more) "{'mediaType':'" type "','digest':'" digest "','size':" size more "}"
#define INDEX_WITH(entries) "{'schemaVersion':2,'manifests':[" entries "]}"

/* JSON with single quotes, which are easier to read in C; HOST stands for this machine's architecture. */
static char *json(const char *text)
{
        ScPlatform host;
        sc_platform_of_host(&host);
        GString *result = g_string_new(text);
        g_string_replace(result, "'", "\"", 0);
        g_string_replace(result, "HOST", host.architecture, 0);
        return g_string_free(result, FALSE);
}

static const struct {
        const char *content_type, *text;
        ScManifestKind kind;
} kinds[] = {
        {OCI_IMAGE, "{'schemaVersion':2,'config':{},'layers':[]}", SC_MANIFEST_IMAGE},
        {OCI_IMAGE, "{'schemaVersion':2,'mediaType':'" OCI_IMAGE "','config':{},'layers':[]}", SC_MANIFEST_IMAGE},
        {DOCKER_IMAGE, "{'schemaVersion':2,'mediaType':'" DOCKER_IMAGE "','config':{},'layers':[]}", SC_MANIFEST_IMAGE},
        {OCI_INDEX, "{'schemaVersion':2,'manifests':[]}", SC_MANIFEST_INDEX},
        {DOCKER_LIST, "{'schemaVersion':2,'mediaType':'" DOCKER_LIST "','manifests':[]}", SC_MANIFEST_INDEX},
        {NULL, "{'schemaVersion':2,'manifests':[]}", SC_MANIFEST_INDEX},
        {"application/json", "{'schemaVersion':2,'config':{},'layers':[]}", SC_MANIFEST_IMAGE},
        {"text/plain", "{'schemaVersion':2,'config':{},'layers':[]}", SC_MANIFEST_IMAGE},
};

START_TEST(tells_images_from_indexes)
{
        g_autofree char *text = json(kinds[_i].text);
        g_autoptr(GError) error = NULL;
        ScManifestKind kind = !kinds[_i].kind;
        bool ok = sc_manifest_kind(kinds[_i].content_type, text, strlen(text), "manifest", &kind, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_int_eq(kind, kinds[_i].kind);
}
END_TEST

static const struct {
        const char *content_type, *text;
        ScError code;
        const char *message;
} bad_kinds[] = {
        {OCI_IMAGE, "{'schemaVersion':2,'config':{},'layers':[],'manifests':[]}", SC_ERROR_CORRUPT, "at once"},
        {OCI_IMAGE, "{'schemaVersion':2,'layers':[],'manifests':[]}", SC_ERROR_CORRUPT, "at once"},
        {OCI_IMAGE, "{'schemaVersion':2}", SC_ERROR_CORRUPT, "neither layers nor manifests"},
        {OCI_IMAGE, "{'schemaVersion':2,'manifests':[]}", SC_ERROR_CORRUPT, "not what the registry says"},
        {OCI_INDEX, "{'schemaVersion':2,'config':{},'layers':[]}", SC_ERROR_CORRUPT, "not what the registry says"},
        {OCI_IMAGE, "{'schemaVersion':2,'mediaType':'" OCI_INDEX "','config':{},'layers':[]}", SC_ERROR_CORRUPT,
         "does not fit its members"},
        {OCI_IMAGE, "{'schemaVersion':2,'mediaType':'application/zip','config':{},'layers':[]}", SC_ERROR_UNSUPPORTED,
         "'application/zip'"},
        {OCI_IMAGE, "{'schemaVersion':2,'mediaType':7,'config':{},'layers':[]}", SC_ERROR_CORRUPT, "mediaType"},
        {OCI_IMAGE, "{'schemaVersion':1,'fsLayers':[]}", SC_ERROR_UNSUPPORTED, "schema 1"},
        {OCI_IMAGE, "{'schemaVersion':3,'config':{},'layers':[]}", SC_ERROR_UNSUPPORTED, "schemaVersion is 3"},
        {OCI_IMAGE, "{'config':{},'layers':[]}", SC_ERROR_CORRUPT, "schemaVersion"},
        {OCI_IMAGE, "<html></html>", SC_ERROR_CORRUPT, "not valid JSON"},
        {"application/vnd.docker.distribution.manifest.v1+prettyjws", "{}", SC_ERROR_UNSUPPORTED, "schema 1"},
        {"application/zip\033[31m", "{'schemaVersion':2,'config':{},'layers':[]}", SC_ERROR_UNSUPPORTED, "'application/zip?[31m'"},
        {"text/html", "{'schemaVersion':2,'config':{},'layers':[]}", SC_ERROR_CORRUPT, "is that server a registry"},
};

START_TEST(refuses_what_is_neither)
{
        g_autofree char *text = json(bad_kinds[_i].text);
        g_autoptr(GError) error = NULL;
        ScManifestKind kind = SC_MANIFEST_INDEX;
        ck_assert(!sc_manifest_kind(bad_kinds[_i].content_type, text, strlen(text), "manifest of x", &kind, &error));
        ck_assert_error(error, bad_kinds[_i].code, bad_kinds[_i].message);
        ck_assert_error(error, bad_kinds[_i].code, "manifest of x");
        ck_assert_int_eq(kind, SC_MANIFEST_INDEX);
}
END_TEST

static const struct {
        const char *text, *digest;
        guint64 size;
} choices[] = {
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "1", ",'platform':{'os':'linux','architecture':'pdp11'}") "," ENTRY(
                 OCI_IMAGE, B, "2", ",'platform':{'os':'linux','architecture':'HOST'}")),
         B, 2},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "1", ",'platform':{'os':'windows','architecture':'HOST'}") "," ENTRY(
                 DOCKER_IMAGE, B, "2", ",'platform':{'os':'linux','architecture':'HOST'}")),
         B, 2},
        /* The first of equals; a variant from the future is passed over. */
        {INDEX_WITH(ENTRY(OCI_IMAGE, C, "1", ",'platform':{'os':'linux','architecture':'HOST','variant':'v9'}") "," ENTRY(
                 OCI_IMAGE, B, "2",
                 ",'platform':{'os':'linux','architecture':'HOST'}") "," ENTRY(OCI_IMAGE, A, "3",
                                                                               ",'platform':{'os':'linux','architecture':'HOST'}")),
         B, 2},
        /* Attestations, nested indexes and foreign things stand beside images. */
        {INDEX_WITH(ENTRY("application/vnd.example.sbom", C, "999999999", "") "," ENTRY(
                 OCI_INDEX, C, "5",
                 ",'platform':{'os':'linux','architecture':'HOST'}") "," ENTRY(OCI_IMAGE, C, "6",
                                                                               ",'platform':{'os':'unknown','architecture':'"
                                                                               "unknown'}") "," ENTRY(OCI_IMAGE, A, "7",
                                                                                                      ",'platform':{'os':'linux','"
                                                                                                      "architecture':'HOST'}")),
         A, 7},
        /* One that names no platform is taken when nothing fits better. */
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "7", "")), A, 7},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "7", "") "," ENTRY(OCI_IMAGE, B, "8", ",'platform':{'os':'linux','architecture':'HOST'}")),
         B, 8},
};

START_TEST(chooses_from_an_index)
{
        g_autofree char *text = json(choices[_i].text);
        g_autoptr(GError) error = NULL;
        ScDigest digest;
        guint64 size;
        bool ok = sc_index_choose(text, strlen(text), "index", &digest, &size, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autofree char *chosen = sc_digest_to_string(&digest);
        ck_assert_str_eq(chosen, choices[_i].digest);
        ck_assert_uint_eq(size, choices[_i].size);
}
END_TEST

static const struct {
        const char *text;
        ScError code;
        const char *message;
} bad_indexes[] = {
        {INDEX_WITH(""), SC_ERROR_NOT_FOUND, "only for: nothing"},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "1", ",'platform':{'os':'linux','architecture':'pdp11','variant':'v7'}") "," ENTRY(
                 OCI_IMAGE, A, "1", ",'platform':{'os':'plan9','architecture':'HOST'}")),
         SC_ERROR_NOT_FOUND, "only for: linux/pdp11/v7, plan9/"},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "1", ",'platform':{'os':'a\\nb'}")), SC_ERROR_NOT_FOUND, "only for: a?b/?"},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "1", "") "," ENTRY(OCI_IMAGE, B, "1", "")), SC_ERROR_NOT_FOUND, "no image for linux/"},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "5000000", ",'platform':{'os':'linux','architecture':'HOST'}")), SC_ERROR_CORRUPT,
         "5000000 bytes"},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "-1", "")), SC_ERROR_CORRUPT, "'size' is not a positive integer"},
        {INDEX_WITH(ENTRY(OCI_IMAGE, "sha256:abc", "1", "")), SC_ERROR_CORRUPT, "is not a digest"},
        {INDEX_WITH("7"), SC_ERROR_CORRUPT, "Element 0"},
        {INDEX_WITH(ENTRY(OCI_IMAGE, A, "1", ",'platform':'linux'")), SC_ERROR_CORRUPT, "platform"},
        {IMAGE_WITH(CONFIG, GZIP_LAYER), SC_ERROR_CORRUPT, "manifests"},
        {"[]", SC_ERROR_CORRUPT, "not a JSON object"},
};

START_TEST(refuses_an_index)
{
        g_autofree char *text = json(bad_indexes[_i].text);
        g_autoptr(GError) error = NULL;
        ScDigest digest;
        guint64 size = 77;
        ck_assert(!sc_index_choose(text, strlen(text), "index of x", &digest, &size, &error));
        ck_assert_error(error, bad_indexes[_i].code, bad_indexes[_i].message);
        ck_assert_error(error, bad_indexes[_i].code, "index of x");
        ck_assert_uint_eq(size, 77);
}
END_TEST

START_TEST(bounds_the_entries_of_an_index)
{
        g_autoptr(GString) entries = g_string_new(ENTRY(OCI_IMAGE, A, "1", ""));
        for (guint i = 0; i < 1000; i++)
                g_string_append(entries, "," ENTRY(OCI_IMAGE, A, "1", ""));
        g_autofree char *quoted = g_strdup_printf("{'schemaVersion':2,'manifests':[%s]}", entries->str);
        g_autofree char *text = json(quoted);
        g_autoptr(GError) error = NULL;
        ScDigest digest;
        guint64 size;
        ck_assert(!sc_index_choose(text, strlen(text), "index", &digest, &size, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "1001 entries");
}
END_TEST

static const struct {
        ScPlatform host;
        const char *os, *architecture, *variant;
        guint rank;
} ranks[] = {
        {{"arm", 7}, "linux", "arm", "v7", 7},       {{"arm", 7}, "linux", "arm", "v6", 6},
        {{"arm", 7}, "linux", "arm", "v8", 0},       {{"arm", 7}, "linux", "arm", NULL, 7},
        {{"arm", 6}, "linux", "arm", NULL, 0},       {{"arm", 6}, "linux", "arm", "6", 6},
        {{"arm", 7}, "linux", "arm64", "v8", 0},     {{"arm64", 8}, "linux", "arm64", "", 8},
        {{"arm64", 8}, "linux", "arm64", "v8", 8},   {{"arm64", 8}, "linux", "arm64", "v9", 0},
        {{"arm64", 8}, "linux", "arm", "v7", 0},     {{"amd64", 3}, "linux", "amd64", NULL, 1},
        {{"amd64", 3}, "linux", "amd64", "v2", 2},   {{"amd64", 3}, "linux", "amd64", "v4", 0},
        {{"amd64", 3}, "linux", "amd64", "v22", 0},  {{"amd64", 3}, "linux", "amd64", "v", 0},
        {{"amd64", 3}, "windows", "amd64", NULL, 0}, {{"amd64", 3}, NULL, NULL, NULL, 0},
        {{"s390x", 0}, "linux", "s390x", NULL, 1},   {{"s390x", 0}, "linux", "s390x", "z14", 0},
};

START_TEST(ranks_platforms)
{
        ck_assert_uint_eq(sc_platform_rank(&ranks[_i].host, ranks[_i].os, ranks[_i].architecture, ranks[_i].variant),
                          ranks[_i].rank);
}
END_TEST

START_TEST(knows_its_own_platform)
{
        ScPlatform host;
        sc_platform_of_host(&host);
        ck_assert_uint_ge(sc_platform_rank(&host, "linux", host.architecture, NULL), 1);
}
END_TEST

static ScImageInfo *parse(const char *quoted, guint max_layers, GError **error)
{
        g_autofree char *text = json(quoted);
        ScDigest digest;
        sc_digest_of(text, strlen(text), &digest);
        return sc_manifest_parse(text, strlen(text), &digest, max_layers, "manifest of x", error);
}

#define OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar"

START_TEST(reads_an_image)
{
        static const char text[] = IMAGE_WITH(
                CONFIG, LAYER(OCI_LAYER "+gzip", B, "1000") "," LAYER(OCI_LAYER "+zstd", C, "2000") "," LAYER(
                                OCI_LAYER, B, "1000") "," LAYER(DOCKER_LAYER ".gzip", B, "0") "," LAYER(DOCKER_LAYER, C, "1"));
        g_autoptr(GError) error = NULL;
        g_autoptr(ScImageInfo) info = parse(text, 5, &error);
        ck_assert_no_error(error);
        g_autofree char *config = sc_digest_to_string(&info->config);
        ck_assert_str_eq(config, A);
        ck_assert_uint_eq(info->config_size, 100);
        ck_assert_uint_eq(info->layers->len, 5);
        const ScLayerInfo *second = g_ptr_array_index(info->layers, 1), *third = g_ptr_array_index(info->layers, 2);
        g_autofree char *digest = sc_digest_to_string(&second->digest);
        ck_assert_str_eq(digest, C);
        ck_assert_uint_eq(second->size, 2000);
        ck_assert_str_eq(second->media_type, OCI_LAYER "+zstd");
        ck_assert(!second->has_diff_id);
        ck_assert_str_eq(third->media_type, OCI_LAYER);
        g_autofree char *quoted = json(text);
        ScDigest own;
        sc_digest_of(quoted, strlen(quoted), &own);
        ck_assert(sc_digest_equal(&own, &info->digest));
        ck_assert_uint_eq(sc_image_info_size(info), 100 + 1000 + 2000 + 1000 + 1);
}
END_TEST

static const struct {
        const char *text;
        ScError code;
        const char *message;
} bad_images[] = {
        {IMAGE_WITH(CONFIG, ""), SC_ERROR_UNSUPPORTED, "no layers"},
        {IMAGE_WITH(CONFIG, GZIP_LAYER "," GZIP_LAYER "," GZIP_LAYER "," GZIP_LAYER), SC_ERROR_UNSUPPORTED,
         "4 layers; 3 is the limit"},
        {IMAGE_WITH(CONFIG, "'x'"), SC_ERROR_CORRUPT, "Element 0"},
        {IMAGE_WITH(CONFIG, LAYER(OCI_LAYER "+gzip", "sha256:" HEX_A "a", "1")), SC_ERROR_CORRUPT, "is not a digest"},
        {IMAGE_WITH(CONFIG, LAYER(OCI_LAYER "+gzip", "sha512:" HEX_A HEX_B, "1")), SC_ERROR_UNSUPPORTED, "not a sha256"},
        {IMAGE_WITH(CONFIG, LAYER(OCI_LAYER "+gzip", "../../../etc/passwd", "1")), SC_ERROR_CORRUPT, "is not a digest"},
        {IMAGE_WITH(CONFIG, LAYER(OCI_LAYER "+gzip", B, "-5")), SC_ERROR_CORRUPT, "'size' is not a positive integer"},
        {IMAGE_WITH(CONFIG, LAYER(OCI_LAYER "+gzip", B, "1.5")), SC_ERROR_CORRUPT, "size"},
        {IMAGE_WITH(CONFIG, LAYER(OCI_LAYER "+gzip", B, "9223372036854775807")), SC_ERROR_CORRUPT, "overflow"},
        {IMAGE_WITH(CONFIG,
                    LAYER(OCI_LAYER "+gzip", B, "9000000000000000000") "," LAYER(OCI_LAYER "+gzip", B, "9000000000000000000")),
         SC_ERROR_CORRUPT, "overflow"},
        {IMAGE_WITH(CONFIG, LAYER("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", B, "1")), SC_ERROR_UNSUPPORTED,
         "elsewhere"},
        {IMAGE_WITH(CONFIG, LAYER("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", B, "1")), SC_ERROR_UNSUPPORTED,
         "elsewhere"},
        {IMAGE_WITH(CONFIG, LAYER("application/vnd.oci.image.layer.v1.tar+lzma", B, "1")), SC_ERROR_UNSUPPORTED,
         "unknown media type"},
        {IMAGE_WITH(CONFIG, "{'digest':'" B "','size':1}"), SC_ERROR_CORRUPT, "mediaType"},
        {IMAGE_WITH("{'mediaType':'application/vnd.oci.image.config.v1+json','digest':'" A "','size':9000000}", GZIP_LAYER),
         SC_ERROR_CORRUPT, "9000000 bytes"},
        {IMAGE_WITH("{'mediaType':'application/vnd.cncf.helm.config.v1+json','digest':'" A "','size':1}", GZIP_LAYER),
         SC_ERROR_UNSUPPORTED, "artifact of type"},
        {IMAGE_WITH("null", GZIP_LAYER), SC_ERROR_CORRUPT, "config"},
        {INDEX_WITH(""), SC_ERROR_CORRUPT, "config"},
        {"{'schemaVersion':2,'config':" CONFIG "}", SC_ERROR_CORRUPT, "layers"},
        {"{'schemaVersion':2,'config':" CONFIG ",'layers':{}}", SC_ERROR_CORRUPT, "layers"},
        {"{'schemaVersion':2,'manifests':[],'config':" CONFIG ",'layers':[" GZIP_LAYER "]}", SC_ERROR_CORRUPT, "at once"},
        {"{'schemaVersion':2,", SC_ERROR_CORRUPT, "not valid JSON"},
};

START_TEST(refuses_an_image)
{
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(parse(bad_images[_i].text, 3, &error));
        ck_assert_error(error, bad_images[_i].code, bad_images[_i].message);
        ck_assert_error(error, bad_images[_i].code, "manifest of x");
}
END_TEST

#define ROOTFS(ids) ",'rootfs':{'type':'layers','diff_ids':[" ids "]}}"
#define HOST_CONFIG(more) "{'os':'linux','architecture':'HOST'" more

static ScImageInfo *image_of_two_layers(void)
{
        g_autoptr(GError) error = NULL;
        ScImageInfo *info = parse(IMAGE_WITH(CONFIG, GZIP_LAYER "," LAYER(OCI_LAYER, C, "5")), 5, &error);
        ck_assert_no_error(error);
        return info;
}

static bool add_config(ScImageInfo *info, const char *quoted, GError **error)
{
        g_autofree char *text = json(quoted);
        return sc_manifest_add_config(info, text, strlen(text), "configuration of x", error);
}

START_TEST(reads_a_configuration)
{
        g_autoptr(ScImageInfo) info = image_of_two_layers();
        g_autoptr(GError) error = NULL;
        bool ok = add_config(info,
                             HOST_CONFIG(",'created':'2024-05-01T10:00:00.123456789+02:00','config':{'Entrypoint':['/bin/"
                                         "etcd'],'Cmd':['--help','x'],"
                                         "'Env':['A=1'],'ExposedPorts':{'2379/tcp':{}},'User':'etcd','WorkingDir':'/srv',"
                                         "'Labels':{'atomic.run':'once'},'Healthcheck':{'Test':['CMD','/bin/check']}}")
                                     ROOTFS("'" B "','" A "'"),
                             &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_str_eq(info->os, "linux");
        ck_assert_int_eq(info->created, 1714550400);
        ck_assert_str_eq(info->entrypoint[0], "/bin/etcd");
        ck_assert_str_eq(info->cmd[1], "x");
        ck_assert_str_eq(info->env[0], "A=1");
        ck_assert_str_eq(info->ports[0], "2379/tcp");
        ck_assert_ptr_null(info->ports[1]);
        ck_assert_str_eq(info->user, "etcd");
        ck_assert_str_eq(info->working_dir, "/srv");
        ck_assert_str_eq(g_hash_table_lookup(info->labels, "atomic.run"), "once");
        ck_assert_str_eq(info->health_test[1], "/bin/check");
        const ScLayerInfo *second = g_ptr_array_index(info->layers, 1);
        g_autofree char *diff_id = sc_digest_to_string(&second->diff_id);
        ck_assert(second->has_diff_id);
        ck_assert_str_eq(diff_id, A);
}
END_TEST

START_TEST(takes_what_is_empty_for_absent)
{
        g_autoptr(ScImageInfo) info = image_of_two_layers();
        g_autoptr(GError) error = NULL;
        bool ok = add_config(
                info,
                HOST_CONFIG(",'created':'0001-01-01T00:00:00Z','config':{'Entrypoint':null,'Cmd':[],'Env':[],'ExposedPorts':{},"
                            "'User':'','WorkingDir':'','Labels':null,'Healthcheck':{}}") ROOTFS("'" B "','" A "'"),
                &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_int_eq(info->created, 0);
        ck_assert_ptr_null(info->entrypoint);
        ck_assert_ptr_null(info->cmd);
        ck_assert_ptr_null(info->env);
        ck_assert_ptr_null(info->ports);
        ck_assert_ptr_null(info->user);
        ck_assert_ptr_null(info->working_dir);
        ck_assert_ptr_null(info->health_test);
        ck_assert_uint_eq(g_hash_table_size(info->labels), 0);
}
END_TEST

static const struct {
        const char *text;
        ScError code;
        const char *message;
} bad_configs[] = {
        {"{'os':'linux','architecture':'pdp11'" ROOTFS("'" B "','" A "'"), SC_ERROR_UNSUPPORTED,
         "linux/pdp11, and this machine is linux/"},
        {"{'os':'windows','architecture':'HOST'" ROOTFS("'" B "','" A "'"), SC_ERROR_UNSUPPORTED, "for windows/"},
        {"{'os':'linux'" ROOTFS("'" B "','" A "'"), SC_ERROR_CORRUPT, "architecture"},
        {HOST_CONFIG("}"), SC_ERROR_CORRUPT, "rootfs"},
        {HOST_CONFIG(ROOTFS("'" B "'")), SC_ERROR_CORRUPT, "1 diff_ids for 2 layers"},
        {HOST_CONFIG(ROOTFS("'" B "','" A "','" C "'")), SC_ERROR_CORRUPT, "3 diff_ids for 2 layers"},
        {HOST_CONFIG(ROOTFS("'" B "','" HEX_A "'")), SC_ERROR_CORRUPT, "diff_id of layer 1"},
        {HOST_CONFIG(",'config':{'Env':'A=1'}" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "Env"},
        {HOST_CONFIG(",'config':{'Cmd':[7]}" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "Cmd"},
        {HOST_CONFIG(",'config':{'User':{}}" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "User"},
        {HOST_CONFIG(",'config':{'Labels':{'a':[]}}" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "Labels"},
        {HOST_CONFIG(",'config':{'ExposedPorts':['80']}" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "ExposedPorts"},
        {HOST_CONFIG(",'config':{'Healthcheck':{'Test':'x'}}" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "Test"},
        {HOST_CONFIG(",'config':[]" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "config"},
        {HOST_CONFIG(",'created':5" ROOTFS("'" B "','" A "'")), SC_ERROR_CORRUPT, "created"},
        {"", SC_ERROR_CORRUPT, "JSON"},
};

START_TEST(refuses_a_configuration)
{
        g_autoptr(ScImageInfo) info = image_of_two_layers();
        g_autoptr(GError) error = NULL;
        ck_assert(!add_config(info, bad_configs[_i].text, &error));
        ck_assert_error(error, bad_configs[_i].code, bad_configs[_i].message);
        ck_assert_error(error, bad_configs[_i].code, "configuration of x");
        /* Nothing of it was taken. */
        const ScLayerInfo *first = g_ptr_array_index(info->layers, 0);
        ck_assert(!first->has_diff_id);
        ck_assert_ptr_null(info->os);
}
END_TEST

START_TEST(wants_one_diff_id_for_a_layer_that_stands_there_twice)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScImageInfo) info = parse(IMAGE_WITH(CONFIG, GZIP_LAYER "," GZIP_LAYER), 5, &error);
        ck_assert_no_error(error);
        ck_assert(!add_config(info, HOST_CONFIG(ROOTFS("'" B "','" A "'")), &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "two different diff_ids");
        g_clear_error(&error);
        ck_assert(add_config(info, HOST_CONFIG(ROOTFS("'" B "','" B "'")), &error));
        ck_assert_no_error(error);
}
END_TEST

static ScImageInfo *parse_old(const char *quoted, guint max_layers, GError **error)
{
        g_autofree char *text = json(quoted);
        ScDigest id, digest;
        sc_digest_of("id", 2, &id);
        sc_digest_of("digest", 6, &digest);
        ck_assert(sc_manifest_is_old(text, strlen(text)));
        return sc_manifest_parse_old(text, strlen(text), &id, &digest, max_layers, "manifest of x", error);
}

START_TEST(reads_old_manifests)
{
        static const char *const texts[] = {
                "{'schemaVersion':1,'fsLayers':[{'blobSum':'" B "'},{'blobSum':'" A "'}],'history':[{'v1Compatibility':"
                "'{\\\'architecture\\\':\\\'HOST\\\',\\\'os\\\':\\\'linux\\\',\\\'config\\\':{\\\'Labels\\\':{\\\'name\\\':"
                "\\\'x\\\'}}}'},{}]}",
                "{'Digest':'" C "','Labels':{'name':'x'},'Layers':['" A "','" B "']}",
        };
        for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(ScImageInfo) info = parse_old(texts[i], 2, &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(g_hash_table_lookup(info->labels, "name"), "x");
                ck_assert_uint_eq(info->layers->len, 2);
                const ScLayerInfo *lowest = info->layers->pdata[0];
                g_autofree char *digest = sc_digest_to_string(&lowest->digest);
                ck_assert_str_eq(digest, A);
                ck_assert(!lowest->has_diff_id);
                ck_assert_ptr_null(parse_old(texts[i], 1, &error));
                ck_assert_error(error, SC_ERROR_UNSUPPORTED, "It has 2 layers");
        }
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(parse_old(
                "{'fsLayers':[{'blobSum':'" A "'}],'history':[{'v1Compatibility':'{\\\'os\\\':\\\'plan9\\\'}'}]}", 2, &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "for plan9/");
        g_clear_error(&error);
        static const char *const bad[] = {"{'Layers':[]}",
                                          "{'Layers':[1]}",
                                          "{'Layers':['x']}",
                                          "{'fsLayers':[{}]}",
                                          "{'fsLayers':['x']}",
                                          "{'fsLayers':[{'blobSum':'" A "'}],'history':[{}]}",
                                          "{'fsLayers':[{'blobSum':'" A "'}],'history':[{'v1Compatibility':'['}]}"};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                ck_assert_ptr_null(parse_old(bad[i], 2, &error));
                ck_assert_ptr_nonnull(strstr(error->message, "manifest of x"));
                g_clear_error(&error);
        }
        ck_assert(!sc_manifest_is_old("{\"config\":{},\"Layers\":[]}", strlen("{\"config\":{},\"Layers\":[]}")));
        ck_assert(!sc_manifest_is_old("[", 1));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("manifest");
        TCase *tests = tcase_create("manifest");
        tcase_add_loop_test(tests, tells_images_from_indexes, 0, G_N_ELEMENTS(kinds));
        tcase_add_loop_test(tests, refuses_what_is_neither, 0, G_N_ELEMENTS(bad_kinds));
        tcase_add_loop_test(tests, chooses_from_an_index, 0, G_N_ELEMENTS(choices));
        tcase_add_loop_test(tests, refuses_an_index, 0, G_N_ELEMENTS(bad_indexes));
        tcase_add_test(tests, bounds_the_entries_of_an_index);
        tcase_add_loop_test(tests, ranks_platforms, 0, G_N_ELEMENTS(ranks));
        tcase_add_test(tests, knows_its_own_platform);
        tcase_add_test(tests, reads_an_image);
        tcase_add_loop_test(tests, refuses_an_image, 0, G_N_ELEMENTS(bad_images));
        tcase_add_test(tests, reads_a_configuration);
        tcase_add_test(tests, takes_what_is_empty_for_absent);
        tcase_add_loop_test(tests, refuses_a_configuration, 0, G_N_ELEMENTS(bad_configs));
        tcase_add_test(tests, reads_old_manifests);
        tcase_add_test(tests, wants_one_diff_id_for_a_layer_that_stands_there_twice);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
