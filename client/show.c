/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/reference.h"
#include "bus.h"
#include "options.h"
#include "text.h"
#include "value.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

typedef struct {
        char *type;
        char **properties;
        gboolean value;
} ShowOptions;

static void show_options_clear(ShowOptions *options)
{
        g_free(options->type);
        g_strfreev(options->properties);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ShowOptions, show_options_clear)

/* True and *ret NULL where there is no such object. */
static bool try_find(ScClient *client, ScObjectKind kind, const char *name, ScObject **ret, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autofree char *path = NULL;
        bool ok = kind == SC_OBJECT_JOB ? sc_job_path(name, &path, &local) : sc_object_find(client, kind, name, &path, &local);
        if (ok && sc_object_get(client, kind, path, ret, &local))
                return true;
        if (sc_exit_code(local) == SC_EXIT_NOT_FOUND || (kind == SC_OBJECT_JOB && sc_exit_code(local) == SC_EXIT_USAGE))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

/* The daemon refuses to look for what no container can be called, as most images are. */
static bool may_be_called(ScObjectKind kind, const char *name)
{
        return kind != SC_OBJECT_CONTAINER || sc_container_name_check(name, NULL);
}

static bool find(ScClient *client, const char *type, const char *name, ScObject **ret, GError **error)
{
        /* In the order in which they are looked for. */
        static const struct {
                const char *name;
                ScObjectKind kind;
        } types[] = {{"container", SC_OBJECT_CONTAINER}, {"job", SC_OBJECT_JOB}, {"image", SC_OBJECT_IMAGE}};
        g_autoptr(ScObject) object = NULL;
        for (gsize i = 0; i < G_N_ELEMENTS(types) && object == NULL; i++)
                if (type != NULL ? strcmp(type, types[i].name) == 0 : may_be_called(types[i].kind, name))
                        if (!try_find(client, types[i].kind, name, &object, error))
                                return false;
        if (object == NULL)
                return sc_exit_throw(error, SC_EXIT_NOT_FOUND, "There is no %s '%s'",
                                     type != NULL ? type : "container, job or image", name);
        *ret = g_steal_pointer(&object);
        return true;
}

static void print_line(const char *name, const char *value, bool value_only)
{
        g_autofree char *line = value_only ? g_strdup(value) : g_strdup_printf("%s=%s", name, value);
        g_autofree char *clean = sc_text_clean(line);
        puts(clean);
}

static void print_property(const char *name, JsonNode *node, bool value_only)
{
        if (JSON_NODE_HOLDS_ARRAY(node)) {
                JsonArray *array = json_node_get_array(node);
                for (guint i = 0; i < json_array_get_length(array); i++)
                        print_property(name, json_array_get_element(array, i), value_only);
                return;
        }
        if (JSON_NODE_HOLDS_OBJECT(node)) {
                JsonObject *object = json_node_get_object(node);
                g_autoptr(GList) keys = g_list_sort(json_object_get_members(object), (GCompareFunc)strcmp);
                for (GList *item = keys; item != NULL; item = item->next) {
                        g_autofree char *pair = g_strdup_printf("%s=%s", (const char *)item->data,
                                                                sc_value_string(object, item->data));
                        print_line(name, pair, value_only);
                }
                return;
        }
        g_autofree char *text = sc_value_to_text(node);
        print_line(name, text != NULL ? text : "", value_only);
}

static bool is_chosen(const ShowOptions *options, const char *name)
{
        if (options->properties == NULL)
                return true;
        for (char **property = options->properties; *property != NULL; property++)
                if (g_ascii_strcasecmp(*property, name) == 0)
                        return true;
        return false;
}

static bool check_properties(const ShowOptions *options, JsonObject *shown, GError **error)
{
        g_autoptr(GList) names = json_object_get_members(shown);
        for (char **property = options->properties; property != NULL && *property != NULL; property++) {
                GList *item = names;
                while (item != NULL && g_ascii_strcasecmp(item->data, *property) != 0)
                        item = item->next;
                if (item == NULL)
                        return sc_exit_throw(error, SC_EXIT_USAGE, "--property '%s': there is no such property", *property);
        }
        return true;
}

static bool print(ScClient *client, const ShowOptions *options, JsonObject *all, GError **error)
{
        if (!check_properties(options, all, error))
                return false;
        g_autoptr(JsonObject) chosen = json_object_new();
        JsonObjectIter iter;
        const char *name;
        JsonNode *node;
        json_object_iter_init_ordered(&iter, all);
        while (json_object_iter_next_ordered(&iter, &name, &node)) {
                if (!is_chosen(options, name))
                        continue;
                if (client->json)
                        json_object_set_member(chosen, name, json_node_copy(node));
                else
                        print_property(name, node, options->value);
        }
        if (client->json) {
                g_autoptr(JsonObject) object = sc_object_to_json(chosen);
                g_autoptr(JsonNode) root = json_node_init_object(json_node_alloc(), object);
                sc_client_print_json(root);
        }
        return true;
}

bool sc_verb_show(ScClient *client, int argc, char **argv, GError **error)
{
        static const char *const types[] = {"container", "job", "image", NULL};
        g_auto(ShowOptions) options = {NULL};
        const GOptionEntry entries[] = {
                {"type", 't', 0, G_OPTION_ARG_FILENAME, &options.type, "Look for this kind alone: container, job, image", "TYPE"},
                {"property", 'p', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.properties, "Show this property alone (may be repeated)",
                 "NAME"},
                {"value", 0, 0, G_OPTION_ARG_NONE, &options.value, "Without the names of the properties", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "[NAME]",
                "Show all properties of a container, a job or an image; without a name those of sysconsd.",
                "A property that holds several values takes a line for each.",
                entries,
                0,
                1,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (!sc_options_choice("type", options.type, types, error))
                return false;
        g_autoptr(ScObject) object = NULL;
        if (arguments[0] != NULL ? !find(client, options.type, arguments[0], &object, error)
                                 : !sc_object_get(client, SC_OBJECT_MANAGER, SC_BUS_ROOT, &object, error))
                return false;
        g_autoptr(JsonObject) shown = sc_object_present(object);
        return print(client, &options, shown, error);
}
