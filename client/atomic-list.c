/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic-filter.h"
#include "atomic.h"
#include "layers.h"
#include "listing.h"
#include "value.h"
#include <string.h>

#define SHORT_ID 12
#define NONE "<none>"

static char *format_date(gint64 time)
{
        g_autoptr(GDateTime) date = time > 0 ? g_date_time_new_from_unix_local(time) : NULL;
        return date != NULL ? g_date_time_format(date, "%Y-%m-%d %H:%M") : g_strdup("");
}

/* The columns are the members of an entry that these name; the first is the mark. */
static void add_cells(ScTable *table, JsonObject *entry, const char *const *keys, const char *mark)
{
        sc_table_add(table, mark);
        for (; *keys != NULL; keys++)
                sc_table_add(table, sc_value_string(entry, *keys));
}

/* ---- images */

static const char *const image_keys[] = {"repo", "tag", "id", "created", "virtual_size", "type", NULL};
static const char *const image_filters[] = {"repo", "tag",         "id",         "created", "virtual_size",
                                            "type", "is_dangling", "used_image", NULL};
static const ScFilterAlias image_aliases[] = {
        {"repository", "repo"}, {"image", "id"}, {"size", "virtual_size"}, {"dangling", "is_dangling"}, {NULL, NULL},
};
static const ScColumn image_columns[] = {
        {" "}, {"REPOSITORY", SC_COLUMN_SHRINK}, {"TAG"}, {"IMAGE ID"}, {"CREATED"}, {"VIRTUAL SIZE"}, {"TYPE"},
};

/* A layer, among the objects that are images. */
static bool is_layer(JsonObject *properties)
{
        return json_object_has_member(properties, "Images");
}

