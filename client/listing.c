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

/* What may become a line: as the listing's functions get it, and as filters and --json see it. */
typedef struct {
        JsonObject *properties, *presented;
} Entry;

static void entry_clear(gpointer data)
{
        Entry *entry = data;
        json_object_unref(entry->properties);
        json_object_unref(entry->presented);
}

static GArray *make_entries(const ScListing *listing, GPtrArray *objects, ScListFlags flags)
{
        GArray *entries = g_array_new(FALSE, FALSE, sizeof(Entry));
        g_array_set_clear_func(entries, entry_clear);
        g_autoptr(GPtrArray) others = listing->entries != NULL ? listing->entries(objects, flags) : NULL;
        for (guint i = 0; others != NULL && i < others->len; i++) {
                Entry entry = {json_object_ref(others->pdata[i]), json_object_ref(others->pdata[i])};
                g_array_append_val(entries, entry);
        }
        for (guint i = 0; others == NULL && i < objects->len; i++) {
                ScObject *object = objects->pdata[i];
                Entry entry = {json_object_ref(object->properties), sc_object_present(object)};
                g_array_append_val(entries, entry);
        }
        return entries;
}

static bool fits(const ScListing *listing, const ScFilter *filter, JsonObject *presented)
{
        g_autoptr(JsonObject) view = listing->filter_view != NULL ? listing->filter_view(presented) : json_object_ref(presented);
        return sc_filter_match(filter, view);
}

/* Takes away what is not shown. */
static void select_entries(const ScListing *listing, const ListOptions *options, const ScFilter *filter, GArray *entries)
{
        /* Who filters by a property does not mean those alone that happen to run. */
        bool all = listing->is_shown == NULL || options->all || (options->filters != NULL && !listing->filter_within);
        for (guint i = entries->len; i-- > 0;) {
                const Entry *entry = &g_array_index(entries, Entry, i);
                if ((!all && !listing->is_shown(entry->properties)) || !fits(listing, filter, entry->presented))
                        g_array_remove_index(entries, i);
        }
}

static void print_json(const ScListing *listing, GArray *entries)
{
        g_autoptr(JsonArray) array = json_array_new();
        for (guint i = 0; i < entries->len; i++) {
                JsonObject *presented = g_array_index(entries, Entry, i).presented;
                json_array_add_object_element(array,
                                              listing->entries != NULL ? json_object_ref(presented) : sc_object_to_json(presented));
        }
        g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), array);
        sc_client_print_json(node);
}

static void print_ids(const ScListing *listing, GArray *entries, ScListFlags flags)
{
        for (guint i = 0; i < entries->len; i++) {
                g_autofree char *id = listing->id(g_array_index(entries, Entry, i).properties, flags);
                g_autofree char *clean = sc_text_clean(id);
                puts(clean);
        }
}

static void print_table(ScClient *client, const ScListing *listing, const ListOptions *options, GArray *entries, ScListFlags flags)
{
        if (entries->len == 0 && listing->silent_when_empty)
                return;
        g_autoptr(ScTable) table = sc_table_new(listing->columns, listing->n_columns);
        for (guint i = 0; i < entries->len; i++)
                listing->add_rows(client, table, g_array_index(entries, Entry, i).properties, flags);
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
        ScListFlags flags = (options.no_trunc ? SC_LIST_NO_TRUNC : SC_LIST_CUT) | (options.all ? SC_LIST_ALL : SC_LIST_CUT);
        if (!sc_filter_new(filters, listing->properties, &filter, error) ||
            !sc_objects_list(client, listing->kind, &objects, error) ||
            (listing->complete != NULL && !listing->complete(client, flags, objects, error)))
                return false;

        g_autoptr(GArray) entries = make_entries(listing, objects, flags);
        select_entries(listing, &options, filter, entries);
        if (client->json)
                print_json(listing, entries);
        else if (client->quiet)
                print_ids(listing, entries, flags);
        else
                print_table(client, listing, &options, entries, flags);
        return true;
}
