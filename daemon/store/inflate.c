/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "inflate.h"
#include "base/error.h"
#include "decoder.h"
#include <string.h>

#define MAGIC_SIZE 4
#define OUTPUT_SIZE (256 * 1024)

struct ScInflate {
        ScLayerRead read;
        gpointer source;
        const ScDecoderClass *expected; /* what the media type names */
        bool plain_expected;
        guint64 max;

        bool started;
        const ScDecoderClass *class; /* NULL: plain */
        ScDecoder *decoder;
        ScDecoderState state;
        bool output_full; /* the decoder may hold more output without being given more input */

        guint8 magic[MAGIC_SIZE];
        gsize magic_size;
        const guint8 *input; /* what the decoder has not taken yet */
        gsize input_size;
        const guint8 *rest; /* of the chunk whose first bytes went into `magic` */
        gsize rest_size;
        bool source_ended;

        guint64 bytes_in;
        guint64 bytes_out;
        guint8 *outputs[SC_INFLATE_CHUNKS];
        guint next_output;
};

ScInflate *sc_inflate_new(ScLayerRead read, gpointer source, const char *media_type, guint64 max)
{
        ScInflate *inflate = g_new0(ScInflate, 1);

        inflate->read = read;
        inflate->source = source;
        inflate->max = max;
        if (media_type == NULL)
                media_type = "";
        if (g_str_has_suffix(media_type, "gzip"))
                inflate->expected = &sc_decoder_gzip;
        else if (g_str_has_suffix(media_type, "zstd"))
                inflate->expected = &sc_decoder_zstd;
        else if (g_str_has_suffix(media_type, ".tar"))
                inflate->plain_expected = true;
        return inflate;
}

void sc_inflate_free(ScInflate *inflate)
{
        if (inflate->decoder != NULL)
                inflate->class->free(inflate->decoder);
        for (guint i = 0; i < SC_INFLATE_CHUNKS; i++)
                g_free(inflate->outputs[i]);
        g_free(inflate);
}

guint64 sc_inflate_bytes_in(const ScInflate *inflate)
{
        return inflate->bytes_in;
}

guint64 sc_inflate_bytes_out(const ScInflate *inflate)
{
        return inflate->bytes_out;
}

static bool next_chunk(ScInflate *inflate, const guint8 **ret_chunk, gsize *ret_size, GError **error)
{
        const void *chunk;
        gssize size = inflate->read(inflate->source, &chunk, error);

        if (size < 0)
                return false;
        if (size == 0)
                inflate->source_ended = true;
        inflate->bytes_in += (guint64)size;
        *ret_chunk = chunk;
        *ret_size = (gsize)size;
        return true;
}

/* Makes `input` non-empty unless the source has ended. */
static bool fill(ScInflate *inflate, GError **error)
{
        if (inflate->input_size == 0 && inflate->rest_size > 0) {
                inflate->input = inflate->rest;
                inflate->input_size = inflate->rest_size;
                inflate->rest_size = 0;
        }
        if (inflate->input_size > 0 || inflate->source_ended)
                return true;
        return next_chunk(inflate, &inflate->input, &inflate->input_size, error);
}

static const ScDecoderClass *detect(const guint8 *magic, gsize size)
{
        static const guint8 zstd[] = {0x28, 0xb5, 0x2f, 0xfd}, skippable[] = {0x2a, 0x4d, 0x18};

        if (size >= 2 && magic[0] == 0x1f && magic[1] == 0x8b)
                return &sc_decoder_gzip;
        if (size == MAGIC_SIZE && memcmp(magic, zstd, sizeof zstd) == 0)
                return &sc_decoder_zstd;
        /* A skippable frame may stand in front of the first one. */
        if (size == MAGIC_SIZE && (magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, skippable, sizeof skippable) == 0)
                return &sc_decoder_zstd;
        return NULL;
}

