/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Built twice: with the gzip decoder of this machine, and with zlib's. */

#include "store/inflate.h"
#include "test.h"
#include <string.h>
#include <zlib.h>
#include <zstd.h>

typedef struct {
        const guint8 *data;
        gsize size;
        gsize chunk;
        bool fails;
} Source;

static gssize source_read(gpointer data, const void **ret_chunk, GError **error)
{
        Source *source = data;
        gsize size = MIN(source->chunk, source->size);

        if (size == 0 && source->fails) {
                sc_throw(error, SC_ERROR_NETWORK, "the line is cut");
                return -1;
        }
        *ret_chunk = source->data;
        source->data += size;
        source->size -= size;
        return (gssize)size;
}

/* All that comes out, or NULL with an error. */
static GByteArray *inflate_all(GByteArray *input, gsize chunk, const char *media_type, guint64 max, GError **error)
{
        Source source = {.data = input->data, .size = input->len, .chunk = chunk};
        g_autoptr(ScInflate) inflate = sc_inflate_new(source_read, &source, media_type, max);
        g_autoptr(GByteArray) output = g_byte_array_new();
        const void *data;
        gssize size;

        while ((size = sc_inflate_read(inflate, &data, error)) > 0)
                g_byte_array_append(output, data, (guint)size);
        if (size < 0)
                return NULL;
        ck_assert_uint_eq(sc_inflate_bytes_in(inflate), input->len);
        ck_assert_uint_eq(sc_inflate_bytes_out(inflate), output->len);
        return g_steal_pointer(&output);
}

/* Neither constant nor without repetition. */
static GByteArray *sample(gsize size, guint32 seed)
{
        GByteArray *data = g_byte_array_sized_new((guint)size);
        g_autoptr(GRand) random = g_rand_new_with_seed(seed);

        while (data->len < size) {
                guint8 run[64];
                guint length = (guint)g_rand_int_range(random, 1, sizeof run + 1);
                memset(run, g_rand_int_range(random, 0, 256), sizeof run);
                g_byte_array_append(data, run, MIN((guint)size - data->len, length));
        }
        return data;
}

static void append_gzip(GByteArray *to, const GByteArray *data)
{
        z_stream stream = {0};
        gz_header header = {
                .name = (Bytef *)"a name", .extra = (Bytef *)"extra", .extra_len = 5, .comment = (Bytef *)"words", .hcrc = 0};
        guint start = to->len;

        ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
        deflateSetHeader(&stream, &header);
        gsize bound = deflateBound(&stream, data->len) + 64;
        g_byte_array_set_size(to, start + (guint)bound);
        stream.next_in = data->data;
        stream.avail_in = data->len;
        stream.next_out = to->data + start;
        stream.avail_out = (uInt)bound;
        ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
        g_byte_array_set_size(to, start + (guint)stream.total_out);
        deflateEnd(&stream);
}

static void append_zstd(GByteArray *to, const GByteArray *data)
{
        gsize bound = ZSTD_compressBound(data->len);
        guint start = to->len;

        g_byte_array_set_size(to, start + (guint)bound);
        gsize size = ZSTD_compress(to->data + start, bound, data->data, data->len, 3);
        ck_assert(!ZSTD_isError(size));
        g_byte_array_set_size(to, start + (guint)size);
}

static void append_plain(GByteArray *to, const GByteArray *data)
{
        g_byte_array_append(to, data->data, data->len);
}

typedef void (*Append)(GByteArray *to, const GByteArray *data);

static void assert_gives(GByteArray *input, gsize chunk, const GByteArray *expected)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) output = inflate_all(input, chunk, NULL, G_MAXUINT64, &error);

        ck_assert_no_error(error);
        ck_assert_uint_eq(output->len, expected->len);
        ck_assert(memcmp(output->data, expected->data, expected->len) == 0);
}

static void assert_fails(GByteArray *input, gsize chunk, const char *media_type, guint64 max, ScError code, const char *part)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) output = inflate_all(input, chunk, media_type, max, &error);

        ck_assert_ptr_null(output);
        ck_assert_error(error, code, part);
}

static const gsize chunks[] = {1, 2, 3, 5, 7, 64, 4096, 262144, G_MAXUINT32};
static const Append appends[] = {append_gzip, append_zstd, append_plain};

START_TEST(test_round_trip)
{
        for (guint c = 0; c < G_N_ELEMENTS(chunks); c++) {
                /* Larger than the output buffer, exactly as large, and small ones. */
                const gsize sizes[] = {1, 100, 256 * 1024, 2 * 256 * 1024, 700001};
                for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
                        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(sizes[i], i);
                        appends[_i](input, data);
                        assert_gives(input, chunks[c], data);
                }
        }
}
END_TEST

START_TEST(test_members)
{
        for (guint c = 0; c < G_N_ELEMENTS(chunks); c++) {
                g_autoptr(GByteArray) input = g_byte_array_new(), expected = g_byte_array_new();
                const gsize sizes[] = {1000, 0, 256 * 1024, 1, 300000, 0};
                for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
                        g_autoptr(GByteArray) data = sample(sizes[i], i);
                        appends[_i](input, data);
                        g_byte_array_append(expected, data->data, data->len);
                }
                assert_gives(input, chunks[c], expected);
        }
}
END_TEST

START_TEST(test_skippable_frame)
{
        static const guint8 skippable[] = {0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(5000, 1);

        g_byte_array_append(input, skippable, sizeof skippable);
        append_zstd(input, data);
        g_byte_array_append(input, skippable, sizeof skippable);
        for (guint c = 0; c < G_N_ELEMENTS(chunks); c++)
                assert_gives(input, chunks[c], data);
}
END_TEST

/* A frame of nothing that wants 2 GiB to look back (RFC 8878, 3.1.1.1.2). */
START_TEST(test_huge_window)
{
        static const guint8 frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00};
        g_autoptr(GByteArray) input = g_byte_array_new();

        g_byte_array_append(input, frame, sizeof frame);
        assert_fails(input, 4096, NULL, G_MAXUINT64, SC_ERROR_CORRUPT, "zstd data are damaged");
}
END_TEST

