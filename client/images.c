/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image-name.h"
#include "listing.h"
#include "options.h"
#include "plan.h"
#include "run.h"
#include "text.h"
#include "value.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

#define SHORT_ID 12

static const ScColumn image_columns[] = {
        {""},
        {"REPOSITORY", SC_COLUMN_SHRINK},
        {"TAG"},
        {"IMAGE ID"},
        {"CREATED"},
        {"SIZE", SC_COLUMN_RIGHT},
        {"VIRTUAL SIZE", SC_COLUMN_RIGHT},
};
static const char *const image_properties[] = {
        "Names", "Id", "Digest", "Created", "Size", "VirtualSize", "Layers", "UsedBy", "Dangling", NULL,
};

/* "localhost:5000/etcd:v1" to its repository and tag; a name by digest has none. */
static void split_name(const char *name, char **ret_repository, char **ret_tag)
{
        const char *slash = strrchr(name, '/'), *at = strchr(name, '@');
        const char *colon = strchr(slash != NULL ? slash : name, ':');
        const char *end = colon != NULL && (at == NULL || colon < at) ? colon : at;
        *ret_repository = end != NULL ? g_strndup(name, (gsize)(end - name)) : g_strdup(name);
        *ret_tag = g_strdup(end == NULL ? "latest" : end == at ? at + 1 : end + 1);
}

static char *image_id(JsonObject *properties, ScListFlags flags)
{
        const char *id = sc_value_string(properties, "Id");
        return (flags & SC_LIST_NO_TRUNC) != 0 ? g_strdup(id) : g_strndup(id, SHORT_ID);
}

static guint array_length(JsonObject *properties, const char *name)
{
        JsonNode *node = json_object_get_member(properties, name);
        return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_array_get_length(json_node_get_array(node)) : 0;
}

/* A digest is as long as the rest of the line. */
static char *shorten_tag(const char *tag, ScListFlags flags)
{
        const char *colon = strchr(tag, ':');
        return colon == NULL || (flags & SC_LIST_NO_TRUNC) != 0 ? g_strdup(tag)
                                                                : g_strdup_printf("%.*s", (int)(colon - tag) + 1 + SHORT_ID, tag);
}

static void add_image(ScTable *table, JsonObject *properties, const char *name, ScListFlags flags)
{
        g_autofree char *repository = NULL, *full_tag = NULL, *tag = NULL;
        if (name != NULL) {
                split_name(name, &repository, &full_tag);
                tag = shorten_tag(full_tag, flags);
        }
        bool used = array_length(properties, "UsedBy") > 0, dangling = sc_value_bool(properties, "Dangling");
        guint64 virtual_size = (guint64)sc_value_int(properties, "VirtualSize");
        g_autofree char *mark = g_strconcat(used ? ">" : "", dangling ? "*" : "", NULL);
        g_autofree char *id = image_id(properties, flags);
        g_autofree char *age = sc_format_age(sc_value_int(properties, "Created"), g_get_real_time() / G_USEC_PER_SEC);
        g_autofree char *size = sc_format_size((guint64)sc_value_int(properties, "Size"));
        g_autofree char *inflated = virtual_size > 0 ? sc_format_size(virtual_size) : NULL;
        sc_table_add(table, mark);
        sc_table_add(table, name != NULL ? repository : "<none>");
        sc_table_add(table, name != NULL ? tag : "<none>");
        sc_table_add(table, id);
        sc_table_add(table, age);
        sc_table_add(table, size);
        sc_table_add(table, inflated);
}

static void add_image_rows(ScClient *client, ScTable *table, JsonObject *properties, ScListFlags flags)
{
        guint n_names = array_length(properties, "Names");
        if (n_names == 0)
                add_image(table, properties, NULL, flags);
        for (guint i = 0; i < n_names; i++)
                add_image(table, properties, json_array_get_string_element(json_object_get_array_member(properties, "Names"), i),
                          flags);
}

static const ScListing image_listing = {
        .kind = SC_OBJECT_IMAGE,
        .summary = "List the images in the repository.",
        .details = "Marks: > an image that a container is made of, * a dangling one: it lost its last name to a newer one, or "
                   "lacks a layer.\n"
                   "A filter names a property that `sysconsctl show IMAGE` prints: Dangling=yes, or Names=localhost:5000/*.",
        .properties = image_properties,
        .columns = image_columns,
        .n_columns = G_N_ELEMENTS(image_columns),
        .add_rows = add_image_rows,
        .id = image_id,
};

bool sc_verb_images(ScClient *client, int argc, char **argv, GError **error)
{
        return sc_listing_run(client, &image_listing, argc, argv, error);
}

bool sc_pull_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        sd_bus_message *call = NULL;
        if (sc_plannable_call(client, "Pull", name, &call, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_pull(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {
                argv[0],
                "[SOURCE:]IMAGE...",
                "Fetch images from their registries into the repository.",
                "SOURCE: oci or docker:// a registry over https, which is the default; http a registry without TLS.",
                NULL,
                1,
                SC_ARGUMENTS_ANY,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        const ScTask task = {sc_pull_call, NULL, SC_PULL_ACTIONS};
        return sc_run_each(client, &task, arguments, arguments[1] != NULL, error);
}

static bool make_prune_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        sd_bus_message *call = NULL;
        if (sc_plannable_call(client, "Prune", NULL, &call, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_prune(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {
                argv[0], "", "Remove layers that no image holds, and what interrupted operations left.", NULL, NULL, 0, 0};
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        const ScTask task = {make_prune_call, NULL, "org.sysconsd1.manage-images"};
        return sc_run_each(client, &task, (char *[]){(char *)"prune", NULL}, false, error);
}

static bool make_delete_call(ScClient *client, const char *text, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const gboolean *force = data;
        sd_bus_message *call = NULL;
        if (sc_image_call(client, text, "Delete", NULL, &call, error) &&
            sc_call_option_string(call, "force", *force ? "yes" : NULL, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_delete_image(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean force = FALSE;
        const GOptionEntry entries[] = {
                {"force", 'f', 0, G_OPTION_ARG_NONE, &force, "Also an image that a container is made of", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "IMAGE...",
                "Drop the name of an image; the start of its id drops all its names, a digest those that have it.",
                "Its layers stay until `sysconsctl prune`.",
                entries,
                1,
                SC_ARGUMENTS_ANY,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        const ScTask task = {make_delete_call, &force, "org.sysconsd1.manage-images"};
        return sc_run_each(client, &task, arguments, arguments[1] != NULL, error);
}

typedef struct {
        gboolean replace;
        const char *name;
} TagOptions;

static bool make_tag_call(ScClient *client, const char *text, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const TagOptions *options = data;
        sd_bus_message *call = NULL;
        if (sc_image_call(client, text, "Tag", options->name, &call, error) &&
            sc_call_option_string(call, "replace", options->replace ? "yes" : NULL, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_tag(ScClient *client, int argc, char **argv, GError **error)
{
        TagOptions options = {FALSE};
        const GOptionEntry entries[] = {
                {"replace", 0, 0, G_OPTION_ARG_NONE, &options.replace, "Also a name that means another image", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "IMAGE NAME[:TAG]",
                "Give an image one more name.",
                "A name without a registry is this host's own: an update of a container that was installed by it fetches nothing.",
                entries,
                2,
                2,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        options.name = arguments[1];
        const ScTask task = {make_tag_call, &options,
                             "org.sysconsd1.manage-images, and org.sysconsd1.import for a name of another registry", false};
        return sc_run_each(client, &task, (char *[]){arguments[0], NULL}, false, error);
}
