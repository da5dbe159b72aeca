/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* $NAME, ${NAME} and $$, as Python's string.Template has them: identifiers are [A-Za-z_][A-Za-z0-9_]*, case-sensitive; any
 * other use of a dollar sign is an error that names the line. Substitution is raw text. */

#include "variables.h"

typedef enum {
        SC_TEMPLATE_RAW,
        SC_TEMPLATE_UNIT, /* a unit or tmpfiles file: % in a value is doubled */
} ScTemplateEscape;

/* A variable without a value is InvalidArgument: The template file 'FILE' still contains an unreplaced value for: ''VAR'' */
char *sc_template_expand(const char *file, const char *text, const ScVariables *variables, ScTemplateEscape escape, GError **error);

/* Names used by a text, added to the set (a GHashTable of owned strings, as g_hash_table_add has it). */
void sc_template_collect(const char *text, GHashTable *names);
bool sc_template_uses(const char *text, const char *name);