static bool start(ScInflate *inflate, GError **error)
{
        while (inflate->magic_size < MAGIC_SIZE && !inflate->source_ended) {
                const guint8 *chunk;
                gsize size;
                if (!next_chunk(inflate, &chunk, &size, error))
                        return false;
                if (size == 0)
                        break;
                gsize taken = MIN(MAGIC_SIZE - inflate->magic_size, size);
                memcpy(inflate->magic + inflate->magic_size, chunk, taken);
                inflate->magic_size += taken;
                inflate->rest = chunk + taken;
                inflate->rest_size = size - taken;
        }
        if (inflate->magic_size == 0)
                return sc_throw(error, SC_ERROR_CORRUPT, "The layer is empty");
        inflate->input = inflate->magic;
        inflate->input_size = inflate->magic_size;

        inflate->class = detect(inflate->magic, inflate->magic_size);
        if ((inflate->expected != NULL || inflate->plain_expected) && inflate->class != inflate->expected)
                return sc_throw(error, SC_ERROR_CORRUPT, "The layer is said to be %s, but is %s",
                                inflate->expected != NULL ? inflate->expected->name : "an uncompressed tar",
                                inflate->class != NULL ? inflate->class->name : "neither gzip nor zstd");
        if (inflate->class != NULL)
                inflate->decoder = inflate->class->new ();
        inflate->started = true;
        return true;
}

static bool count_out(ScInflate *inflate, gsize size, GError **error)
{
        if (size > inflate->max - inflate->bytes_out)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The layer inflates to more than %" G_GUINT64_FORMAT
                                " bytes; MaxLayerSize= in sysconsd.conf sets the limit",
                                inflate->max);
        inflate->bytes_out += size;
        return true;
}

/* The one whose chunk was given out first. */
static guint8 *take_output(ScInflate *inflate)
{
        guint8 **output = &inflate->outputs[inflate->next_output++ % SC_INFLATE_CHUNKS];

        if (*output == NULL)
                *output = g_malloc(OUTPUT_SIZE);
        return *output;
}

static gssize read_plain(ScInflate *inflate, const void **ret_chunk, GError **error)
{
        if (!fill(inflate, error))
                return -1;
        gsize size = MIN(inflate->input_size, OUTPUT_SIZE);
        if (!count_out(inflate, size, error))
                return -1;
        if (size == 0)
                return 0;
        *ret_chunk = memcpy(take_output(inflate), inflate->input, size);
        inflate->input += size;
        inflate->input_size -= size;
        return (gssize)size;
}

gssize sc_inflate_read(ScInflate *inflate, const void **ret_chunk, GError **error)
{
        if (!inflate->started && !start(inflate, error))
                return -1;
        if (inflate->class == NULL)
                return read_plain(inflate, ret_chunk, error);

        guint8 *output = take_output(inflate);
        for (;;) {
                if (!inflate->output_full) {
                        if (!fill(inflate, error))
                                return -1;
                        if (inflate->input_size == 0)
                                break;
                }
                bool between = inflate->state == SC_DECODER_END && inflate->bytes_out > 0;
                gsize size = 0;
                const char *trouble = inflate->class->run(inflate->decoder, &inflate->input, &inflate->input_size, output,
                                                          OUTPUT_SIZE, &size, &inflate->state);
                if (trouble != NULL) {
                        sc_throw(error, SC_ERROR_CORRUPT, "The layer's %s data are damaged%s: %s", inflate->class->name,
                                 between ? " or followed by something else" : "", trouble);
                        return -1;
                }
                inflate->output_full = size == OUTPUT_SIZE;
                if (size > 0) {
                        if (!count_out(inflate, size, error))
                                return -1;
                        *ret_chunk = output;
                        return (gssize)size;
                }
        }
        if (inflate->state != SC_DECODER_END) {
                sc_throw(error, SC_ERROR_CORRUPT, "The layer's %s data end too early", inflate->class->name);
                return -1;
        }
        return 0;
}
