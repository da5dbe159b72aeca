/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "decoder.h"
#include <zstd.h>

struct ScDecoder {
        ZSTD_DStream *stream;
        bool between; /* no byte of the next frame has been seen */
};

static ScDecoder *zstd_new(void)
{
        ScDecoder *decoder = g_new0(ScDecoder, 1);

        /* The default limit of the window, 128 MiB, bounds the memory that a frame can ask for. */
        decoder->stream = ZSTD_createDStream();
        if (decoder->stream == NULL)
                g_error("ZSTD_createDStream: out of memory");
        decoder->between = true;
        return decoder;
}

static void zstd_free(ScDecoder *decoder)
{
        ZSTD_freeDStream(decoder->stream);
        g_free(decoder);
}

static const char *zstd_run(ScDecoder *decoder, const guint8 **in, gsize *in_size, guint8 *out, gsize out_size, gsize *ret_size,
                            ScDecoderState *ret_state)
{
        ZSTD_inBuffer input = {.src = *in, .size = *in_size};
        ZSTD_outBuffer output = {.dst = out, .size = out_size};

        /* Asked for more at the end of a frame, libzstd answers as if the next one had begun. */
        while (output.pos < output.size && (input.pos < input.size || !decoder->between)) {
                size_t in_before = input.pos, out_before = output.pos;
                size_t left = ZSTD_decompressStream(decoder->stream, &output, &input);

                if (ZSTD_isError(left))
                        return ZSTD_getErrorName(left);
                decoder->between = left == 0;
                if (input.pos == in_before && output.pos == out_before)
                        break;
        }
        *in += input.pos;
        *in_size -= input.pos;
        *ret_size = output.pos;
        *ret_state = decoder->between ? SC_DECODER_END : SC_DECODER_MORE;
        return NULL;
}

const ScDecoderClass sc_decoder_zstd = {
        .name = "zstd",
        .new = zstd_new,
        .free = zstd_free,
        .run = zstd_run,
};
