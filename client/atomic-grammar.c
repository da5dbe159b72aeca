/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic-grammar.h"
#include "options.h"
#include <stdio.h>
#include <string.h>

const ScAtomicVerb *sc_atomic_find(int argc, char *const *argv, int *ret_n_words, GError **error)
{
        for (const ScAtomicVerb *verb = sc_atomic_verbs(); verb->words != NULL; verb++) {
                g_auto(GStrv) words = g_strsplit(verb->words, " ", -1);
                int n_words = (int)g_strv_length(words), i = 0;
                while (i < n_words && i < argc && strcmp(words[i], argv[i]) == 0)
                        i++;
                if (i == n_words) {
                        *ret_n_words = n_words;
                        return verb;
                }
        }
        if (argc == 0)
                sc_exit_throw(error, SC_EXIT_USAGE, "a command is missing; see `atomic --help`");
        else if (strcmp(argv[0], "images") != 0 && strcmp(argv[0], "containers") != 0 && strcmp(argv[0], "trust") != 0)
                sc_exit_throw(error, SC_EXIT_USAGE, "there is no command '%s'; see `atomic --help`", argv[0]);
        else if (argc == 1 || argv[1][0] == '-')
                sc_exit_throw(error, SC_EXIT_USAGE, "a command is missing behind `%s`; see `atomic --help`", argv[0]);
        else
                sc_exit_throw(error, SC_EXIT_USAGE, "there is no command '%s %s'; see `atomic --help`", argv[0], argv[1]);
        return NULL;
}

typedef struct {
        const ScAtomicVerb *verb;
        GPtrArray *line;
        GError *error; /* of an option; the first */
        gboolean help;
} Translation;

/* What every verb takes. */
static const ScAtomicOption common_options[] = {
        {"storage", 0, SC_ATOMIC_STORAGE, "STORAGE", "There is one: ostree", NULL},
        {"user", 0, SC_ATOMIC_PASS, NULL, "Your own containers, which need no root", NULL},
        {NULL, 0, SC_ATOMIC_PASS, NULL, NULL, NULL},
};

/* given: "--name" or "-n", as it stands on the line. */
static const ScAtomicOption *find_option(const ScAtomicOption *option, const char *given)
{
        for (; option != NULL && option->name != NULL; option++)
                if (given[1] == '-' ? strcmp(option->name, given + 2) == 0 : option->letter == given[1])
                        return option;
        return NULL;
}

static bool check_storage(const char *value, GError **error)
{
        if (strcmp(value, "ostree") == 0)
                return true;
        return sc_exit_throw(
                error, SC_EXIT_FAILED,
                "The storage '%s' is not supported: sysconsd keeps images in ostree only; use podman or docker themselves "
                "for what is theirs",
                value);
}

/* A GOptionArgFunc. GLib would put words of its own in front of an error that is returned. */
static gboolean take_option(const char *given, const char *value, gpointer data, GError **error)
{
        Translation *translation = data;
        const ScAtomicOption *option = find_option(translation->verb->options, given);
        if (option == NULL)
                option = find_option(common_options, given);
        g_assert(option != NULL);
        const char *name = option->word != NULL ? option->word : option->name;
        if (translation->error != NULL)
                return TRUE;
        switch (option->use) {
        case SC_ATOMIC_PASS:
                g_ptr_array_add(translation->line,
                                value != NULL ? g_strdup_printf("--%s=%s", name, value) : g_strdup_printf("--%s", name));
                break;
        case SC_ATOMIC_DROP:
                break;
        case SC_ATOMIC_STORAGE:
                check_storage(value, &translation->error);
                break;
        case SC_ATOMIC_REFUSE:
                sc_exit_throw(&translation->error, SC_EXIT_FAILED, "%s", option->word);
                break;
        }
        return TRUE;
}

