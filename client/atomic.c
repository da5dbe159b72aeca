/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "atomic-grammar.h"
#include <stdio.h>
#include <string.h>

static const char exit_codes[] = "Exit codes:\n"
                                 "  0    done, or nothing was left to do\n"
                                 "  1    failed\n"
                                 "  2    wrong usage, or the answer was no\n"
                                 "  130  interrupted";

static GOptionContext *make_context(ScClient *client, gboolean *ignore)
{
        const GOptionEntry entries[] = {
                {"help", 'h', 0, G_OPTION_ARG_NONE, &client->help, "Show this help", NULL},
                {"version", 'v', 0, G_OPTION_ARG_NONE, &client->version, "Show the version", NULL},
                {"debug", 0, 0, G_OPTION_ARG_NONE, &client->debug, "Show how the command line was understood", NULL},
                {"assumeyes", 'y', 0, G_OPTION_ARG_NONE, &client->assume_yes, "Answer yes to all questions", NULL},
                {"ignore", 'i', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, ignore, NULL, NULL},
                G_OPTION_ENTRY_NULL,
        };
        GOptionContext *context = g_option_context_new("COMMAND ...");
        g_option_context_set_help_enabled(context, FALSE);
        g_option_context_set_strict_posix(context, TRUE);
        g_option_context_add_main_entries(context, entries, NULL);
        return context;
}

static void print_help(GOptionContext *context)
{
        GString *list = g_string_new("The atomic command's grammar for sysconsd; sysconsctl has the same abilities.\n\nCommands:");
        for (const ScAtomicVerb *verb = sc_atomic_verbs(); verb->words != NULL; verb++)
                if (verb->run != NULL) {
                        g_autofree char *usage = g_strdup_printf("%s %s", verb->words, verb->synopsis);
                        g_string_append_printf(list, "\n  %-34s %s", usage, verb->summary);
                }
        g_autofree char *summary = g_string_free(list, FALSE);
        g_autofree char *description = g_strdup_printf("`atomic COMMAND --help` shows the options of a command.\n\n%s", exit_codes);
        g_option_context_set_summary(context, summary);
        g_option_context_set_description(context, description);
        g_autofree char *help = g_option_context_get_help(context, FALSE, NULL);
        fputs(help, stdout);
}

static void show_line(char *const *line)
{
        GString *text = g_string_new("debug:");
        for (; *line != NULL; line++) {
                g_autofree char *quoted = g_shell_quote(*line);
                g_string_append_printf(text, " %s", quoted);
        }
        fprintf(stderr, "%s\n", text->str);
        g_string_free(text, TRUE);
}

static bool run_verb(ScClient *client, int argc, char **argv, GError **error)
{
        int n_words;
        const ScAtomicVerb *verb = sc_atomic_find(argc, argv, &n_words, error);
        g_auto(GStrv) line = NULL;
        if (verb == NULL || !sc_atomic_translate(verb, argc - n_words, argv + n_words, &line, error))
                return false;
        if (line == NULL)
                return true;
        if (client->debug)
                show_line(line);
        /* Some verbs ask the daemon before they parse the rest. */
        client->user = g_strv_contains((const char *const *)line, "--user");
        /* Options are taken out of an array when they are parsed; the strings stay ours. */
        g_autofree char **words = g_memdup2(line, (g_strv_length(line) + 1) * sizeof(*line));
        return verb->run(client, (int)g_strv_length(line), words, error);
}

bool sc_atomic_run(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean ignore = FALSE;
        g_autoptr(GOptionContext) context = make_context(client, &ignore);
        g_autoptr(GError) local = NULL;
        if (!g_option_context_parse(context, &argc, &argv, &local))
                return sc_exit_throw(error, SC_EXIT_USAGE, "%s; see `atomic --help`", local->message);
        if (client->version) {
                puts(VERSION);
                return true;
        }
        if (client->help) {
                print_help(context);
                return true;
        }
        return run_verb(client, argc - 1, argv + 1, error);
}

int sc_atomic_exit_code(const GError *error)
{
        ScExit code = sc_exit_code(error);
        return code == SC_EXIT_USAGE || code == SC_EXIT_INTERRUPTED ? (int)code : (int)SC_EXIT_FAILED;
}
