/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "registry/skeleton.h"
#include "registry/streamed-archive.h"
#include "test.h"
#include <string.h>
#include <sys/stat.h>

enum { LARGE = 9 * 1024 * 1024 + 100, SMALL = 1000, LAYERS = 3 };

/* What an engine would send, and how it does. */
typedef struct {
        ScStreamSource source;
        GByteArray *bytes;
        guint opens;
        gsize end;           /* 0: all of it */
        const char *problem; /* said at the end; NULL: none */
        gsize sent;
} Sender;

typedef struct {
        ScStream stream;
        Sender *sender;
        gsize at;
} Sent;

static gssize sent_read(ScStream *stream, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
        Sent *sent = (Sent *)stream;
        const Sender *sender = sent->sender;
        gsize end = sender->end > 0 ? sender->end : sender->bytes->len;
        /* pieces that fit nothing */
        gsize n = MIN(MIN(size, end > sent->at ? end - sent->at : 0), 70001);
        if (n == 0 && sender->problem != NULL) {
                sc_throw(error, SC_ERROR_FAILED, "%s", sender->problem);
                return -1;
        }
        memcpy(buffer, sender->bytes->data + sent->at, n);
        sent->at += n;
        sent->sender->sent += n;
        return (gssize)n;
}

static void sent_free(ScStream *stream)
{
        g_free(stream);
}

static ScStream *sender_open(ScStreamSource *source, GCancellable *cancellable, GError **error)
{
        Sent *sent = g_new0(Sent, 1);
        sent->stream = (ScStream){sent_read, sent_free};
        sent->sender = (Sender *)source;
        sent->sender->opens++;
        return &sent->stream;
}

static void sender_free(ScStreamSource *source)
{
}

static void put(GByteArray *bytes, const char *name, const void *data, gsize size)
{
        guint8 header[512] = {0};
        static const guint8 zeros[512];
        strncpy((char *)header, name, 100);
        g_snprintf((char *)header + 124, 12, "%011" G_GSIZE_MODIFIER "o", size);
        memset(header + 148, ' ', 8);
        header[156] = '0';
        unsigned sum = 0;
        for (gsize i = 0; i < sizeof(header); i++)
                sum += header[i];
        g_snprintf((char *)header + 148, 8, "%06o", sum);
        g_byte_array_append(bytes, header, sizeof(header));
        g_byte_array_append(bytes, data, (guint)size);
        g_byte_array_append(bytes, zeros, (guint)((512 - size % 512) % 512));
}

typedef struct {
        Sender sender;
        ScConfig *config;
        ScReference *reference;
        ScReport *report;
        ScTransport *transport;
        ScDigest digests[LAYERS];
        gsize sizes[LAYERS];
} Fixture;

static guint8 *layer_content(guint i, gsize size)
{
        guint8 *data = g_malloc(size);
        for (gsize at = 0; at < size; at++)
                data[at] = (guint8)(at * 31 + at / 4096 + i);
        return data;
}

/* Layers 0 and 1 are large, 2 is small; 1 comes before 0, and what they are of comes last. */
static void setup(Fixture *fixture)
{
        static const guint order[LAYERS] = {1, 0, 2};
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) ids = g_string_new(NULL);
        *fixture = (Fixture){.sender = {.source = {sender_open, sender_free}, .bytes = g_byte_array_new()}};
        g_autofree guint8 *contents[LAYERS] = {NULL};
        for (guint i = 0; i < LAYERS; i++) {
                fixture->sizes[i] = i == 2 ? SMALL : LARGE + i;
                contents[i] = layer_content(i, fixture->sizes[i]);
                sc_digest_of(contents[i], fixture->sizes[i], &fixture->digests[i]);
                g_autofree char *digest = sc_digest_to_string(&fixture->digests[i]);
                g_string_append_printf(ids, "%s\"%s\"", i > 0 ? "," : "", digest);
        }
        for (guint i = 0; i < LAYERS; i++) {
                g_autofree char *name = g_strdup_printf("layer%u.tar", order[i]);
                put(fixture->sender.bytes, name, contents[order[i]], fixture->sizes[order[i]]);
                g_free(g_steal_pointer(&contents[order[i]]));
        }
        g_autofree char *config = g_strdup_printf(
                "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}", ids->str);
        const char *list = "[{\"Config\":\"config.json\",\"RepoTags\":[\"other:1\"],"
                           "\"Layers\":[\"layer0.tar\",\"layer1.tar\",\"layer2.tar\"]}]";
        put(fixture->sender.bytes, "config.json", config, strlen(config));
        put(fixture->sender.bytes, "manifest.json", list, strlen(list));
        g_byte_array_append(fixture->sender.bytes, (guint8[1024]){0}, 1024);
        fixture->config = sc_config_load("/nonexistent", &error);
        ck_assert_no_error(error);
        fixture->reference = sc_reference_parse("docker:app:1", &error);
        ck_assert_no_error(error);
        const ScTransportRequest request = {.reference = fixture->reference, .config = fixture->config, .file = -1};
        fixture->transport = sc_streamed_archive_new(&request, &fixture->sender.source);
}

static void teardown(Fixture *fixture)
{
        sc_transport_free(fixture->transport);
        sc_reference_free(fixture->reference);
        sc_config_free(fixture->config);
        g_byte_array_unref(fixture->sender.bytes);
}

