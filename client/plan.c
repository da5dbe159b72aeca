/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "plan.h"
#include "options.h"
#include "value.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

static bool plan_call(ScClient *client, const char *method, const char *argument, sd_bus_message **ret, GError **error)
{
        g_autofree char *operation = g_ascii_strdown(method, -1);
        sd_bus_message *call = NULL;
        if (!sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "Plan", operation, &call, error))
                return false;
        const char *subject = argument != NULL ? argument : "";
        if (sc_bus_check(sd_bus_message_append_basic(call, SD_BUS_TYPE_STRING, subject), "Plan", error) &&
            sc_call_open_options(call, error) &&
            sc_call_option_string(call, "show-values", client->show_values ? "yes" : NULL, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_plannable_call(ScClient *client, const char *method, const char *argument, sd_bus_message **ret, GError **error)
{
        if (client->display)
                return plan_call(client, method, argument, ret, error);
        sd_bus_message *call = NULL;
        if (!sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, method, argument, &call, error))
                return false;
        if (!sc_call_open_options(call, error)) {
                sd_bus_message_unref(call);
                return false;
        }
        *ret = call;
        return true;
}

static JsonNode *parse(JsonObject *answer, GError **error)
{
        g_autoptr(JsonParser) parser = json_parser_new();
        if (!json_parser_load_from_data(parser, sc_value_string(answer, "plan"), -1, NULL) ||
            json_parser_get_root(parser) == NULL || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser))) {
                sc_exit_throw(error, SC_EXIT_FAILED, "The answer of sysconsd cannot be read");
                return NULL;
        }
        return json_parser_steal_root(parser);
}

static JsonNode *ask(ScClient *client, const ScTask *task, const char *name, GError **error)
{
        sd_bus_message *call, *reply;
        if (!task->make_call(client, name, task->data, &call, error))
                return NULL;
        sc_client_prepare_authorization(client);
        bool ok = sc_call(client, call, task->actions, &reply, error);
        sd_bus_message_unref(call);
        if (!ok)
                return NULL;
        g_autoptr(JsonObject) answer = NULL;
        int r = sc_value_read_object(reply, &answer);
        sd_bus_message_unref(reply);
        return sc_bus_check(r, "The answer of sysconsd cannot be read", error) ? parse(answer, error) : NULL;
}

static const char *first_conflict(JsonObject *plan)
{
        JsonNode *node = json_object_get_member(plan, "conflicts");
        JsonArray *conflicts = node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        return conflicts != NULL && json_array_get_length(conflicts) > 0 ? json_array_get_string_element(conflicts, 0) : NULL;
}

static void present_times(JsonObject *plan)
{
        JsonNode *image = json_object_get_member(plan, "image");
        if (image == NULL || !JSON_NODE_HOLDS_OBJECT(image))
                return;
        JsonNode *created = json_object_get_member(json_node_get_object(image), "created");
        if (created != NULL)
                json_object_set_member(json_node_get_object(image), "created", sc_value_present_time(created));
}

static bool show(ScClient *client, JsonNode *node, JsonArray *all, GError **error)
{
        JsonObject *plan = json_node_get_object(node);
        const char *conflict = first_conflict(plan);
        if (client->json) {
                present_times(plan);
                json_array_add_element(all, json_node_copy(node));
        } else {
                g_autofree char *text = sc_plan_format(plan);
                fputs(text, stdout);
        }
        return conflict == NULL ||
               sc_exit_throw(error, SC_EXIT_FAILED, "%s would be refused: %s", sc_value_string(plan, "operation"), conflict);
}

bool sc_plan_each(ScClient *client, const ScTask *task, char *const *names, bool many, GError **error)
{
        g_autoptr(JsonArray) all = json_array_new();
        guint failed = 0, n_names = g_strv_length((char **)names);
        g_autoptr(GError) last = NULL;
        for (char *const *name = names; *name != NULL; name++) {
                g_autoptr(GError) local = NULL;
                g_autoptr(JsonNode) node = ask(client, task, *name, &local);
                if (node != NULL && show(client, node, all, &local))
                        continue;
                failed++;
                if (many)
                        sc_client_report(client, local);
                g_clear_error(&last);
                last = g_steal_pointer(&local);
        }
        if (client->json && (many || json_array_get_length(all) > 0)) {
                g_autoptr(JsonNode) node = many ? json_node_init_array(json_node_alloc(), all)
                                                : json_node_copy(json_array_get_element(all, 0));
                sc_client_print_json(node);
        }
        if (failed == 0)
                return true;
        if (many)
                return sc_exit_throw(error, SC_EXIT_FAILED, "%u of %u failed", failed, n_names);
        g_propagate_error(error, g_steal_pointer(&last));
        return false;
}

/* ---- the verb ---- */

static const ScVerb plannable[] = {
        {"install", NULL, NULL, sc_verb_install},   {"update", NULL, NULL, sc_verb_update},
        {"rollback", NULL, NULL, sc_verb_rollback}, {"uninstall", NULL, NULL, sc_verb_uninstall},
        {"pull", NULL, NULL, sc_verb_pull},         {"prune", NULL, NULL, sc_verb_prune},
};

/* Options before the planned verb are ours, those behind it are that verb's. */
static int end_of_own_options(int argc, char **argv)
{
        int end = 1;
        while (end < argc && argv[end][0] == '-')
                end++;
        return end;
}

bool sc_verb_plan(ScClient *client, int argc, char **argv, GError **error)
{
        const GOptionEntry entries[] = {
                {"show-values", 0, 0, G_OPTION_ARG_NONE, &client->show_values,
                 "With the container's values, which may be passwords (root sees them always)", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "install|update|rollback|uninstall|pull|prune ...",
                "Show what a verb would do, and do nothing.",
                "What follows are options and arguments of that verb. Of an image that is not here only the manifest and the "
                "configuration are fetched.\nIt fails where the verb would be refused.",
                entries,
                0,
                0,
        };
        int end = end_of_own_options(argc, argv);
        int own_argc = end;
        g_auto(GStrv) copy = g_new0(char *, end + 1);
        for (int i = 0; i < end; i++)
                copy[i] = g_strdup(argv[i]);
        g_autofree char **own = g_memdup2(copy, (gsize)(end + 1) * sizeof(char *));
        char **none;
        ScParsed parsed = sc_options_parse(client, &syntax, own_argc, own, &none, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        client->display = TRUE;
        for (gsize i = 0; end < argc && i < G_N_ELEMENTS(plannable); i++)
                if (strcmp(plannable[i].name, argv[end]) == 0)
                        return plannable[i].run(client, argc - end, argv + end, error);
        return sc_exit_throw(error, SC_EXIT_USAGE, "plan: the usage is `plan %s`; see `sysconsctl plan --help`", syntax.synopsis);
}
