/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line of the atomic command, as a table: how each of its verbs and options is said to sysconsctl. What it was is in
 * docs/from-atomic.md. */

#include "client.h"

typedef enum {
        SC_ATOMIC_PASS,    /* sysconsctl's verb has it */
        SC_ATOMIC_DROP,    /* means nothing here, and does no harm: --system */
        SC_ATOMIC_STORAGE, /* the value is a storage; there is one */
        SC_ATOMIC_REFUSE,  /* cannot be done */
} ScAtomicUse;

typedef struct {
        const char *name; /* without the dashes; NULL ends the options of a verb */
        char letter;
        ScAtomicUse use;
        const char *value;   /* its value's name in the help; NULL: it takes none */
        const char *summary; /* NULL: not in the help */
        const char *word;    /* PASS: its name in sysconsctl, NULL: the same. REFUSE: why, and what to do instead */
} ScAtomicOption;

typedef struct {
        const char *words; /* "images list" */
        const char *synopsis;
        const char *summary;
        const char *details;           /* behind the options in the help, or NULL */
        const ScAtomicOption *options; /* besides --storage and --user, which all have; NULL: none */
        int min, max;                  /* arguments besides the words; max may be SC_ARGUMENTS_ANY */
        bool rest_as_is;               /* behind the first argument there are no options of ours */
        /* Gets the line as sysconsctl's verbs do, with the words as argv[0]. NULL: a verb that is not here. */
        bool (*run)(ScClient *client, int argc, char **argv, GError **error);
        const char *instead; /* of such a verb: why, and what to do instead */
} ScAtomicVerb;

/* The table; NULL ends it. */
const ScAtomicVerb *sc_atomic_verbs(void);
/* The verb that the line begins with, and how many words that are. NULL, SC_EXIT_USAGE. */
const ScAtomicVerb *sc_atomic_find(int argc, char *const *argv, int *ret_n_words, GError **error);

/* argv[0] and on is what stands behind the words. *ret: the words, options ("--name=VALUE"), "--", arguments. *ret NULL: the help
 * was asked for, and printed. SC_EXIT_USAGE; SC_EXIT_FAILED for what sysconsd does not do. */
bool sc_atomic_translate(const ScAtomicVerb *verb, int argc, char *const *argv, char ***ret, GError **error);
