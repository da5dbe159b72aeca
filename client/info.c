/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "info.h"
#include "options.h"
#include "text.h"
#include "value.h"
#include "verbs.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

void sc_description_clear(ScDescription *description)
{
        sc_object_free(description->image);
        g_clear_pointer(&description->defaults, json_object_unref);
        g_clear_pointer(&description->required, json_node_unref);
}

static bool describe_variables(ScClient *client, const char *path, ScDescription *description, GError **error)
{
        sd_bus_message *call, *reply;
        if (!sc_call_new(client, path, SC_BUS_IMAGE, "DescribeVariables", NULL, &call, error))
                return false;
        bool ok = sc_call(client, call, NULL, &reply, error);
        sd_bus_message_unref(call);
        if (!ok)
                return false;
        int r = sc_value_read_object(reply, &description->defaults);
        if (r >= 0)
                r = sc_value_read(reply, &description->required);
        if (r >= 0 && !JSON_NODE_HOLDS_ARRAY(description->required))
                r = -EBADMSG;
        sd_bus_message_unref(reply);
        return sc_bus_check(r, "The answer of sysconsd cannot be read", error);
}

bool sc_describe(ScClient *client, const char *image, ScDescription *ret, GError **error)
{
        g_autofree char *path = NULL;
        return sc_object_find(client, SC_OBJECT_IMAGE, image, &path, error) &&
               sc_object_get(client, SC_OBJECT_IMAGE, path, &ret->image, error) && describe_variables(client, path, ret, error);
}

static void print_pair(const char *name, const char *value)
{
        g_autofree char *line = g_strdup_printf("%s: %s", name, value);
        g_autofree char *clean = sc_text_clean(line);
        printf("  %s\n", clean);
}

static void print_map(const char *title, JsonObject *map)
{
        g_autoptr(GList) names = g_list_sort(json_object_get_members(map), (GCompareFunc)strcmp);
        if (names == NULL)
                return;
        printf("%s\n", title);
        for (GList *item = names; item != NULL; item = item->next)
                print_pair(item->data, sc_value_string(map, item->data));
}

static void print_info(const ScDescription *description)
{
        JsonNode *labels = json_object_get_member(description->image->properties, "Labels");
        if (labels != NULL && JSON_NODE_HOLDS_OBJECT(labels))
                print_map("Labels:", json_node_get_object(labels));
        print_map("Variables with a default, which --set overrides:", description->defaults);
        JsonArray *required = json_node_get_array(description->required);
        if (json_array_get_length(required) > 0)
                printf("Variables without a default, which --set must give:\n");
        for (guint i = 0; i < json_array_get_length(required); i++) {
                g_autofree char *clean = sc_text_clean(json_array_get_string_element(required, i));
                printf("  %s\n", clean);
        }
}

static void print_json(const ScDescription *description)
{
        g_autoptr(JsonObject) presented = sc_object_present(description->image);
        g_autoptr(JsonObject) object = sc_object_to_json(presented);
        json_object_set_object_member(object, "defaults", json_object_ref(description->defaults));
        json_object_set_member(object, "required", json_node_copy(description->required));
        g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
        sc_client_print_json(node);
}

bool sc_verb_info(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {
                argv[0], "IMAGE", "Show the labels of an image in the repository, and the variables of its templates.", NULL, NULL,
                1,       1};
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        g_auto(ScDescription) description = {NULL};
        if (!sc_describe(client, arguments[0], &description, error))
                return false;
        if (client->json)
                print_json(&description);
        else
                print_info(&description);
        return true;
}
