/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb that runs a command. */

#include "logins.h"
#include "options.h"
#include "run.h"
#include "verbs.h"
#include <string.h>

static const char *const pull_choices[] = {"missing", "always", "never", NULL};

typedef struct {
        char *name, *runtime, *pull;
        char **set;
        gboolean tty, no_tty;
        GHashTable *values;
        char **command;
        ScStreams *streams;
} RunOptions;

static void run_options_clear(RunOptions *options)
{
        g_free(options->name);
        g_free(options->runtime);
        g_free(options->pull);
        g_strfreev(options->set);
        g_clear_pointer(&options->values, g_hash_table_unref);
        sc_streams_free(options->streams);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunOptions, run_options_clear)

static bool make_run_call(ScClient *client, const char *subject, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const RunOptions *options = data;
        sd_bus_message *call = NULL;
        if (sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "Run", subject, &call, error) &&
            sc_bus_check(sd_bus_message_append_strv(call, options->command), "command", error) &&
            sc_call_open_options(call, error) && sc_call_option_string(call, "name", options->name, error) &&
            sc_call_option_map(call, "values", options->values, error) &&
            sc_call_option_string(call, "runtime", options->runtime, error) &&
            sc_call_option_string(call, "pull", options->pull, error) && sc_logins_append(client, call, subject, error) &&
            sc_call_option_string(call, "cancel-on-disconnect", "yes", error) &&
            sc_streams_append(options->streams, client, call, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

static bool check(ScClient *client, const RunOptions *options, const char *subject, GError **error)
{
        if (client->host != NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE,
                                     "run: a command's input and output cannot be handed to another host; log in there: "
                                     "ssh -t %s sysconsctl run %s ...",
                                     client->host, subject);
        if (client->json || client->no_wait)
                return sc_exit_throw(error, SC_EXIT_USAGE,
                                     "run: standard output is the command's, and its end is waited for: no %s",
                                     client->json ? "--json" : "--no-wait");
        if (options->tty && options->no_tty)
                return sc_exit_throw(error, SC_EXIT_USAGE, "run: --tty or --no-tty, not both");
        return true;
}

bool sc_verb_run(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(RunOptions) options = {NULL};
        const GOptionEntry entries[] = {
                {"tty", 't', 0, G_OPTION_ARG_NONE, &options.tty, "Give the command a terminal; else where input and output are one",
                 NULL},
                {"no-tty", 'T', 0, G_OPTION_ARG_NONE, &options.no_tty, "Give it none", NULL},
                {"name", 0, 0, G_OPTION_ARG_FILENAME, &options.name, "Of an image: the name that its templates see", "NAME"},
                {"set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.set,
                 "Of an image: set a variable of its templates (may be repeated)", "NAME=VALUE"},
                {"runtime", 0, 0, G_OPTION_ARG_FILENAME, &options.runtime, "The OCI runtime that runs it", "PATH"},
                {"pull", 0, 0, G_OPTION_ARG_FILENAME, &options.pull,
                 "Whether to pull the image first: missing (the default), always, never", "WHEN"},
                SC_LOGIN_ENTRIES(client),
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                .name = argv[0],
                .synopsis = "CONTAINER|IMAGE [COMMAND [ARGUMENT...]]",
                .summary = "Run a command in a container, or in one made of an image for it alone; or start a container.",
                .details = "The exit code is the command's. Options stand before the container or image.",
                .entries = entries,
                .min = 1,
                .max = SC_ARGUMENTS_ANY,
                .ends_at_argument = true,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        const char *subject = arguments[0];
        options.command = arguments + 1;
        if (options.command[0] != NULL && strcmp(options.command[0], "--") == 0)
                options.command++;
        ScTerminalChoice terminal = options.tty ? SC_TERMINAL_YES : options.no_tty ? SC_TERMINAL_NO : SC_TERMINAL_AUTO;
        if (!check(client, &options, subject, error) || !sc_options_assignments(options.set, &options.values, error) ||
            !sc_options_choice("pull", options.pull, pull_choices, error) || !sc_streams_new(terminal, &options.streams, error))
                return false;
        bool configures = g_hash_table_size(options.values) > 0 || options.runtime != NULL || options.name != NULL;
        const ScTask task = {
                .make_call = make_run_call,
                .data = &options,
                .actions = configures ? "org.sysconsd1.run and org.sysconsd1.configure" : "org.sysconsd1.run",
                .streams = options.streams,
        };
        char *const names[] = {(char *)subject, NULL};
        client->stdout_is_taken = true;
        return sc_run_each(client, &task, names, false, error);
}
