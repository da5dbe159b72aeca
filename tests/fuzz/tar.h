/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fuzz.h"

/* Few changed bytes would get past a header's checksum: it is made right, for as long as headers can be told. */
static inline void fuzz_mend_checksums(uint8_t *data, size_t size)
{
        for (size_t at = 0; at + 512 <= size;) {
                uint8_t *header = data + at;
                char octal[13] = {0};
                unsigned sum = 0;
                memcpy(octal, header + 124, 12);
                memset(header + 148, ' ', 8);
                for (size_t i = 0; i < 512; i++)
                        sum += header[i];
                if (sum == 8 * ' ') { /* the end mark */
                        memset(header + 148, 0, 8);
                        return;
                }
                g_snprintf((char *)header + 148, 8, "%06o", sum);
                guint64 content = g_ascii_strtoull(octal, NULL, 8);
                at += 512 + (content < size ? (content + 511) / 512 * 512 : 0);
        }
}