static void add_entries(GArray *entries, const ScAtomicOption *option)
{
        for (; option != NULL && option->name != NULL; option++) {
                GOptionEntry entry = {
                        .long_name = option->name,
                        .short_name = option->letter,
                        .flags = G_OPTION_FLAG_FILENAME | (option->value == NULL ? G_OPTION_FLAG_NO_ARG : 0) |
                                 (option->summary == NULL ? G_OPTION_FLAG_HIDDEN : 0),
                        .arg = G_OPTION_ARG_CALLBACK,
                        .arg_data = (gpointer)take_option,
                        .description = option->summary,
                        .arg_description = option->value,
                };
                g_array_append_val(entries, entry);
        }
}

static GOptionGroup *make_group(Translation *translation)
{
        g_autoptr(GArray) entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
        add_entries(entries, translation->verb->options);
        add_entries(entries, common_options);
        const GOptionEntry help = {"help", 'h', 0, G_OPTION_ARG_NONE, &translation->help, "Show this help", NULL};
        g_array_append_val(entries, help);
        GOptionGroup *group = g_option_group_new("verb", "Options:", "", translation, NULL);
        g_option_group_add_entries(group, (const GOptionEntry *)entries->data);
        return group;
}

static void print_help(GOptionContext *context, const ScAtomicVerb *verb)
{
        g_option_context_set_summary(context, verb->summary);
        g_option_context_set_description(context, verb->details);
        g_autofree char *help = g_option_context_get_help(context, FALSE, NULL);
        fputs(help, stdout);
}

static bool check_count(const ScAtomicVerb *verb, int count, GError **error)
{
        if (count >= verb->min && (verb->max == SC_ARGUMENTS_ANY || count <= verb->max))
                return true;
        return sc_exit_throw(error, SC_EXIT_USAGE, "%s arguments: the usage is `atomic %s %s`; see `atomic %s --help`",
                             count < verb->min ? "Too few" : "Too many", verb->words, verb->synopsis, verb->words);
}

static bool parse(const ScAtomicVerb *verb, int argc, char *const *argv, Translation *translation, GError **error)
{
        g_autofree char *usage = g_strdup_printf("%s [OPTION...] %s", verb->words, verb->synopsis);
        g_autoptr(GOptionContext) context = g_option_context_new(usage);
        g_option_context_set_help_enabled(context, FALSE);
        g_option_context_set_strict_posix(context, verb->rest_as_is);
        g_option_context_set_main_group(context, make_group(translation));

        /* GLib wants the program in front, and moves what it leaves together. */
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        g_ptr_array_add(words, (char *)verb->words);
        for (int i = 0; i < argc; i++)
                g_ptr_array_add(words, argv[i]);
        int n_words = (int)words->len;
        char **word = (char **)words->pdata;
        g_autoptr(GError) local = NULL;
        if (!g_option_context_parse(context, &n_words, &word, &local))
                return sc_exit_throw(error, SC_EXIT_USAGE, "%s; see `atomic %s --help`", local->message, verb->words);
        if (translation->help) {
                print_help(context, verb);
                return true;
        }
        if (translation->error != NULL) {
                g_propagate_error(error, g_steal_pointer(&translation->error));
                return false;
        }
        int first = n_words > 1 && strcmp(word[1], "--") == 0 ? 2 : 1;
        g_ptr_array_add(translation->line, g_strdup("--"));
        for (int i = first; i < n_words; i++)
                g_ptr_array_add(translation->line, g_strdup(word[i]));
        return check_count(verb, n_words - first, error);
}

bool sc_atomic_translate(const ScAtomicVerb *verb, int argc, char *const *argv, char ***ret, GError **error)
{
        if (verb->run == NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED, "`atomic %s` is not supported: %s", verb->words, verb->instead);
        g_autoptr(GPtrArray) line = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(line, g_strdup(verb->words));
        Translation translation = {.verb = verb, .line = line};
        bool ok = parse(verb, argc, argv, &translation, error);
        g_clear_error(&translation.error);
        if (!ok)
                return false;
        g_ptr_array_add(line, NULL);
        *ret = translation.help ? NULL : (char **)g_ptr_array_free(g_steal_pointer(&line), FALSE);
        return true;
}