static JsonArray *array_of(JsonObject *properties, const char *name)
{
        JsonNode *node = json_object_get_member(properties, name);
        return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static guint length_of(JsonObject *properties, const char *name)
{
        JsonArray *array = array_of(properties, name);
        return array != NULL ? json_array_get_length(array) : 0;
}

static void set_id(JsonObject *entry, const char *id, ScListFlags flags)
{
        g_autofree char *shown = g_strndup(id, (flags & SC_LIST_NO_TRUNC) != 0 ? strlen(id) : SHORT_ID);
        json_object_set_string_member(entry, "id", shown);
        json_object_set_string_member(entry, "image_id", id);
}

/* What the table, the filters and --json go by. What atomic took from scanners is empty. */
static JsonObject *entry_new(const char *repository, const char *tag, const char *id, ScListFlags flags)
{
        JsonObject *entry = json_object_new();
        json_object_set_string_member(entry, "repo", repository);
        json_object_set_string_member(entry, "tag", tag);
        set_id(entry, id, flags);
        json_object_set_string_member(entry, "created", "");
        json_object_set_string_member(entry, "virtual_size", "");
        json_object_set_string_member(entry, "type", "ostree");
        json_object_set_boolean_member(entry, "is_dangling", FALSE);
        json_object_set_boolean_member(entry, "used_image", FALSE);
        json_object_set_boolean_member(entry, "vulnerable", FALSE);
        json_object_set_object_member(entry, "vuln_info", json_object_new());
        return entry;
}

/* "localhost:5000/etcd:v1" at its last colon, "etcd@sha256:HEX" at the "@". */
static void add_image(GPtrArray *entries, JsonObject *properties, const char *name, ScListFlags flags)
{
        const char *at = name != NULL ? strchr(name, '@') : NULL;
        const char *colon = name == NULL ? NULL : at != NULL ? at : strrchr(name, ':');
        g_autofree char *repository = colon != NULL ? g_strndup(name, (gsize)(colon - name)) : g_strdup(name != NULL ? name : NONE);
        JsonObject *entry = entry_new(repository,
                                      colon != NULL  ? colon + 1
                                      : name != NULL ? ""
                                                     : NONE,
                                      sc_value_string(properties, "Id"), flags);
        g_autofree char *created = format_date(sc_value_int(properties, "Created"));
        g_autofree char *size = sc_atomic_format_size((guint64)sc_value_int(properties, "VirtualSize"));
        json_object_set_string_member(entry, "created", created);
        json_object_set_string_member(entry, "virtual_size", size);
        json_object_set_boolean_member(entry, "is_dangling", sc_value_bool(properties, "Dangling"));
        json_object_set_boolean_member(entry, "used_image", length_of(properties, "UsedBy") > 0);
        g_ptr_array_add(entries, entry);
}

static void add_layer(GPtrArray *entries, JsonObject *layer, ScListFlags flags)
{
        JsonObject *entry = entry_new(NONE, NONE, sc_value_string(layer, "Id"), flags);
        json_object_set_boolean_member(entry, "is_dangling", sc_value_bool(layer, "Dangling"));
        g_ptr_array_add(entries, entry);
}

static void unref_object(gpointer object)
{
        json_object_unref(object);
}

static GPtrArray *image_entries(GPtrArray *objects, ScListFlags flags)
{
        GPtrArray *entries = g_ptr_array_new_with_free_func(unref_object);
        for (guint i = 0; i < objects->len; i++) {
                JsonObject *properties = ((ScObject *)objects->pdata[i])->properties;
                if (is_layer(properties)) {
                        add_layer(entries, properties, flags);
                        continue;
                }
                guint n_names = length_of(properties, "Names");
                for (guint k = 0; k < n_names; k++)
                        add_image(entries, properties, json_array_get_string_element(array_of(properties, "Names"), k), flags);
                if (n_names == 0)
                        add_image(entries, properties, NULL, flags);
        }
        return entries;
}

static void add_image_row(ScClient *client, ScTable *table, JsonObject *entry, ScListFlags flags)
{
        const char *mark = sc_value_bool(entry, "is_dangling") ? "*" : sc_value_bool(entry, "used_image") ? ">" : " ";
        add_cells(table, entry, image_keys, mark);
}

static char *entry_id(JsonObject *entry, ScListFlags flags)
{
        return g_strdup(sc_value_string(entry, "id"));
}

static const ScListing image_listing = {
        .kind = SC_OBJECT_IMAGE,
        .properties = image_filters,
        .columns = image_columns,
        .n_columns = G_N_ELEMENTS(image_columns),
        .all_summary = "",
        .add_rows = add_image_row,
        .id = entry_id,
        .complete = sc_layers_complete,
        .entries = image_entries,
};

bool sc_atomic_images_list(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(GStrv) line = NULL;
        if (!sc_atomic_filters(argv, image_filters, image_aliases, &line, error))
                return false;
        g_autofree char **words = g_memdup2(line, (g_strv_length(line) + 1) * sizeof(*line));
        return sc_listing_run(client, &image_listing, argc, words, error);
}

/* ---- containers */

static const char *const container_keys[] = {"id", "image_name", "command", "created", "state", "runtime", "backend", NULL};
static const char *const container_filters[] = {"id",    "image_id", "image_name", "name",    "command",
                                                "state", "created",  "backend",    "runtime", NULL};
static const ScFilterAlias container_aliases[] = {{"container", "id"}, {"image", "image_name"}, {"status", "state"}, {NULL, NULL}};
static const ScColumn container_columns[] = {
        {" "},       {"CONTAINER ID"}, {"IMAGE", SC_COLUMN_SHRINK}, {"COMMAND", SC_COLUMN_SHRINK}, {"CREATED"}, {"STATUS"},
        {"RUNTIME"}, {"BACKEND"},
};

static GPtrArray *container_entries(GPtrArray *objects, ScListFlags flags)
{
        GPtrArray *entries = g_ptr_array_new_with_free_func(unref_object);
        for (guint i = 0; i < objects->len; i++) {
                JsonObject *properties = ((ScObject *)objects->pdata[i])->properties;
                const char *state = sc_value_string(properties, "State");
                g_autofree char *created = format_date(sc_value_int(properties, "Created"));
                JsonObject *entry = json_object_new();
                json_object_set_string_member(entry, "id", sc_value_string(properties, "Name"));
                json_object_set_string_member(entry, "image_id", sc_value_string(properties, "ImageId"));
                json_object_set_string_member(entry, "image_name", sc_value_string(properties, "Image"));
                json_object_set_string_member(entry, "name", sc_value_string(properties, "Name"));
                json_object_set_string_member(entry, "command", sc_value_string(properties, "Command"));
                json_object_set_string_member(entry, "created", created);
                json_object_set_string_member(entry, "state", state);
                json_object_set_string_member(entry, "backend", "ostree");
                json_object_set_string_member(entry, "runtime", sc_value_string(properties, "Runtime"));
                json_object_set_boolean_member(entry, "vulnerable", FALSE);
                json_object_set_boolean_member(entry, "running", strcmp(state, "running") == 0);
                g_ptr_array_add(entries, entry);
        }
        return entries;
}

static bool is_running(JsonObject *entry)
{
        return sc_value_bool(entry, "running");
}

static void add_container_row(ScClient *client, ScTable *table, JsonObject *entry, ScListFlags flags)
{
        add_cells(table, entry, container_keys, " ");
}

static const ScListing container_listing = {
        .kind = SC_OBJECT_CONTAINER,
        .properties = container_filters,
        .columns = container_columns,
        .n_columns = G_N_ELEMENTS(container_columns),
        .all_summary = "",
        .is_shown = is_running,
        .filter_within = true,
        .silent_when_empty = true,
        .add_rows = add_container_row,
        .id = entry_id,
        .entries = container_entries,
};

bool sc_atomic_containers_list(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(GStrv) line = NULL;
        if (!sc_atomic_filters(argv, container_filters, container_aliases, &line, error))
                return false;
        g_autofree char **words = g_memdup2(line, (g_strv_length(line) + 1) * sizeof(*line));
        return sc_listing_run(client, &container_listing, argc, words, error);
}
