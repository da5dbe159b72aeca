/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listing.h"
#include "options.h"
#include "text.h"
#include <stdio.h>

typedef struct {
        gboolean all;
        gboolean no_heading;
        gboolean no_trunc;
        char **filters;
} ListOptions;

static ScParsed parse(ScClient *client, const ScListing *listing, ListOptions *options, int argc, char **argv, GError **error)
{
        GOptionEntry entries[] = {
                {"filter", 'f', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->filters,
                 "Only those that fit every filter (may be repeated)", "PROPERTY=PATTERN"},
                {"no-heading", 'n', 0, G_OPTION_ARG_NONE, &options->no_heading, "Without the line of titles", NULL},
                {"no-trunc", 0, 0, G_OPTION_ARG_NONE, &options->no_trunc, "Cut nothing, show ids in full", NULL},
                {"all", 'a', 0, G_OPTION_ARG_NONE, &options->all, listing->all_summary, NULL},
                G_OPTION_ENTRY_NULL,
        };
        if (listing->all_summary == NULL)
                entries[G_N_ELEMENTS(entries) - 2] = (GOptionEntry)G_OPTION_ENTRY_NULL;
        const ScSyntax syntax = {argv[0], "", listing->summary, listing->details, entries, 0, 0};
        char **arguments;
        return sc_options_parse(client, &syntax, argc, argv, &arguments, error);
}

static void print(ScClient *client, const ScListing *listing, const ListOptions *options, GPtrArray *shown, JsonArray *presented)
{
        ScListFlags flags = options->no_trunc ? SC_LIST_NO_TRUNC : SC_LIST_CUT;
        if (client->json) {
                g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), presented);
                sc_client_print_json(node);
                return;
        }
        g_autoptr(ScTable) table = sc_table_new(listing->columns, listing->n_columns);
        for (guint i = 0; i < shown->len; i++) {
                JsonObject *properties = ((ScObject *)shown->pdata[i])->properties;
                if (!client->quiet) {
                        listing->add_rows(client, table, properties, flags);
                        continue;
                }
                g_autofree char *id = listing->id(properties, flags);
                g_autofree char *clean = sc_text_clean(id);
                puts(clean);
        }
        if (!client->quiet)
                sc_client_print_table(table, options->no_heading, options->no_trunc);
}

bool sc_listing_run(ScClient *client, const ScListing *listing, int argc, char **argv, GError **error)
{
        ListOptions options = {FALSE};
        ScParsed parsed = parse(client, listing, &options, argc, argv, error);
        g_auto(GStrv) filters = options.filters;
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        g_autoptr(ScFilter) filter = NULL;
        g_autoptr(GPtrArray) objects = NULL;
        if (!sc_filter_new(filters, listing->properties, &filter, error) ||
            !sc_objects_list(client, listing->kind, &objects, error))
                return false;

        /* Who filters by a property does not mean those alone that happen to run. */
        bool all = listing->is_shown == NULL || options.all || filters != NULL;
        g_autoptr(GPtrArray) shown = g_ptr_array_new();
        g_autoptr(JsonArray) array = json_array_new();
        for (guint i = 0; i < objects->len; i++) {
                ScObject *object = objects->pdata[i];
                g_autoptr(JsonObject) presented = sc_object_present(object);
                if ((!all && !listing->is_shown(object->properties)) || !sc_filter_match(filter, presented))
                        continue;
                g_ptr_array_add(shown, object);
                json_array_add_object_element(array, sc_object_to_json(presented));
        }
        print(client, listing, &options, shown, array);
        return true;
}
