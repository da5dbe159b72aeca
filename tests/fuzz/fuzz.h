/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each target defines, by libFuzzer's name and signature: one input, which must not crash, leak or hang. Returns 0. */

#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C"
#endif
        int
        LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input of several texts, parted by zero bytes: `count` of them, those that are missing as NULL. */
static inline char **fuzz_texts(const uint8_t *data, size_t size, guint count) __attribute__((unused));
static inline char **fuzz_texts(const uint8_t *data, size_t size, guint count)
{
        char **texts = g_new0(char *, count + 1);
        for (guint i = 0; i < count; i++) {
                size_t length = strnlen((const char *)data, size);
                texts[i] = g_strndup((const char *)data, length);
                if (length == size)
                        break;
                data += length + 1;
                size -= length + 1;
        }
        return texts;
}
