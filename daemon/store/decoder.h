/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What inflate.c asks of a decompressor. */

#include <glib.h>
#include <stdbool.h>

typedef struct ScDecoder ScDecoder;

typedef enum {
        SC_DECODER_MORE, /* in the middle of a member or frame */
        SC_DECODER_END,  /* behind a member or frame: more may follow, or nothing */
} ScDecoderState;

typedef struct {
        const char *name; /* for messages */
        ScDecoder *(*new)(void);
        void (*free)(ScDecoder *decoder);
        /* Takes input and gives output, advancing *in, *in_size and *ret_size; starts a further member or frame by itself. To be
         * called again without new input while the output was filled to the last byte. NULL on success, else what is wrong. */
        const char *(*run)(ScDecoder *decoder, const guint8 **in, gsize *in_size, guint8 *out, gsize out_size, gsize *ret_size,
                           ScDecoderState *ret_state);
} ScDecoderClass;

extern const ScDecoderClass sc_decoder_gzip;
extern const ScDecoderClass sc_decoder_zstd;
