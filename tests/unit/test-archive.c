/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/door.h"
#include "base/json.h"
#include "base/path.h"
#include "registry/docker-archive.h"
#include "registry/manifest.h"
#include "registry/oci-index.h"
#include "registry/oci-layout.h"
#include "registry/platform.h"
#include "registry/tar-index.h"
#include "test.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

/* ---- a writer of tar files, which can lie ---- */

typedef struct {
        GByteArray *bytes;
} Tar;

static Tar tar_new(void)
{
        return (Tar){g_byte_array_new()};
}

static void tar_header(Tar *tar, const char *name, char type, const char *link, const char *size)
{
        guint8 header[512] = {0};
        strncpy((char *)header, name, 100);
        memcpy(header + 100, "0000644", 7);
        memcpy(header + 124, size, 12);
        memset(header + 148, ' ', 8);
        header[156] = (guint8)type;
        strncpy((char *)header + 157, link, 100);
        memcpy(header + 257,
               "ustar\0"
               "00",
               8);
        unsigned sum = 0;
        for (gsize i = 0; i < sizeof(header); i++)
                sum += header[i];
        g_snprintf((char *)header + 148, 8, "%06o", sum);
        g_byte_array_append(tar->bytes, header, sizeof(header));
}

static void tar_entry(Tar *tar, const char *name, char type, const char *link, const void *data, gsize size)
{
        static const guint8 zero[512];
        char octal[13];
        g_snprintf(octal, sizeof(octal), "%011" G_GSIZE_MODIFIER "o", size);
        tar_header(tar, name, type, link, octal);
        g_byte_array_append(tar->bytes, data, (guint)size);
        g_byte_array_append(tar->bytes, zero, (512 - size % 512) % 512);
}

static void tar_file(Tar *tar, const char *name, const char *text)
{
        tar_entry(tar, name, '0', "", text, strlen(text));
}

static void tar_link(Tar *tar, const char *name, const char *target)
{
        tar_entry(tar, name, '2', target, "", 0);
}

static void tar_end(Tar *tar)
{
        static const guint8 zero[1024];
        g_byte_array_append(tar->bytes, zero, sizeof(zero));
}

/* As a file, and gone as a writer. */
static int tar_file_of(Tar *tar)
{
        int fd = memfd_create("archive", MFD_CLOEXEC);
        ck_assert(fd >= 0 && sc_write_all(fd, tar->bytes->data, tar->bytes->len, NULL));
        g_byte_array_unref(tar->bytes);
        return fd;
}

static int tar_finish(Tar *tar)
{
        tar_end(tar);
        return tar_file_of(tar);
}

/* ---- the index ---- */

static char *read_entry(ScTarIndex *index, const char *name)
{
        ScExtent extent;
        char *text;
        g_autoptr(GError) error = NULL;
        bool ok = sc_tar_index_find(index, name, &extent, &error) && sc_extent_read(&extent, 1000, name, &text, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        return text;
}

START_TEST(files_are_found_by_name_and_through_links)
{
        g_autofree char *long_name = g_strnfill(300, 'n');
        Tar tar = tar_new();
        tar_entry(&tar, "folder/", '5', "", "", 0);
        tar_file(&tar, "./folder//file", "one");
        tar_link(&tar, "folder/link", "file");
        tar_link(&tar, "other/link", "../folder/link");
        tar_entry(&tar, "hard", '1', "folder/file", "", 0);
        tar_entry(&tar, "device", '3', "", "", 0);
        tar_entry(&tar, "pax", 'x', "", "19 path=real/name\n\n", 19);
        tar_file(&tar, "short", "two");
        tar_entry(&tar, "././@LongLink", 'L', "", long_name, 301);
        tar_file(&tar, "nnn", "three");
        tar_file(&tar, "after", "four");
        sc_autofd fd = tar_finish(&tar);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScTarIndex) index = sc_tar_index_new(fd, NULL, &error);
        ck_assert_no_error(error);
        const struct {
                const char *name, *text;
        } there[] = {{"folder/file", "one"}, {"folder/link", "one"}, {"other/link", "one"}, {"hard", "one"},
                     {"./hard", "one"},      {"real/name\n", "two"}, {long_name, "three"},  {"after", "four"}};
        for (guint i = 0; i < G_N_ELEMENTS(there); i++) {
                g_autofree char *text = read_entry(index, there[i].name);
                ck_assert_str_eq(text, there[i].text);
        }
        static const char *const missing[] = {"folder", "device", "short", "nnn", "none"};
        for (guint i = 0; i < G_N_ELEMENTS(missing); i++) {
                g_autoptr(GError) problem = NULL;
                ScExtent extent;
                ck_assert(!sc_tar_index_find(index, missing[i], &extent, &problem));
                ck_assert_error(problem, SC_ERROR_NOT_FOUND, missing[i]);
        }
}
END_TEST

