/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How lists of the atomic command filter and show: a filter fits what contains its text in any case, sizes have two digits. */

#include <glib.h>
#include <stdbool.h>

typedef struct {
        const char *alias, *name;
} ScFilterAlias;

/* The line with each --filter=NAME=TEXT said as our filters are: one of the names, and a pattern. Names and aliases are
 * NULL-terminated. SC_EXIT_FAILED. */
bool sc_atomic_filters(char *const *line, const char *const *names, const ScFilterAlias *aliases, char ***ret, GError **error);

/* "39.72 MB", "1.5 KB", "0B" */
char *sc_atomic_format_size(guint64 bytes);
