/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "info.h"
#include "options.h"
#include "text.h"
#include "value.h"
#include <stdio.h>
#include <string.h>

/* What an install sets by itself, and --set overrides. */
static const char *const system_variables[] = {"CONF_DIRECTORY", "PIDFILE", "RUN_DIRECTORY", "STATE_DIRECTORY", "UUID"};

static void print_pairs(JsonObject *pairs)
{
        g_autoptr(GList) names = g_list_sort(json_object_get_members(pairs), (GCompareFunc)strcmp);
        for (GList *item = names; item != NULL; item = item->next) {
                g_autofree char *line = g_strdup_printf("%s: %s", (const char *)item->data, sc_value_string(pairs, item->data));
                g_autofree char *clean = sc_text_clean(line);
                puts(clean);
        }
}

/* The name as it was given, in full; the first one where it was the start of an id. */
static const char *which_name(JsonObject *image, const char *given)
{
        JsonNode *node = json_object_get_member(image, "Names");
        JsonArray *names = node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
        for (guint i = 0; names != NULL && i < json_array_get_length(names); i++) {
                const char *name = json_array_get_string_element(names, i);
                if (name != NULL && g_str_has_prefix(name, given))
                        return name;
        }
        return names != NULL && json_array_get_length(names) > 0 ? json_array_get_string_element(names, 0) : given;
}

static void print_description(const ScDescription *description, const char *given)
{
        g_autofree char *name = sc_text_clean(which_name(description->image->properties, given));
        printf("Image Name: %s\n", name);
        JsonNode *labels = json_object_get_member(description->image->properties, "Labels");
        if (labels != NULL && JSON_NODE_HOLDS_OBJECT(labels))
                print_pairs(json_node_get_object(labels));

        for (gsize i = 0; i < G_N_ELEMENTS(system_variables); i++)
                if (!json_object_has_member(description->defaults, system_variables[i]) || strcmp(system_variables[i], "UUID") != 0)
                        json_object_set_string_member(description->defaults, system_variables[i], "{SET_BY_OS}");
        puts("\n\nTemplate variables with default value, but overridable with --set:");
        print_pairs(description->defaults);

        JsonArray *required = json_node_get_array(description->required);
        if (json_array_get_length(required) == 0)
                return;
        g_autoptr(JsonObject) unset = json_object_new();
        for (guint i = 0; i < json_array_get_length(required); i++)
                json_object_set_string_member(unset, json_array_get_string_element(required, i), "{DEF_VALUE}");
        puts("\n\nTemplate variables that has no default value, and must be set with --set:");
        print_pairs(unset);
}

bool sc_atomic_info(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0], "", "", NULL, NULL, 1, 1};
        char **arguments;
        if (sc_options_parse(client, &syntax, argc, argv, &arguments, error) != SC_PARSED)
                return false;
        g_auto(ScDescription) description = {NULL};
        if (!sc_describe(client, arguments[0], &description, error))
                return false;
        print_description(&description, arguments[0]);
        return true;
}
