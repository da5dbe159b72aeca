/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "run.h"
#include "plan.h"
#include <stdio.h>

static void run_clear(gpointer data)
{
        ScRun *run = data;
        sc_outcome_free(run->outcome);
        g_clear_error(&run->error);
}

static void run_one(ScClient *client, const ScTask *task, ScRun *run)
{
        sd_bus_message *call;
        if (!task->make_call(client, run->name, task->data, &call, &run->error))
                return;
        bool waited = sc_wait_call(client, call, task->actions, task->streams, &run->outcome, &run->error);
        if (waited && sc_outcome_check(run->outcome, &run->error))
                client->status = sc_outcome_exit_status(run->outcome);
        if (waited && run->outcome->result == NULL && !client->json)
                printf("%" G_GUINT64_FORMAT "\n", run->outcome->number);
}

JsonNode *sc_run_to_json(const ScRun *run)
{
        if (run->outcome != NULL)
                return sc_outcome_to_json(run->outcome);
        g_autoptr(JsonObject) details = json_object_new();
        json_object_set_string_member(details, "error-message", run->error->message);
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_null_member(object, "job");
        json_object_set_string_member(object, "subject", run->name);
        json_object_set_string_member(object, "result", "failed");
        json_object_set_object_member(object, "details", g_steal_pointer(&details));
        return json_node_init_object(json_node_alloc(), object);
}

static void print_json(GArray *runs, bool many)
{
        g_autoptr(JsonNode) node = NULL;
        if (many) {
                g_autoptr(JsonArray) array = json_array_new();
                for (guint i = 0; i < runs->len; i++)
                        json_array_add_element(array, sc_run_to_json(&g_array_index(runs, ScRun, i)));
                node = json_node_init_array(json_node_alloc(), array);
        } else {
                const ScRun *run = &g_array_index(runs, ScRun, 0);
                if (run->outcome == NULL)
                        return;
                node = sc_outcome_to_json(run->outcome);
        }
        sc_client_print_json(node);
}

static void report(ScClient *client, const ScRun *run)
{
        g_autoptr(GError) named = g_error_copy(run->error);
        g_prefix_error(&named, "%s: ", run->name);
        sc_client_report(client, named);
}

static bool must_stop(const GError *error)
{
        ScExit code = sc_exit_code(error);
        return code == SC_EXIT_GONE || code == SC_EXIT_INTERRUPTED;
}

bool sc_run_each(ScClient *client, const ScTask *task, char *const *names, bool many, GError **error)
{
        if (client->display)
                return sc_plan_each(client, task, names, many, error);
        g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(ScRun));
        g_array_set_clear_func(runs, run_clear);
        guint failed = 0;
        ScExit code = SC_EXIT_OK;
        bool stop = false;
        for (; *names != NULL && !stop; names++) {
                ScRun run = {.name = *names};
                run_one(client, task, &run);
                if (run.error != NULL) {
                        stop = must_stop(run.error);
                        code = stop ? sc_exit_code(run.error) : SC_EXIT_FAILED;
                        failed++;
                        if (many)
                                report(client, &run);
                }
                g_array_append_val(runs, run);
        }
        if (task->summarize != NULL && many && code != SC_EXIT_GONE) {
                if (!task->summarize(client, (const ScRun *)runs->data, runs->len, task->data, error))
                        return false;
        } else if (client->json) {
                print_json(runs, many);
        }
        if (failed == 0)
                return true;
        if (!many) {
                ScRun *run = &g_array_index(runs, ScRun, 0);
                g_propagate_error(error, g_steal_pointer(&run->error));
                return false;
        }
        return sc_exit_throw(error, code, "%u of %u failed%s", failed, runs->len,
                             stop && *names != NULL ? "; the rest was not tried" : "");
}

bool sc_container_call(ScClient *client, const char *name, const char *method, sd_bus_message **ret, GError **error)
{
        g_autofree char *path = NULL;
        if (client->display)
                return sc_plannable_call(client, method, name, ret, error);
        return sc_object_find(client, SC_OBJECT_CONTAINER, name, &path, error) &&
               sc_call_new(client, path, SC_BUS_CONTAINER, method, NULL, ret, error) && sc_call_open_options(*ret, error);
}

bool sc_run_arguments(ScClient *client, const ScSyntax *syntax, const ScTask *task, int argc, char **argv, GError **error)
{
        char **arguments;
        ScParsed parsed = sc_options_parse(client, syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        return sc_run_each(client, task, arguments, arguments[1] != NULL, error);
}
