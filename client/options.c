/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"
#include "value.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static const char exit_codes[] = "Exit codes:\n"
                                 "  0    done\n"
                                 "  1    failed\n"
                                 "  2    wrong usage\n"
                                 "  3    what was named does not exist\n"
                                 "  4    not authorized\n"
                                 "  5    the bus or sysconsd cannot be reached, or went away\n"
                                 "  130  interrupted, or the job was cancelled";

static void add_group(GOptionContext *context, const char *name, const char *title, const GOptionEntry *entries)
{
        GOptionGroup *group = g_option_group_new(name, title, "", NULL, NULL);
        g_option_group_add_entries(group, entries);
        g_option_context_add_group(context, group);
}

static void add_global_entries(GOptionContext *context, ScClient *client)
{
        const GOptionEntry entries[] = {
                {"host", 'H', 0, G_OPTION_ARG_FILENAME, &client->host, "Talk to sysconsd of another host, over ssh", "[USER@]HOST"},
                {"user", 0, 0, G_OPTION_ARG_NONE, &client->user, "Talk to your own sysconsd: containers that need no root", NULL},
                {"json", 0, 0, G_OPTION_ARG_NONE, &client->json, "Print JSON", NULL},
                {"quiet", 'q', 0, G_OPTION_ARG_NONE, &client->quiet,
                 "Lists: print names or ids only; else: no messages and no progress", NULL},
                {"no-wait", 0, 0, G_OPTION_ARG_NONE, &client->no_wait, "Print the number of the job and leave it to itself", NULL},
                {"no-ask-password", 0, 0, G_OPTION_ARG_NONE, &client->no_ask_password, "Never ask for authorization", NULL},
                {"help", 'h', 0, G_OPTION_ARG_NONE, &client->help, "Show this help", NULL},
                {"version", 0, 0, G_OPTION_ARG_NONE, &client->version, "Show the version", NULL},
                G_OPTION_ENTRY_NULL,
        };
        add_group(context, "global", "Global options:", entries);
}

static bool parse(GOptionContext *context, int *argc, char ***argv, const char *help_command, GError **error)
{
        g_autoptr(GError) local = NULL;
        if (g_option_context_parse(context, argc, argv, &local))
                return true;
        return sc_exit_throw(error, SC_EXIT_USAGE, "%s; see `%s --help`", local->message, help_command);
}

bool sc_options_parse_global(ScClient *client, int *argc, char ***argv, GError **error)
{
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);
        g_option_context_set_help_enabled(context, FALSE);
        g_option_context_set_strict_posix(context, TRUE);
        add_global_entries(context, client);
        if (!parse(context, argc, argv, "sysconsctl", error))
                return false;
        (*argc)--;
        (*argv)++;
        /* In strict mode the separator stays. */
        if (*argc > 0 && strcmp((*argv)[0], "--") == 0) {
                (*argc)--;
                (*argv)++;
        }
        return true;
}

char *sc_options_help(const ScVerb *verbs, gsize n_verbs)
{
        ScClient unused = {NULL};
        g_autoptr(GOptionContext) context = g_option_context_new("VERB ...");
        g_option_context_set_help_enabled(context, FALSE);
        add_global_entries(context, &unused);
        GString *verb_list = g_string_new(
                "Pull images, and install, update and control the system containers made of them.\n\nVerbs:");
        for (gsize i = 0; i < n_verbs; i++) {
                g_autofree char *usage = g_strdup_printf("%s %s", verbs[i].name, verbs[i].synopsis);
                g_string_append_printf(verb_list, "\n  %-25s %s", usage, verbs[i].summary);
        }
        g_autofree char *summary = g_string_free(verb_list, FALSE);
        g_autofree char *description = g_strdup_printf("`sysconsctl VERB --help` shows the options of a verb.\n\n%s", exit_codes);
        g_option_context_set_summary(context, summary);
        g_option_context_set_description(context, description);
        return g_option_context_get_help(context, FALSE, NULL);
}

static void print_help(GOptionContext *context, const ScSyntax *syntax)
{
        g_autofree char *description = g_strdup_printf("%s%s%s", syntax->details != NULL ? syntax->details : "",
                                                       syntax->details != NULL ? "\n\n" : "", exit_codes);
        g_option_context_set_summary(context, syntax->summary);
        g_option_context_set_description(context, description);
        g_autofree char *help = g_option_context_get_help(context, FALSE, NULL);
        fputs(help, stdout);
}