START_TEST(test_trailing_garbage)
{
        static const char *const garbage[] = {"x", "xyzxyzxyzxyzxyzxyz", "\x1f", "\x1f\x8b"};

        for (guint g = 0; g < G_N_ELEMENTS(garbage); g++)
                for (guint c = 0; c < G_N_ELEMENTS(chunks); c++) {
                        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(5000, 1);
                        appends[_i](input, data);
                        g_byte_array_append(input, (const guint8 *)garbage[g], (guint)strlen(garbage[g]));
                        assert_fails(input, chunks[c], NULL, G_MAXUINT64, SC_ERROR_CORRUPT, "data");
                }
}
END_TEST

START_TEST(test_zero_padding)
{
        static const guint8 zeros[512];
        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(5000, 1);

        appends[_i](input, data);
        g_byte_array_append(input, zeros, sizeof zeros);
        assert_fails(input, 4096, NULL, G_MAXUINT64, SC_ERROR_CORRUPT, "data");
}
END_TEST

START_TEST(test_truncated)
{
        g_autoptr(GByteArray) whole = g_byte_array_new(), data = sample(3000, 1);

        appends[_i](whole, data);
        for (guint size = 4; size < whole->len; size++) {
                g_autoptr(GByteArray) input = g_byte_array_new();
                g_byte_array_append(input, whole->data, size);
                assert_fails(input, size % 3 == 0 ? 1 : 4096, NULL, G_MAXUINT64, SC_ERROR_CORRUPT, "too early");
        }
}
END_TEST

/* Each flipped byte is noticed, but in gzip's header, which says nothing of the content, and zstd's frames without a checksum. */
START_TEST(test_flipped)
{
        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(3000, 1);

        append_gzip(input, data);
        for (guint at = 40; at < input->len; at++) {
                g_autoptr(GError) error = NULL;
                input->data[at] ^= 0x55;
                g_autoptr(GByteArray) output = inflate_all(input, 4096, NULL, G_MAXUINT64, &error);
                ck_assert_msg(output == NULL, "byte %u", at);
                ck_assert_error(error, SC_ERROR_CORRUPT, "gzip");
                input->data[at] ^= 0x55;
        }
}
END_TEST

START_TEST(test_limit)
{
        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(300000, 1);
        g_autoptr(GError) error = NULL;

        appends[_i](input, data);
        g_autoptr(GByteArray) output = inflate_all(input, 4096, NULL, 300000, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(output->len, 300000);
        assert_fails(input, 4096, NULL, 299999, SC_ERROR_INVALID_ARGUMENT, "299999");
}
END_TEST

START_TEST(test_media_type)
{
        static const char *const types[] = {
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
                "application/vnd.oci.image.layer.v1.tar+zstd",
                "application/vnd.oci.image.layer.v1.tar",
        };
        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(1000, 1);

        appends[_i](input, data);
        for (int i = 0; i < (int)G_N_ELEMENTS(types); i++) {
                if (i != _i) {
                        assert_fails(input, 4096, types[i], G_MAXUINT64, SC_ERROR_CORRUPT, "said to be");
                        continue;
                }
                g_autoptr(GError) error = NULL;
                g_autoptr(GByteArray) output = inflate_all(input, 4096, types[i], G_MAXUINT64, &error);
                ck_assert_no_error(error);
                ck_assert_uint_eq(output->len, 1000);
        }
        g_autoptr(GError) error = NULL;
        g_autoptr(GByteArray) output = inflate_all(input, 4096, "application/octet-stream", G_MAXUINT64, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(output->len, 1000);
}
END_TEST

START_TEST(test_empty)
{
        g_autoptr(GByteArray) input = g_byte_array_new();

        assert_fails(input, 4096, NULL, G_MAXUINT64, SC_ERROR_CORRUPT, "empty");
}
END_TEST

START_TEST(test_source_error)
{
        g_autoptr(GByteArray) input = g_byte_array_new(), data = sample(1000, 1);
        g_autoptr(GError) error = NULL;
        const void *chunk;
        gssize size;

        appends[_i](input, data);
        Source source = {.data = input->data, .size = input->len / 2, .chunk = 10, .fails = true};
        g_autoptr(ScInflate) inflate = sc_inflate_new(source_read, &source, NULL, G_MAXUINT64);
        while ((size = sc_inflate_read(inflate, &chunk, &error)) > 0)
                ;
        ck_assert_int_eq(size, -1);
        ck_assert_error(error, SC_ERROR_NETWORK, "cut");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("inflate");
        TCase *tcase = tcase_create("inflate");

        tcase_set_timeout(tcase, 120);
        tcase_add_loop_test(tcase, test_round_trip, 0, 3);
        tcase_add_loop_test(tcase, test_members, 0, 3);
        tcase_add_test(tcase, test_skippable_frame);
        tcase_add_test(tcase, test_huge_window);
        tcase_add_loop_test(tcase, test_trailing_garbage, 0, 2);
        tcase_add_loop_test(tcase, test_zero_padding, 0, 2);
        tcase_add_loop_test(tcase, test_truncated, 0, 2);
        tcase_add_test(tcase, test_flipped);
        tcase_add_loop_test(tcase, test_limit, 0, 3);
        tcase_add_loop_test(tcase, test_media_type, 0, 3);
        tcase_add_test(tcase, test_empty);
        tcase_add_loop_test(tcase, test_source_error, 0, 3);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
