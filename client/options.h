/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line: options of a verb together with the global ones, assignments, choices, filters. */

#include "client.h"

#define SC_ARGUMENTS_ANY (-1)

typedef struct {
        const char *name; /* of the verb */
        const char *synopsis;
        const char *summary;
        const char *details;         /* behind the options in the help, or NULL */
        const GOptionEntry *entries; /* its own options, or NULL */
        int min, max;                /* arguments besides the verb; max may be SC_ARGUMENTS_ANY */
        bool ends_at_argument;       /* what follows the first argument is a command's: no options of ours */
} ScSyntax;

typedef enum {
        SC_PARSED,
        SC_PARSED_HELP,   /* the help was asked for, and printed: nothing is left to do */
        SC_PARSED_FAILED, /* SC_EXIT_USAGE is set */
} ScParsed;

/* Options may stand anywhere before "--" (or before the first argument). *ret_arguments holds what is left behind the verb. */
ScParsed sc_options_parse(ScClient *client, const ScSyntax *syntax, int argc, char **argv, char ***ret_arguments, GError **error);
/* The options before the verb; argc and argv are left with the verb first. */
bool sc_options_parse_global(ScClient *client, int *argc, char ***argv, GError **error);
/* The help of the program. */
char *sc_options_help(const ScVerb *verbs, gsize n_verbs);

/* "K=V" each, NULL: none. K is a template variable: [A-Za-z_][A-Za-z0-9_]*. The last of the same name wins. */
bool sc_options_assignments(char *const *texts, GHashTable **ret, GError **error);
/* The value of --NAME is one of the choices (NULL-terminated), or was not given. */
bool sc_options_choice(const char *name, const char *value, const char *const *choices, GError **error);

/* The value of --NAME is a number of seconds, 1 to 86,400; 0 if it was not given. */
bool sc_options_seconds(const char *name, const char *value, guint *ret, GError **error);

/* Filters: "PROPERTY=PATTERN" each, NULL: none. PROPERTY is one of the names (NULL-terminated), in any case. */
typedef struct ScFilter ScFilter;
bool sc_filter_new(char *const *texts, const char *const *names, ScFilter **ret, GError **error);
void sc_filter_free(ScFilter *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScFilter, sc_filter_free)
/* True if every filter fits: the property is the pattern (in which * and ? match anything), or, an array, has such an element. */
bool sc_filter_match(const ScFilter *filter, JsonObject *properties);