START_TEST(links_that_lead_out_or_round_are_refused)
{
        Tar tar = tar_new();
        tar_link(&tar, "a", "b");
        tar_link(&tar, "b", "a");
        tar_link(&tar, "self", "self");
        tar_link(&tar, "out", "../x");
        tar_link(&tar, "absolute", "/etc/passwd");
        tar_entry(&tar, "hard", '1', "../x", "", 0);
        tar_link(&tar, "dangling", "none");
        sc_autofd fd = tar_finish(&tar);
        g_autoptr(ScTarIndex) index = sc_tar_index_new(fd, NULL, NULL);
        ck_assert_ptr_nonnull(index);
        static const struct {
                const char *name, *text;
                ScError code;
        } bad[] = {{"a", "circles", SC_ERROR_CORRUPT},      {"self", "circles", SC_ERROR_CORRUPT},
                   {"out", "leads out", SC_ERROR_CORRUPT},  {"absolute", "leads out", SC_ERROR_CORRUPT},
                   {"hard", "leads out", SC_ERROR_CORRUPT}, {"dangling", "no entry", SC_ERROR_NOT_FOUND},
                   {"../a", "leads out", SC_ERROR_CORRUPT}, {"/a", "leads out", SC_ERROR_CORRUPT}};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                ScExtent extent;
                ck_assert(!sc_tar_index_find(index, bad[i].name, &extent, &error));
                ck_assert_error(error, bad[i].code, bad[i].text);
        }
}
END_TEST

static void index_fails(Tar *tar, ScError code, const char *text)
{
        sc_autofd fd = tar_file_of(tar);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScTarIndex) index = sc_tar_index_new(fd, NULL, &error);
        ck_assert_ptr_null(index);
        ck_assert_error(error, code, text);
}

