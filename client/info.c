/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "info.h"
#include "base/reference.h"
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

/* The name that is meant; the first one where it is the start of the id. */
static const char *full_name(const ScObject *image, const char *given)
{
        g_autoptr(ScReference) reference = sc_reference_parse(given, NULL);
        JsonArray *names = json_object_get_array_member(image->properties, "Names");
        for (guint i = 0; reference != NULL && i < json_array_get_length(names); i++)
                if (g_strcmp0(json_array_get_string_element(names, i), reference->name) == 0)
                        return json_array_get_string_element(names, i);
        return json_array_get_length(names) > 0 ? json_array_get_string_element(names, 0) : given;
}

static JsonObject *with_system_variables(JsonObject *defaults)
{
        JsonObject *all = json_object_new();
        JsonObjectIter iter;
        const char *name;
        JsonNode *value;
        for (gsize i = 0; i < G_N_ELEMENTS(system_variables); i++)
                json_object_set_string_member(all, system_variables[i], "{SET_BY_OS}");
        /* Of these only UUID yields to an image's default. */
        json_object_iter_init(&iter, defaults);
        while (json_object_iter_next(&iter, &name, &value))
                if (!json_object_has_member(all, name) || strcmp(name, "UUID") == 0)
                        json_object_set_member(all, name, json_node_copy(value));
        return all;
}

/* In the words of the atomic command. */
static void print_info(const ScDescription *description, const char *given)
{
        g_autofree char *name = sc_text_clean(full_name(description->image, given));
        JsonNode *labels = json_object_get_member(description->image->properties, "Labels");
        printf("Image Name: %s\n", name);
        if (labels != NULL && JSON_NODE_HOLDS_OBJECT(labels))
                print_pairs(json_node_get_object(labels));

        g_autoptr(JsonObject) set = with_system_variables(description->defaults), unset = json_object_new();
        puts("\n\nTemplate variables with default value, but overridable with --set:");
        print_pairs(set);
        JsonArray *required = json_node_get_array(description->required);
        for (guint i = 0; i < json_array_get_length(required); i++)
                json_object_set_string_member(unset, json_array_get_string_element(required, i), "{DEF_VALUE}");
        if (json_object_get_size(unset) > 0)
                puts("\n\nTemplate variables that has no default value, and must be set with --set:");
        print_pairs(unset);
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
                print_info(&description, arguments[0]);
        return true;
}