static void get_manifest(Fixture *fixture)
{
        g_auto(ScManifestText) manifest = {0};
        g_autoptr(GError) error = NULL;
        bool ok = sc_transport_get_manifest(fixture->transport, NULL, 0, &manifest, NULL, &error);
        ck_assert_no_error(error);
        ck_assert(ok);
        for (guint i = 0; i < LAYERS; i++) {
                g_autofree char *digest = sc_digest_to_string(&fixture->digests[i]);
                ck_assert_ptr_nonnull(strstr(manifest.text, digest));
        }
}

/* To its end, which says whether it was right. */
static bool read_layer(Fixture *fixture, guint i, GError **error)
{
        g_autoptr(ScBlob) blob = sc_transport_open_blob(fixture->transport, &fixture->digests[i], fixture->sizes[i], NULL);
        const void *chunk;
        gssize n;
        gsize total = 0;
        while ((n = sc_blob_read(blob, &chunk, error)) > 0)
                total += (gsize)n;
        if (n == 0)
                ck_assert_uint_eq(total, fixture->sizes[i]);
        return n == 0;
}

static guint64 place_of(Fixture *fixture, guint i)
{
        guint64 place;
        ck_assert(sc_transport_get_place(fixture->transport, &fixture->digests[i], &place));
        return place;
}

START_TEST(layers_come_with_the_second_stream)
{
        Fixture fixture;
        setup(&fixture);
        get_manifest(&fixture);
        ck_assert_uint_eq(fixture.sender.opens, 1);
        ck_assert(place_of(&fixture, 1) < place_of(&fixture, 0) && place_of(&fixture, 0) < place_of(&fixture, 2));
        g_autoptr(GError) error = NULL;
        ck_assert(read_layer(&fixture, 1, &error) && read_layer(&fixture, 0, &error) && read_layer(&fixture, 2, &error));
        ck_assert_no_error(error);
        ck_assert_uint_eq(fixture.sender.opens, 2);
        ck_assert_uint_lt(fixture.sender.sent, 2 * fixture.sender.bytes->len);
        teardown(&fixture);
}
END_TEST

START_TEST(layers_can_be_had_in_another_order)
{
        Fixture fixture;
        setup(&fixture);
        get_manifest(&fixture);
        g_autoptr(GError) error = NULL;
        ck_assert(read_layer(&fixture, 2, &error) && fixture.sender.opens == 1); /* small, so it was kept */
        ck_assert(read_layer(&fixture, 0, &error) && read_layer(&fixture, 1, &error));
        ck_assert_no_error(error);
        ck_assert_uint_eq(fixture.sender.opens, 3);
        teardown(&fixture);
}
END_TEST

START_TEST(another_archive_the_second_time)
{
        Fixture fixture;
        setup(&fixture);
        get_manifest(&fixture);
        fixture.sender.bytes->data[place_of(&fixture, 1) + LARGE / 2] ^= 1;
        g_autoptr(GError) error = NULL, shorter = NULL;
        ck_assert(!read_layer(&fixture, 1, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "another one the second time");
        fixture.sender.end = LARGE;
        ck_assert(!read_layer(&fixture, 0, &shorter));
        ck_assert_error(shorter, SC_ERROR_CORRUPT, "longer before");
        teardown(&fixture);
}
END_TEST

START_TEST(a_stream_that_breaks_off_says_why)
{
        static const struct {
                gsize left;
                const char *problem;
                ScError code;
                const char *message;
        } cases[] = {
                {LARGE, NULL, SC_ERROR_CORRUPT, "truncated"},
                {LARGE, "the program failed", SC_ERROR_FAILED, "the program failed"},
                {1, NULL, SC_ERROR_CORRUPT, "truncated"},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                Fixture fixture;
                setup(&fixture);
                g_auto(ScManifestText) manifest = {0};
                g_autoptr(GError) error = NULL;
                fixture.sender.end = cases[i].left;
                fixture.sender.problem = cases[i].problem;
                ck_assert(!sc_transport_get_manifest(fixture.transport, NULL, 0, &manifest, NULL, &error));
                ck_assert_error(error, cases[i].code, cases[i].message);
                teardown(&fixture);
        }
}
END_TEST

/* Large entries take no memory. */
START_TEST(a_skeleton_has_holes)
{
        Fixture fixture;
        setup(&fixture);
        g_autoptr(GError) error = NULL;
        ScSkeleton *skeleton = sc_skeleton_new(sender_open(&fixture.sender.source, NULL, NULL), NULL, &error);
        ck_assert_no_error(error);
        const ScTarFeed feed = sc_skeleton_feed(skeleton);
        g_autoptr(ScTarIndex) index = sc_tar_index_new_fed(sc_skeleton_fd(skeleton), &feed, NULL, &error);
        ck_assert_no_error(error);
        struct stat st;
        ck_assert(fstat(sc_skeleton_fd(skeleton), &st) == 0);
        ck_assert_int_ge(st.st_size, 2 * LARGE);
        ck_assert_int_lt(st.st_blocks * 512, 512 * 1024);
        ScExtent large, small;
        ck_assert(sc_tar_index_find(index, "layer0.tar", &large, NULL) && sc_tar_index_find(index, "layer2.tar", &small, NULL));
        ck_assert(!sc_skeleton_has(skeleton, &large) && sc_skeleton_has(skeleton, &small));
        sc_skeleton_free(skeleton);
        teardown(&fixture);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("streamed-archive");
        TCase *cases = tcase_create("stream");
        tcase_add_test(cases, layers_come_with_the_second_stream);
        tcase_add_test(cases, layers_can_be_had_in_another_order);
        tcase_add_test(cases, another_archive_the_second_time);
        tcase_add_test(cases, a_stream_that_breaks_off_says_why);
        tcase_add_test(cases, a_skeleton_has_holes);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
