/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words of a command line, parted by zero bytes. */

#include "fuzz.h"

#include "atomic-filter.h"
#include "atomic-grammar.h"
#include "options.h"
#include "remote.h"

enum { MAX_WORDS = 8 };

static bool asks_for_help(char *const *words)
{
        for (; *words != NULL; words++)
                if (g_str_has_prefix(*words, "-h") || g_str_has_prefix(*words, "--h"))
                        return true;
        return false;
}

static void check_atomic(char *const *words)
{
        static const char *const names[] = {"container", NULL};
        static const ScFilterAlias aliases[] = {{"service", "container"}, {}};
        g_auto(GStrv) line = NULL;
        g_auto(GStrv) filtered = NULL;
        int n_words, argc = (int)g_strv_length((char **)words);
        const ScAtomicVerb *verb = argc > 0 && !asks_for_help(words) ? sc_atomic_find(argc, words, &n_words, NULL) : NULL;
        if (verb != NULL && sc_atomic_translate(verb, argc - n_words, words + n_words, &line, NULL) && line != NULL)
                sc_atomic_filters(line, names, aliases, &filtered, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[] = {"container", "state", NULL};
        g_auto(GStrv) words = fuzz_texts(data, size, MAX_WORDS);
        g_auto(GStrv) ssh = NULL;
        g_autoptr(GHashTable) values = NULL;
        g_autoptr(ScFilter) filter = NULL;
        guint seconds;
        sc_options_assignments(words, &values, NULL);
        sc_filter_new(words, names, &filter, NULL);
        sc_options_seconds("timeout", words[0], &seconds, NULL);
        /* No word of a host's name may be an option of ssh. */
        if (words[0] != NULL && sc_remote_argv(words[0], SC_REMOTE_SYSTEM, &ssh, NULL))
                g_assert(g_strv_contains((const char *const *)ssh, "--"));
        check_atomic(words);
        return 0;
}
