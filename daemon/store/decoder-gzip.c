/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* gzip, by ISA-L where the machine has it (twice as fast), else by zlib. SC_GZIP_BY_ZLIB lets the tests try the other one. */

#include "decoder.h"
#include <string.h>

#if defined(HAVE_ISAL) && !defined(SC_GZIP_BY_ZLIB)

#include <isa-l/igzip_lib.h>

struct ScDecoder {
        struct inflate_state state;
        bool between; /* no byte of the next member has been seen */
};

static ScDecoder *gzip_new(void)
{
        ScDecoder *decoder = g_new0(ScDecoder, 1);

        isal_inflate_init(&decoder->state);
        decoder->state.crc_flag = ISAL_GZIP;
        decoder->between = true;
        return decoder;
}

static void gzip_free(ScDecoder *decoder)
{
        g_free(decoder);
}

static const char *describe(int code)
{
        switch (code) {
        case ISAL_INVALID_WRAPPER:
                return "invalid header";
        case ISAL_UNSUPPORTED_METHOD:
                return "unknown compression method";
        case ISAL_INCORRECT_CHECKSUM:
                return "wrong checksum";
        default:
                return "invalid data";
        }
}

static const char *gzip_run(ScDecoder *decoder, const guint8 **in, gsize *in_size, guint8 *out, gsize out_size, gsize *ret_size,
                            ScDecoderState *ret_state)
{
        struct inflate_state *state = &decoder->state;
        guint32 given = (guint32)MIN(*in_size, G_MAXINT32), room = (guint32)MIN(out_size, G_MAXINT32);

        state->next_in = (guint8 *)*in;
        state->avail_in = given;
        state->next_out = out;
        state->avail_out = room;
        for (;;) {
                guint32 in_before = state->avail_in, out_before = state->avail_out;

                if (decoder->between && state->avail_in > 0) {
                        isal_inflate_reset(state);
                        decoder->between = false;
                }
                if (decoder->between)
                        break;
                int code = isal_inflate(state);
                if (code < 0)
                        return describe(code);
                decoder->between = state->block_state == ISAL_BLOCK_FINISH;
                if (state->avail_out == 0 || (state->avail_in == in_before && state->avail_out == out_before))
                        break;
        }
        *in += given - state->avail_in;
        *in_size -= given - state->avail_in;
        *ret_size = room - state->avail_out;
        *ret_state = decoder->between ? SC_DECODER_END : SC_DECODER_MORE;
        return NULL;
}

#else

#include <zlib.h>

struct ScDecoder {
        z_stream stream;
        bool between;
};

static ScDecoder *gzip_new(void)
{
        ScDecoder *decoder = g_new0(ScDecoder, 1);

        /* 16: gzip and nothing else. */
        if (inflateInit2(&decoder->stream, 16 + MAX_WBITS) != Z_OK)
                g_error("inflateInit2: out of memory");
        decoder->between = true;
        return decoder;
}

static void gzip_free(ScDecoder *decoder)
{
        inflateEnd(&decoder->stream);
        g_free(decoder);
}

static const char *gzip_run(ScDecoder *decoder, const guint8 **in, gsize *in_size, guint8 *out, gsize out_size, gsize *ret_size,
                            ScDecoderState *ret_state)
{
        z_stream *stream = &decoder->stream;
        guint given = (guint)MIN(*in_size, G_MAXINT32), room = (guint)MIN(out_size, G_MAXINT32);

        stream->next_in = (Bytef *)*in;
        stream->avail_in = given;
        stream->next_out = out;
        stream->avail_out = room;
        for (;;) {
                if (decoder->between && stream->avail_in > 0) {
                        inflateReset(stream);
                        decoder->between = false;
                }
                if (decoder->between)
                        break;
                int code = inflate(stream, Z_NO_FLUSH);
                if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
                        return stream->msg != NULL ? stream->msg : "invalid data";
                decoder->between = code == Z_STREAM_END;
                if (stream->avail_out == 0 || code == Z_BUF_ERROR)
                        break;
        }
        *in += given - stream->avail_in;
        *in_size -= given - stream->avail_in;
        *ret_size = room - stream->avail_out;
        *ret_state = decoder->between ? SC_DECODER_END : SC_DECODER_MORE;
        return NULL;
}

#endif

const ScDecoderClass sc_decoder_gzip = {
        .name = "gzip",
        .new = gzip_new,
        .free = gzip_free,
        .run = gzip_run,
};
