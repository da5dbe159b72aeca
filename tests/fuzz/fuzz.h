/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each target defines, by libFuzzer's name and signature: one input, which must not crash, leak or hang. Returns 0. */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