ScParsed sc_options_parse(ScClient *client, const ScSyntax *syntax, int argc, char **argv, char ***ret_arguments, GError **error)
{
        g_autofree char *usage = g_strdup_printf("%s %s", syntax->name, syntax->synopsis);
        g_autofree char *command = g_strdup_printf("%s %s", sc_client_program(client), syntax->name);
        g_autoptr(GOptionContext) context = g_option_context_new(usage);
        g_option_context_set_help_enabled(context, FALSE);
        if (syntax->entries != NULL)
                add_group(context, "verb", "Options:", syntax->entries);
        add_global_entries(context, client);
        g_option_context_set_strict_posix(context, syntax->ends_at_argument);
        if (!parse(context, &argc, &argv, command, error))
                return SC_PARSED_FAILED;
        if (client->help) {
                print_help(context, syntax);
                return SC_PARSED_HELP;
        }
        int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
        int count = argc - first;
        if (count < syntax->min || (syntax->max != SC_ARGUMENTS_ANY && count > syntax->max)) {
                sc_exit_throw(error, SC_EXIT_USAGE, "%s: the usage is `%s`; see `%s --help`",
                              count < syntax->min ? "an argument is missing" : "too many arguments", g_strchomp(usage), command);
                return SC_PARSED_FAILED;
        }
        *ret_arguments = argv + first;
        return SC_PARSED;
}

static bool is_variable(const char *text, gsize size)
{
        if (size == 0 || g_ascii_isdigit(text[0]))
                return false;
        for (gsize i = 0; i < size; i++)
                if (!g_ascii_isalnum(text[i]) && text[i] != '_')
                        return false;
        return true;
}

bool sc_options_assignments(char *const *texts, GHashTable **ret, GError **error)
{
        g_autoptr(GHashTable) values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        for (; texts != NULL && *texts != NULL; texts++) {
                const char *equals = strchr(*texts, '=');
                if (equals == NULL || !is_variable(*texts, (gsize)(equals - *texts)))
                        return sc_exit_throw(error, SC_EXIT_USAGE,
                                             "--set '%s': this is not NAME=VALUE with a NAME of letters, digits and _", *texts);
                g_hash_table_replace(values, g_strndup(*texts, (gsize)(equals - *texts)), g_strdup(equals + 1));
        }
        *ret = g_steal_pointer(&values);
        return true;
}

bool sc_options_choice(const char *name, const char *value, const char *const *choices, GError **error)
{
        if (value == NULL || g_strv_contains(choices, value))
                return true;
        g_autofree char *list = g_strjoinv(", ", (char **)choices);
        return sc_exit_throw(error, SC_EXIT_USAGE, "--%s '%s': it must be one of %s", name, value, list);
}

bool sc_options_seconds(const char *name, const char *value, guint *ret, GError **error)
{
        guint64 seconds = 0;
        if (value != NULL && !g_ascii_string_to_unsigned(value, 10, 1, 86400, &seconds, NULL))
                return sc_exit_throw(error, SC_EXIT_USAGE, "--%s '%s': it must be a number of seconds, 1 to 86400", name, value);
        *ret = (guint)seconds;
        return true;
}

typedef struct {
        const char *property;
        char *pattern;
} Condition;

struct ScFilter {
        GArray *conditions;
};

static void condition_clear(gpointer data)
{
        g_free(((Condition *)data)->pattern);
}

bool sc_filter_new(char *const *texts, const char *const *names, ScFilter **ret, GError **error)
{
        g_autoptr(ScFilter) filter = g_new0(ScFilter, 1);
        filter->conditions = g_array_new(FALSE, FALSE, sizeof(Condition));
        g_array_set_clear_func(filter->conditions, condition_clear);
        for (; texts != NULL && *texts != NULL; texts++) {
                const char *equals = strchr(*texts, '=');
                gsize size = equals != NULL ? (gsize)(equals - *texts) : 0;
                const char *const *name = names;
                while (*name != NULL && (strlen(*name) != size || g_ascii_strncasecmp(*name, *texts, size) != 0))
                        name++;
                if (equals == NULL || *name == NULL) {
                        g_autofree char *list = g_strjoinv(", ", (char **)names);
                        return sc_exit_throw(error, SC_EXIT_USAGE,
                                             "--filter '%s': this is not PROPERTY=PATTERN with a PROPERTY of %s", *texts, list);
                }
                Condition condition = {*name, g_strdup(equals + 1)};
                g_array_append_val(filter->conditions, condition);
        }
        *ret = g_steal_pointer(&filter);
        return true;
}

void sc_filter_free(ScFilter *filter)
{
        if (filter == NULL)
                return;
        g_array_unref(filter->conditions);
        g_free(filter);
}

static bool node_matches(JsonNode *node, const char *pattern)
{
        if (JSON_NODE_HOLDS_ARRAY(node)) {
                JsonArray *array = json_node_get_array(node);
                for (guint i = 0; i < json_array_get_length(array); i++)
                        if (node_matches(json_array_get_element(array, i), pattern))
                                return true;
                return false;
        }
        g_autofree char *text = sc_value_to_text(node);
        return text != NULL && fnmatch(pattern, text, 0) == 0;
}

bool sc_filter_match(const ScFilter *filter, JsonObject *properties)
{
        for (guint i = 0; i < filter->conditions->len; i++) {
                const Condition *condition = &g_array_index(filter->conditions, Condition, i);
                JsonNode *node = json_object_get_member(properties, condition->property);
                if (node == NULL || !node_matches(node, condition->pattern))
                        return false;
        }
        return true;
}