START_TEST(hostile_archives_are_refused)
{
        static const struct {
                const char *name, *link, *data;
                char type;
                ScError code;
                const char *text;
        } entries[] = {
                {"../x", "", "", '0', SC_ERROR_CORRUPT, "'../x' of the archive leads out"},
                {"/etc/x", "", "", '0', SC_ERROR_CORRUPT, "leads out"},
                {"a/../../x", "", "", '5', SC_ERROR_CORRUPT, "leads out"},
                {"twice", "", "", '0', SC_ERROR_CORRUPT, "'twice' twice"},
                {"./twice", "", "", '2', SC_ERROR_CORRUPT, "'twice' twice"},
                {"sparse", "", "", 'S', SC_ERROR_UNSUPPORTED, "sparse"},
                {"pax", "", "22 GNU.sparse.major=1\n", 'x', SC_ERROR_UNSUPPORTED, "sparse"},
                {"pax", "", "99 path=x\n", 'x', SC_ERROR_CORRUPT, "extended header"},
                {"pax", "", "8 path=x\n", 'x', SC_ERROR_CORRUPT, "extended header"},
                {"pax", "", "0 =\n", 'x', SC_ERROR_CORRUPT, "extended header"},
                {"pax", "", "no", 'x', SC_ERROR_CORRUPT, "extended header"},
                {"pax", "", "11 size=-1\n", 'x', SC_ERROR_CORRUPT, "impossible size"},
                {"pax", "", "28 size=9223372036854775807\n", 'x', SC_ERROR_CORRUPT, "truncated"},
                {"pax", "", "15 path=../../x", 'x', SC_ERROR_CORRUPT, "extended header"},
                {"pax", "", "14 path=../../\n", 'x', SC_ERROR_CORRUPT, "extended header"},
                {"pax", "", "15 path=../../\n", 'x', SC_ERROR_CORRUPT, "leads out"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(entries); i++) {
                Tar tar = tar_new();
                tar_file(&tar, "twice", "x");
                tar_entry(&tar, entries[i].name, entries[i].type, entries[i].link, entries[i].data, strlen(entries[i].data));
                tar_file(&tar, "after", "x");
                tar_end(&tar);
                index_fails(&tar, entries[i].code, entries[i].text);
        }
}
END_TEST

START_TEST(broken_archives_are_refused)
{
        static const guint cuts[] = {512, 600, 1024, 1536, 2000};
        for (guint i = 0; i < G_N_ELEMENTS(cuts); i++) {
                Tar tar = tar_new();
                tar_file(&tar, "one", "1");
                tar_file(&tar, "two", "2");
                g_byte_array_set_size(tar.bytes, cuts[i]);
                index_fails(&tar, SC_ERROR_CORRUPT, "truncated");
        }
        static const char *const sizes[] = {"77777777777", "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", "00000100000"};
        for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
                Tar tar = tar_new();
                tar_header(&tar, "lie", '0', "", sizes[i]);
                tar_end(&tar);
                index_fails(&tar, SC_ERROR_CORRUPT, "truncated");
        }
        static const char *const no_numbers[] = {"0000000000x", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
        for (guint i = 0; i < G_N_ELEMENTS(no_numbers); i++) {
                Tar tar = tar_new();
                tar_header(&tar, "lie", '0', "", no_numbers[i]);
                tar_end(&tar);
                index_fails(&tar, SC_ERROR_CORRUPT, "no tar archive");
        }
        Tar damaged = tar_new();
        tar_file(&damaged, "one", "1");
        tar_end(&damaged);
        damaged.bytes->data[3] ^= 1;
        index_fails(&damaged, SC_ERROR_CORRUPT, "no tar archive");

        Tar text = tar_new(), empty = tar_new(), packed = tar_new(), huge_name = tar_new();
        g_autofree char *words = g_strnfill(2000, 'x'), *name = g_strnfill(70000, 'n');
        g_byte_array_append(text.bytes, (const guint8 *)words, 2000);
        index_fails(&text, SC_ERROR_CORRUPT, "no tar archive");
        index_fails(&empty, SC_ERROR_CORRUPT, "0 bytes");
        memcpy(words, "\x1f\x8b\x08", 3);
        g_byte_array_append(packed.bytes, (const guint8 *)words, 2000);
        index_fails(&packed, SC_ERROR_UNSUPPORTED, "compressed (gzip)");
        tar_entry(&huge_name, "././@LongLink", 'L', "", name, 70000);
        tar_end(&huge_name);
        index_fails(&huge_name, SC_ERROR_CORRUPT, "header of 70000 bytes");
}
END_TEST

START_TEST(the_number_of_entries_is_bounded)
{
        Tar tar = tar_new();
        for (guint i = 0; i <= 20000; i++) {
                char name[20];
                g_snprintf(name, sizeof(name), "%u", i);
                tar_file(&tar, name, "");
        }
        tar_end(&tar);
        index_fails(&tar, SC_ERROR_CORRUPT, "more than 20000 entries");
}
END_TEST

/* ---- archives of docker save ---- */

typedef struct {
        ScConfig *config;
        ScReference *reference;
        ScTransport *transport;
        ScManifestText manifest;
} Source;

static void source_clear(Source *source)
{
        sc_transport_free(source->transport);
        sc_manifest_text_clear(&source->manifest);
        sc_reference_free(source->reference);
        sc_config_free(source->config);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

/* Takes the file. */
static bool source_open(Source *source, const char *text, int fd, GError **error)
{
        source->config = sc_config_load("/nonexistent/sysconsd.conf", NULL);
        source->reference = sc_reference_parse_to_pull(text, NULL);
        const ScTransportRequest request = {.reference = source->reference, .config = source->config, .file = fd};
        source->transport = sc_transport_new(&request, error);
        return source->transport != NULL && sc_transport_get_manifest(source->transport, NULL, 0, &source->manifest, NULL, error);
}

static void source_fails(const char *text, int fd, ScError code, const char *part)
{
        g_auto(Source) source = {0};
        g_autoptr(GError) error = NULL;
        ck_assert(!source_open(&source, text, fd, &error));
        ck_assert_error(error, code, part);
}

#define LAYER_A "plain bytes of a layer"
#define LAYER_B "the next one's"

static char *digest_of(const char *text)
{
        ScDigest digest;
        sc_digest_of(text, strlen(text), &digest);
        return sc_digest_to_string(&digest);
}

static char *config_of(const char *a, const char *b)
{
        ScPlatform host;
        sc_platform_of_host(&host);
        g_autofree char *first = digest_of(a), *second = digest_of(b);
        return g_strdup_printf(
                "{\"architecture\":\"%s\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\",\"%s\"]}}",
                host.architecture, first, second);
}

/* To its end, checked. */
static bool read_blob(ScTransport *transport, const ScLayerInfo *layer, char **ret, GError **error)
{
        g_autoptr(ScBlob) blob = sc_transport_open_blob(transport, &layer->digest, layer->size, NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        const void *chunk;
        gssize size;
        while ((size = sc_blob_read(blob, &chunk, error)) > 0)
                g_string_append_len(text, chunk, size);
        /* asked again, it says the same again */
        ck_assert_int_eq(sc_blob_read(blob, &chunk, NULL), size);
        *ret = g_string_free(g_steal_pointer(&text), FALSE);
        return size == 0;
}

static ScImageInfo *info_of(Source *source)
{
        g_autoptr(GError) error = NULL;
        ScManifestKind kind;
        g_autofree char *config = NULL;
        bool ok = sc_manifest_kind(source->manifest.content_type, source->manifest.text, source->manifest.size, "manifest", &kind,
                                   &error);
        ck_assert_no_error(error);
        ck_assert(ok && kind == SC_MANIFEST_IMAGE);
        ScImageInfo *info = sc_manifest_parse(source->manifest.text, source->manifest.size, &source->manifest.digest, 10, "it",
                                              &error);
        ck_assert_no_error(error);
        ok = sc_transport_get_blob(source->transport, &info->config, info->config_size, &config, NULL, &error) &&
             sc_manifest_add_config(info, config, info->config_size, "it", &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        return info;
}

static void layer_is(Source *source, const ScImageInfo *info, guint i, const char *text)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *read = NULL;
        bool ok = read_blob(source->transport, info->layers->pdata[i], &read, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_str_eq(read, text);
}

static void add_manifest(Tar *tar, const char *config_path, const char *tags, const char *a, const char *b)
{
        g_autofree char *text = g_strdup_printf("[{\"Config\":\"%s\",\"RepoTags\":%s,\"Layers\":[\"%s\",\"%s\"]}]", config_path,
                                                tags, a, b);
        tar_file(tar, "manifest.json", text);
}

static void add_config(Tar *tar, const char *config, char **ret_path)
{
        g_autofree char *digest = digest_of(config);
        *ret_path = g_strconcat(digest + strlen("sha256:"), ".json", NULL);
        tar_file(tar, *ret_path, config);
}

/* As Docker before 25 wrote it, with a layer that lies elsewhere and is linked. */
static int old_archive(const char *tags)
{
        Tar tar = tar_new();
        g_autofree char *config = config_of(LAYER_A, LAYER_B), *path = NULL;
        tar_file(&tar, "aa/layer.tar", LAYER_A);
        tar_file(&tar, "cc/layer.tar", LAYER_B);
        tar_link(&tar, "bb/layer.tar", "../cc/layer.tar");
        add_config(&tar, config, &path);
        add_manifest(&tar, path, tags, "aa/layer.tar", "bb/layer.tar");
        tar_file(&tar, "repositories", "{\"old/name\":{\"3\":\"bb\"}}");
        return tar_finish(&tar);
}

START_TEST(old_archives_are_read)
{
        g_auto(Source) source = {0};
        g_autoptr(GError) error = NULL;
        bool ok = source_open(&source, "docker-archive:", old_archive("[\"not a name\",\"Quay.io/a/b:1\",\"c\"]"), &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        ck_assert_str_eq(sc_transport_get_name(source.transport), "quay.io/a/b:1");
        g_autoptr(ScImageInfo) info = info_of(&source);
        layer_is(&source, info, 1, LAYER_B);
        layer_is(&source, info, 0, LAYER_A);
        ck_assert(((const ScLayerInfo *)info->layers->pdata[0])->has_diff_id);

        /* the same image, the same manifest */
        g_auto(Source) again = {0};
        ck_assert(source_open(&again, "docker-archive:c", old_archive("[\"c:latest\"]"), NULL));
        ck_assert_str_eq(again.manifest.text, source.manifest.text);
        ck_assert(sc_digest_equal(&again.manifest.digest, &source.manifest.digest));
        ck_assert_str_eq(sc_transport_get_name(again.transport), "c:latest");
}
END_TEST

START_TEST(images_in_archives_have_names)
{
        static const struct {
                const char *text, *tags, *name;
        } good[] = {
                {"docker-archive:", "null", "old/name:3"},
                {"docker-archive:", "[]", "old/name:3"},
                {"docker-archive:a:2", "[\"a:1\",\"a:2\"]", "a:2"},
                {"docker-archive:a", "[\"docker.io/library/a:latest\"]", "a:latest"},
                {"docker-archive:docker.io/library/a", "[\"a:latest\"]", "docker.io/library/a:latest"},
                {"docker-archive:x/y", "[\"docker.io/x/y\"]", "x/y:latest"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
                g_auto(Source) source = {0};
                g_autoptr(GError) error = NULL;
                bool ok = source_open(&source, good[i].text, old_archive(good[i].tags), &error);
                ck_assert_no_error(error);
                ck_assert(ok);
                ck_assert_str_eq(sc_transport_get_name(source.transport), good[i].name);
        }
        source_fails("docker-archive:a:3", old_archive("[\"a:1\",\"a:2\"]"), SC_ERROR_NOT_FOUND, "there is: a:1, a:2");
        source_fails("docker-archive:quay.io/a", old_archive("[\"a:latest\"]"), SC_ERROR_NOT_FOUND, "there is: a:latest");
        source_fails("docker-archive:a", old_archive("null"), SC_ERROR_NOT_FOUND, "there is: none with a name");

        Tar two = tar_new();
        tar_file(&two, "manifest.json",
                 "[{\"Config\":\"a\",\"RepoTags\":[\"a:1\"],\"Layers\":[]},{\"Config\":\"b\",\"RepoTags\":[\"b:1\"],\"Layers\":[]}"
                 "]");
        source_fails("docker-archive:", tar_finish(&two), SC_ERROR_INVALID_ARGUMENT, "2 images: write which");
}
END_TEST

static gsize gzip(const char *text, guint8 *buffer, gsize size)
{
        z_stream stream = {
                .next_in = (Bytef *)(gpointer)text, .avail_in = (uInt)strlen(text), .next_out = buffer, .avail_out = (uInt)size};
        ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
        deflateEnd(&stream);
        return stream.total_out;
}

/* As Docker since 25 writes it: an OCI layout besides, with layers by digest, here one of them compressed. */
static int new_archive(bool lie)
{
        Tar tar = tar_new();
        guint8 packed[500];
        gsize size = gzip(LAYER_A, packed, sizeof(packed));
        ScDigest digest;
        sc_digest_of(lie ? "x" : (const char *)packed, lie ? 1 : size, &digest);
        g_autofree char *config = config_of(LAYER_A, LAYER_B);
        g_autofree char *named = sc_digest_to_string(&digest), *a = g_strconcat("blobs/sha256/", named + 7, NULL);
        g_autofree char *of_b = digest_of(LAYER_B), *b = g_strconcat("blobs/sha256/", of_b + 7, NULL);
        g_autofree char *of_config = digest_of(config), *path = g_strconcat("blobs/sha256/", of_config + 7, NULL);
        tar_file(&tar, path, config);
        tar_entry(&tar, a, '0', "", packed, size);
        tar_file(&tar, b, LAYER_B);
        add_manifest(&tar, path, "[\"new\"]", a, b);
        return tar_finish(&tar);
}

START_TEST(new_archives_and_compressed_layers_are_read)
{
        g_auto(Source) source = {0}, lying = {0};
        g_autoptr(GError) error = NULL;
        bool ok = source_open(&source, "docker-archive:", new_archive(false), &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        g_autoptr(ScImageInfo) info = info_of(&source);
        const ScLayerInfo *packed = info->layers->pdata[0], *plain = info->layers->pdata[1];
        ck_assert(g_str_has_suffix(packed->media_type, "tar.gzip") && !sc_digest_equal(&packed->digest, &packed->diff_id));
        ck_assert(g_str_has_suffix(plain->media_type, "diff.tar") && sc_digest_equal(&plain->digest, &plain->diff_id));
        layer_is(&source, info, 1, LAYER_B);
        g_autofree char *bytes = NULL;
        ck_assert(read_blob(source.transport, packed, &bytes, &error));

        ck_assert(source_open(&lying, "docker-archive:", new_archive(true), NULL));
        g_autoptr(ScImageInfo) lies = info_of(&lying);
        g_autofree char *read = NULL;
        ck_assert(!read_blob(lying.transport, lies->layers->pdata[0], &read, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "the file is damaged");
}
END_TEST

START_TEST(archives_that_lie_are_refused)
{
        g_autofree char *config = config_of(LAYER_A, LAYER_B), *path = NULL;
        static const struct {
                const char *manifest, *part;
                ScError code;
        } bad[] = {
                {"[]", "lists 0 images", SC_ERROR_CORRUPT},
                {"{}", "not a JSON array", SC_ERROR_CORRUPT},
                {"[1]", "not an object", SC_ERROR_CORRUPT},
                {"[{}]", "'Config' is missing", SC_ERROR_CORRUPT},
                {"[{\"Config\":\"none\",\"Layers\":[]}]", "no entry 'none'", SC_ERROR_NOT_FOUND},
                {"[{\"Config\":\"../c\",\"Layers\":[]}]", "leads out", SC_ERROR_CORRUPT},
                {"[{\"Config\":\"\",\"Layers\":[]}]", "leads out", SC_ERROR_CORRUPT},
                {"[{\"Config\":\"c.json\",\"Layers\":[]}]", "has 0 layers of the image, its configuration names 2",
                 SC_ERROR_CORRUPT},
                {"[{\"Config\":\"c.json\",\"Layers\":[\"a\",\"/etc/shadow\"]}]", "leads out", SC_ERROR_CORRUPT},
                {"[{\"Config\":\"c.json\",\"Layers\":[\"a\",\"none\"]}]", "no entry", SC_ERROR_NOT_FOUND},
                {"[{\"Config\":\"c.json\",\"Layers\":[\"a\",1]}]", "'Layers'", SC_ERROR_CORRUPT},
                {"[{\"Config\":\"a\",\"Layers\":[\"a\",\"a\"]}]", "not valid JSON", SC_ERROR_CORRUPT},
                {"[{\"Config\":\""
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 ".json\",\"Layers\":[]}]",
                 "damaged", SC_ERROR_VERIFY_FAILED},
        };
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                Tar tar = tar_new();
                tar_file(&tar, "c.json", config);
                tar_file(&tar, "a", LAYER_A);
                tar_file(&tar, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.json", "{}");
                tar_file(&tar, "manifest.json", bad[i].manifest);
                source_fails("docker-archive:", tar_finish(&tar), bad[i].code, bad[i].part);
        }
        Tar none = tar_new();
        tar_file(&none, "index.json", "{}");
        source_fails("docker-archive:", tar_finish(&none), SC_ERROR_CORRUPT,
                     "It is no archive of `docker save` (an OCI archive is");

        /* another layer than the configuration proves */
        Tar tar = tar_new();
        tar_file(&tar, "a", LAYER_A);
        tar_file(&tar, "b", "something else");
        add_config(&tar, config, &path);
        add_manifest(&tar, path, "[\"x\"]", "a", "b");
        g_auto(Source) source = {0};
        ck_assert(source_open(&source, "docker-archive:", tar_finish(&tar), NULL));
        g_autoptr(ScImageInfo) info = info_of(&source);
        g_autofree char *read = NULL;
        g_autoptr(GError) error = NULL;
        ck_assert(!read_blob(source.transport, info->layers->pdata[1], &read, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "damaged");
}
END_TEST

START_TEST(a_file_that_changes_is_noticed)
{
        int fd = old_archive("[\"x\"]");
        int kept = dup(fd);
        g_auto(Source) source = {0};
        ck_assert(source_open(&source, "docker-archive:", fd, NULL));
        g_autoptr(ScImageInfo) info = info_of(&source);
        /* It grows, which is of no interest; then it is cut off. */
        ck_assert_int_eq(ftruncate(kept, 1 << 20), 0);
        layer_is(&source, info, 0, LAYER_A);
        ck_assert_int_eq(ftruncate(kept, 515), 0);
        g_autofree char *read = NULL, *config = NULL;
        g_autoptr(GError) error = NULL;
        ck_assert(!read_blob(source.transport, info->layers->pdata[0], &read, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "become shorter");
        g_clear_error(&error);
        ck_assert(!sc_transport_get_blob(source.transport, &info->config, info->config_size, &config, NULL, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "become shorter");
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_cancellable_cancel(cancellable);
        g_autoptr(ScBlob) blob = sc_transport_open_blob(source.transport, &info->config, info->config_size, cancellable);
        const void *chunk;
        g_clear_error(&error);
        ck_assert_int_eq(sc_blob_read(blob, &chunk, &error), -1);
        close(kept);
}
END_TEST

/* ---- OCI layouts ---- */

#define OCI_IMAGE "application/vnd.oci.image.manifest.v1+json"

static char *oci_manifest(const char *config)
{
        g_autofree char *c = digest_of(config), *a = digest_of(LAYER_A), *b = digest_of(LAYER_B);
        return g_strdup_printf(
                "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/"
                "vnd.oci.image.config.v1+json\",\"digest\":\"%s\",\"size\":%zu},"
                "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu},"
                "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
                c, strlen(config), a, strlen(LAYER_A), b, strlen(LAYER_B));
}

static char *oci_index(const char *manifest, gsize size, const char *annotations)
{
        g_autofree char *m = digest_of(manifest);
        return g_strdup_printf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_IMAGE
                               "\",\"digest\":\"%s\",\"size\":%zu%s}]}",
                               m, size, annotations);
}

/* By way of `add`, which gets name and text. */
static void make_layout(void (*add)(gpointer to, const char *name, const char *text), gpointer to, const char *annotations)
{
        g_autofree char *config = config_of(LAYER_A, LAYER_B), *manifest = oci_manifest(config);
        g_autofree char *index = oci_index(manifest, strlen(manifest), annotations);
        const char *const blobs[] = {config, manifest, LAYER_A, LAYER_B};
        for (guint i = 0; i < G_N_ELEMENTS(blobs); i++) {
                g_autofree char *digest = digest_of(blobs[i]), *name = g_strconcat("blobs/sha256/", digest + 7, NULL);
                add(to, name, blobs[i]);
        }
        add(to, "index.json", index);
        add(to, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
}

static void add_to_tar(gpointer to, const char *name, const char *text)
{
        tar_file(to, name, text);
}

static void add_to_folder(gpointer to, const char *name, const char *text)
{
        g_autofree char *path = g_build_filename(to, name, NULL), *folder = g_path_get_dirname(path);
        ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
        ck_assert(g_file_set_contents(path, text, -1, NULL));
}

#define NAMED(name) ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}"

static void check_layout(const char *text, int fd, const char *name)
{
        g_auto(Source) source = {0};
        g_autoptr(GError) error = NULL;
        bool ok = source_open(&source, text, fd, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        if (name != NULL)
                ck_assert_str_eq(sc_transport_get_name(source.transport), name);
        else
                ck_assert_ptr_null(sc_transport_get_name(source.transport));
        g_autoptr(ScImageInfo) info = info_of(&source);
        layer_is(&source, info, 0, LAYER_A);
        layer_is(&source, info, 1, LAYER_B);
        ScLayerInfo wrong = *(ScLayerInfo *)info->layers->pdata[0];
        wrong.size++;
        g_autofree char *read = NULL;
        ck_assert(!read_blob(source.transport, &wrong, &read, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "bytes instead of");
}

START_TEST(layouts_in_archives_are_read)
{
        Tar plain = tar_new(), named = tar_new(), full = tar_new(), bad = tar_new(), old = tar_new();
        make_layout(add_to_tar, &plain, "");
        check_layout("oci-archive:", tar_finish(&plain), NULL);
        make_layout(add_to_tar, &named, NAMED("v1"));
        check_layout("oci-archive:v1", tar_finish(&named), "v1");
        make_layout(add_to_tar, &full,
                    ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"latest\",\"io.containerd.image.name\":\"docker.io/x/"
                    "y:latest\"}");
        check_layout("oci-archive:docker.io/x/y", tar_finish(&full), "docker.io/x/y:latest");

        tar_file(&old, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
        source_fails("oci-archive:", tar_finish(&old), SC_ERROR_UNSUPPORTED, "version '2.0.0'");
        tar_file(&bad, "index.json", "{}");
        source_fails("oci-archive:", tar_finish(&bad), SC_ERROR_CORRUPT, "no OCI image layout (an archive of `docker save` is");
}
END_TEST

START_TEST(images_in_layouts_are_chosen)
{
        static const struct {
                const char *entries, *name, *found, *part; /* found NULL: fails */
        } cases[] = {
                {"NAMED", NULL, "a", NULL},
                {"NAMED,OTHER", "a", "a", NULL},
                {"NAMED,OTHER", NULL, NULL, "2 images: write which behind its path, as in PATH:REF; there is: a, b"},
                {"NAMED,OTHER", "c", NULL, "Image c not found in the layout; there is: a, b"},
                {"NAMED,NAMED", "a", NULL, "2 images by the name a"},
                {"PLAIN", "c", NULL, "there is: none with a name"},
                {"PLAIN,PLAIN", NULL, "whole", NULL},
                {"PLAIN,NAMED", NULL, NULL, "2 images: write which"},
                {"", NULL, NULL, "lists 0 images"},
                {"1", NULL, NULL, "no image"},
                {"{}", NULL, NULL, "'mediaType' is missing"},
                {"HUGE", NULL, NULL, "manifest of 99999999 bytes"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                GString *text = g_string_new("{\"schemaVersion\":2,\"manifests\":[");
                g_string_append(text, cases[i].entries);
                g_string_append(text, "]}");
#define START                         \
        "{\"mediaType\":\"" OCI_IMAGE \
        "\",\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"size\":"
                g_string_replace(text, "NAMED", START "7" NAMED("a") "}", 0);
                g_string_replace(text, "OTHER", START "7" NAMED("b") "}", 0);
                g_string_replace(text, "PLAIN", START "7}", 0);
                g_string_replace(text, "HUGE", START "99999999}", 0);
                g_autoptr(GError) error = NULL;
                g_auto(ScOciEntry) entry = {0};
                bool ok = sc_oci_index_find(text->str, text->len, cases[i].name, &entry, &error);
                g_string_free(text, TRUE);
                ck_assert_msg(ok == (cases[i].found != NULL), "case %u: %s", i, error != NULL ? error->message : "");
                if (ok)
                        ck_assert_str_eq(entry.is_whole ? "whole" : entry.name, cases[i].found);
                else
                        ck_assert_ptr_nonnull(strstr(error->message, cases[i].part));
        }
}
END_TEST

/* ---- folders, through a door ---- */

typedef struct {
        int end, dir_fd;
        GThread *thread;
} Server;

static gpointer serve(gpointer data)
{
        const Server *server = data;
        sc_door_serve(server->end, server->dir_fd);
        return NULL;
}

static int server_start(Server *server, const char *folder)
{
        int ends[2];
        ck_assert(sc_door_new(ends, NULL));
        server->end = ends[0];
        server->dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        server->thread = g_thread_new("door", serve, server);
        return ends[1];
}

static void server_stop(Server *server)
{
        shutdown(server->end, SHUT_RDWR);
        g_thread_join(server->thread);
        close(server->end);
        close(server->dir_fd);
}

static void ask_fails(int end, const char *name, ScError code, const char *part)
{
        g_autoptr(GError) error = NULL;
        ck_assert_int_eq(sc_door_ask(end, name, 60, NULL, &error), -1);
        ck_assert_error(error, code, part);
}

START_TEST(folders_are_read_through_a_door)
{
        char *folder = test_folder_new();
        Server server;
        make_layout(add_to_folder, folder, "");
        check_layout("oci-layout:", server_start(&server, folder), NULL);
        server_stop(&server);

        g_autofree char *hex = g_strnfill(64, 'b'), *blob = g_strconcat("blobs/sha256/", hex, NULL);
        g_autofree char *linked = g_build_filename(folder, blob, NULL), *fifo = g_build_filename(folder, "oci-layout", NULL);
        g_autofree char *secret = g_build_filename(folder, "secret", NULL);
        ck_assert(g_file_set_contents(secret, "x", -1, NULL));
        ck_assert_int_eq(symlink("/etc/passwd", linked), 0);
        g_unlink(fifo);
        ck_assert_int_eq(mkfifo(fifo, 0600), 0);
        sc_autofd end = server_start(&server, folder);
        ask_fails(end, "secret", SC_ERROR_FAILED, "Invalid argument");
        ask_fails(end, "../index.json", SC_ERROR_FAILED, "Invalid argument");
        ask_fails(end, blob, SC_ERROR_FAILED, "");
        ask_fails(end, "oci-layout", SC_ERROR_CORRUPT, "not a regular file");
        ask_fails(end, "blobs/sha256/cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc", SC_ERROR_NOT_FOUND,
                  "No such file");
        server_stop(&server);
        ask_fails(end, "index.json", SC_ERROR_FAILED, "must stay to the end");
        test_folder_remove(folder);
}
END_TEST

static gpointer cancel_soon(gpointer data)
{
        g_usleep(50000);
        g_cancellable_cancel(data);
        return NULL;
}

enum { MAX_SENT = 4 };

static void send_fds(int socket, const int *fds, gsize n_fds)
{
        int problem = 0;
        union {
                char buffer[CMSG_SPACE(MAX_SENT * sizeof(int))];
                struct cmsghdr align;
        } control = {0};
        struct iovec vector = {&problem, sizeof(problem)};
        struct msghdr message = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = control.buffer,
                .msg_controllen = CMSG_SPACE(n_fds * sizeof(int)),
        };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
        ck_assert_int_eq(sendmsg(socket, &message, 0), sizeof(problem));
}

static void send_fd(int socket, int fd)
{
        send_fds(socket, &fd, 1);
}

static guint count_open(void)
{
        g_autoptr(GDir) listing = g_dir_open("/proc/self/fd", 0, NULL);
        guint count = 0;
        while (g_dir_read_name(listing) != NULL)
                count++;
        return count;
}

/* What nobody asked for does not stay open. */
static void check_more_than_one(int theirs, int ours)
{
        sc_autofd file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        const int fds[MAX_SENT] = {file, file, file, file};
        for (gsize n = 1; n <= MAX_SENT; n++) {
                guint before = count_open();
                send_fds(theirs, fds, n);
                int got = sc_door_ask(ours, "index.json", 60, NULL, NULL);
                ck_assert_int_ge(got, 0);
                close(got);
                ck_assert_uint_eq(count_open(), before);
        }
}

START_TEST(doors_of_the_hostile_are_survived)
{
        int ends[2], pipe_ends[2];
        ck_assert(sc_door_new(ends, NULL) && pipe(pipe_ends) == 0);
        /* nobody answers: it can be cancelled */
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GError) error = NULL;
        GThread *thread = g_thread_new("cancel", cancel_soon, cancellable);
        ck_assert_int_eq(sc_door_ask(ends[1], "index.json", 60, cancellable, &error), -1);
        ck_assert_error(error, SC_ERROR_CANCELLED, "");
        g_thread_join(thread);
        g_clear_error(&error);
        ck_assert_int_eq(sc_door_ask(ends[1], "index.json", 1, NULL, &error), -1);
        ck_assert_error(error, SC_ERROR_FAILED, "did not answer for 1 s");
        char question[100];
        while (recv(ends[0], question, sizeof(question), MSG_DONTWAIT) > 0)
                ;

        sc_autofd path_only = open("/etc/passwd", O_PATH | O_CLOEXEC), writable = memfd_create("x", 0);
        g_autofree char *own = g_strdup_printf("/proc/self/fd/%d", writable);
        sc_autofd write_only = open(own, O_WRONLY | O_CLOEXEC), folder = open("/", O_RDONLY | O_DIRECTORY);
        const int bad[] = {path_only, write_only, folder, pipe_ends[0]};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                send_fd(ends[0], bad[i]);
                ask_fails(ends[1], "index.json", SC_ERROR_CORRUPT, "not a regular file that can be read");
        }
        check_more_than_one(ends[0], ends[1]);
        ck_assert_int_eq(send(ends[0], "xx", 2, 0), 2);
        ask_fails(ends[1], "index.json", SC_ERROR_FAILED, "");
        int zero = 0;
        ck_assert_int_eq(send(ends[0], &zero, sizeof(zero), 0), sizeof(zero));
        ask_fails(ends[1], "index.json", SC_ERROR_FAILED, "");

        int stream[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, stream), 0);
        ck_assert(sc_door_check(ends[1], NULL));
        ck_assert(!sc_door_check(stream[0], NULL) && !sc_door_check(pipe_ends[0], NULL));
        source_fails("oci-layout:", dup(pipe_ends[0]), SC_ERROR_INVALID_ARGUMENT, "A folder is handed over as a socket");
        for (guint i = 0; i < 2; i++) {
                close(ends[i]);
                close(stream[i]);
                close(pipe_ends[i]);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("archive");
        TCase *index = tcase_create("index"), *docker = tcase_create("docker"), *oci = tcase_create("oci"),
              *door = tcase_create("door");
        tcase_set_timeout(index, 60);
        tcase_add_test(index, files_are_found_by_name_and_through_links);
        tcase_add_test(index, links_that_lead_out_or_round_are_refused);
        tcase_add_test(index, hostile_archives_are_refused);
        tcase_add_test(index, broken_archives_are_refused);
        tcase_add_test(index, the_number_of_entries_is_bounded);
        tcase_add_test(docker, old_archives_are_read);
        tcase_add_test(docker, images_in_archives_have_names);
        tcase_add_test(docker, new_archives_and_compressed_layers_are_read);
        tcase_add_test(docker, archives_that_lie_are_refused);
        tcase_add_test(docker, a_file_that_changes_is_noticed);
        tcase_add_test(oci, layouts_in_archives_are_read);
        tcase_add_test(oci, images_in_layouts_are_chosen);
        tcase_add_test(door, folders_are_read_through_a_door);
        tcase_add_test(door, doors_of_the_hostile_are_survived);
        suite_add_tcase(suite, index);
        suite_add_tcase(suite, docker);
        suite_add_tcase(suite, oci);
        suite_add_tcase(suite, door);
        return test_run(suite);
}
