/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of a config.json as an object that can be changed, and back. */

#include "base/json.h"

/* Larger than a template can grow with its values. */
#define SC_RUNTIME_JSON_MAX (17 * 1024 * 1024)

/* json-glib has 64-bit signed integers and doubles, the format has unsigned ones as well (an rlimit without a limit is
 * 18446744073709551615) and a number's text may say more than a double holds. So numbers that json-glib could change are strings
 * with a random prefix while it has them, and their own text again afterwards. */
typedef struct {
        char *mark;
} ScNumbers;
void sc_numbers_clear(ScNumbers *numbers);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScNumbers, sc_numbers_clear)

JsonObject *sc_runtime_json_parse(const char *text, ScNumbers *numbers, GError **error);
/* numbers: what parse gave. Newly allocated. */
char *sc_runtime_json_print(JsonObject *config, const ScNumbers *numbers);
