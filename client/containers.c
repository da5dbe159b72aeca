/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listing.h"
#include "options.h"
#include "run.h"
#include "text.h"
#include "value.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

static const ScColumn container_columns[] = {
        {"NAME"}, {"IMAGE", SC_COLUMN_SHRINK}, {"COMMAND", SC_COLUMN_SHRINK}, {"CREATED"}, {"STATUS"}, {"RUNTIME"},
};
static const char *const container_properties[] = {
        "Name",  "Image",      "ImageId",  "Created",      "Command", "Runtime", "Unit",
        "State", "Deployment", "Previous", "Preinstalled", "Path",    NULL,
};

static bool is_running(JsonObject *properties)
{
        return strcmp(sc_value_string(properties, "State"), "running") == 0;
}

static void add_container(ScClient *client, ScTable *table, JsonObject *properties, ScListFlags flags)
{
        g_autofree char *age = sc_format_age(sc_value_int(properties, "Created"), g_get_real_time() / G_USEC_PER_SEC);
        sc_table_add(table, sc_value_string(properties, "Name"));
        sc_table_add(table, sc_value_string(properties, "Image"));
        sc_table_add(table, sc_value_string(properties, "Command"));
        sc_table_add(table, age);
        sc_table_add(table, sc_value_string(properties, "State"));
        sc_table_add(table, sc_value_string(properties, "Runtime"));
}

static char *container_name(JsonObject *properties, ScListFlags flags)
{
        return g_strdup(sc_value_string(properties, "Name"));
}

static const ScListing container_listing = {
        .kind = SC_OBJECT_CONTAINER,
        .summary = "List the running containers.",
        .details = "A filter names a property that `sysconsctl show CONTAINER` prints: State=failed, or Image=localhost:5000/*. It "
                   "implies --all.",
        .properties = container_properties,
        .columns = container_columns,
        .n_columns = G_N_ELEMENTS(container_columns),
        .all_summary = "Containers that do not run, too",
        .is_shown = is_running,
        .add_rows = add_container,
        .id = container_name,
};

bool sc_verb_list(ScClient *client, int argc, char **argv, GError **error)
{
        return sc_listing_run(client, &container_listing, argc, argv, error);
}

static void print_values(ScClient *client, JsonObject *values)
{
        if (client->json) {
                g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), values);
                sc_client_print_json(node);
                return;
        }
        g_autoptr(GList) names = g_list_sort(json_object_get_members(values), (GCompareFunc)strcmp);
        for (GList *item = names; item != NULL; item = item->next) {
                g_autofree char *line = g_strdup_printf("%s=%s", (const char *)item->data, sc_value_string(values, item->data));
                g_autofree char *clean = sc_text_clean(line);
                puts(clean);
        }
}

bool sc_verb_values(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {
                argv[0],
                "CONTAINER",
                "Show the values that a container was installed with. They may be passwords: root only, or org.sysconsd1.inspect.",
                NULL,
                NULL,
                1,
                1,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        g_autofree char *path = NULL;
        sd_bus_message *call, *reply;
        if (!sc_object_find(client, SC_OBJECT_CONTAINER, arguments[0], &path, error) ||
            !sc_call_new(client, path, SC_BUS_CONTAINER, "GetValues", NULL, &call, error))
                return false;
        sc_client_prepare_authorization(client);
        bool ok = sc_call(client, call, "org.sysconsd1.inspect", &reply, error);
        sd_bus_message_unref(call);
        if (!ok)
                return false;
        g_autoptr(JsonObject) values = NULL;
        int r = sc_value_read_object(reply, &values);
        sd_bus_message_unref(reply);
        if (!sc_bus_check(r, "The answer of sysconsd cannot be read", error))
                return false;
        print_values(client, values);
        return true;
}

typedef struct {
        const char *method;
        guint health_timeout;
} Control;

static bool make_control_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const Control *control = data;
        sd_bus_message *call = NULL;
        if (!sc_container_call(client, name, control->method, &call, error) ||
            !sc_call_option_uint(call, "health-timeout", control->health_timeout, error) || !sc_call_close_options(call, error)) {
                sd_bus_message_unref(call);
                return false;
        }
        *ret = call;
        return true;
}

static bool control_each(ScClient *client, const char *method, const char *action, const ScSyntax *syntax, int argc, char **argv,
                         GError **error)
{
        char **arguments;
        ScParsed parsed = sc_options_parse(client, syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        const Control control = {method, 0};
        const ScTask task = {make_control_call, &control, action};
        return sc_run_each(client, &task, arguments, arguments[1] != NULL, error);
}

bool sc_verb_start(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0], "CONTAINER...", "Start containers: their units.", NULL, NULL, 1, SC_ARGUMENTS_ANY};
        return control_each(client, "Start", "org.sysconsd1.control", &syntax, argc, argv, error);
}

bool sc_verb_stop(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0], "CONTAINER...", "Stop containers: their units.", NULL, NULL, 1, SC_ARGUMENTS_ANY};
        return control_each(client, "Stop", "org.sysconsd1.control", &syntax, argc, argv, error);
}

bool sc_verb_restart(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0], "CONTAINER...", "Stop containers and start them again.", NULL, NULL, 1, SC_ARGUMENTS_ANY};
        return control_each(client, "Restart", "org.sysconsd1.control", &syntax, argc, argv, error);
}

bool sc_verb_uninstall(ScClient *client, int argc, char **argv, GError **error)
{
        const GOptionEntry entries[] = {
                {"display", 0, 0, G_OPTION_ARG_NONE, &client->display, "Show what would be done, and do nothing", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "CONTAINER...",
                "Stop containers and remove them with their units and the files that they put on the host.",
                "Data below /var/lib and the image stay.",
                entries,
                1,
                SC_ARGUMENTS_ANY,
        };
        return control_each(client, "Uninstall", "org.sysconsd1.uninstall", &syntax, argc, argv, error);
}

bool sc_verb_rollback(ScClient *client, int argc, char **argv, GError **error)
{
        Control control = {"Rollback"};
        char *health_timeout = NULL;
        const GOptionEntry entries[] = {
                {"health-timeout", 0, 0, G_OPTION_ARG_STRING, &health_timeout, "How long the service has to prove itself",
                 "SECONDS"},
                {"display", 0, 0, G_OPTION_ARG_NONE, &client->display, "Show what would be done, and do nothing", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "CONTAINER...",
                "Go back to the previous deployment of containers.",
                "A second rollback goes forward again.",
                entries,
                1,
                SC_ARGUMENTS_ANY,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        g_autofree char *timeout = health_timeout;
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (!sc_options_seconds("health-timeout", timeout, &control.health_timeout, error))
                return false;
        const ScTask task = {make_control_call, &control, "org.sysconsd1.rollback"};
        return sc_run_each(client, &task, arguments, arguments[1] != NULL, error);
}
