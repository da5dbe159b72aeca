/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* TOML, read by toml++ behind a face that C can call. Only the program sysconsd-toml (toml-main.c) and tests link it;
 * docs/architecture.md says why it is a program of its own. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The text as a tree in JSON, which keeps the types and the lines, and which the caller frees with free(). A value is one of
 *   {"line":2,"string":"text"}  {"line":2,"boolean":true}  {"line":2,"integer":7}  {"line":2,"other":"float"}
 *   {"line":2,"array":[value ...]}  {"line":2,"table":{"key":value ...}}
 * and the whole is the root table. NULL: *ret_problem (free) says what is wrong and *ret_line (0: unknown) where. */
char *sc_toml_to_json(const char *text, size_t size, char **ret_problem, unsigned *ret_line);

#ifdef __cplusplus
}
#endif
