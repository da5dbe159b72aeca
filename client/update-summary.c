/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "update-summary.h"
#include "value.h"
#include <stdio.h>
#include <string.h>

#define SHORT_ID 12
/* How much of an id atomic showed here. */
#define ATOMIC_ID 32

struct ScSummary {
        ScClient *client;
        GPtrArray *containers; /* of ScObject, before */
        GPtrArray *updatable;  /* names in them, NULL-terminated */
        GPtrArray *skipped;    /* names in them */
};

typedef struct {
        const char *name, *status, *message;
        char *before, *after, *image; /* ids, and the image's name; NULL: unknown */
} Row;

static void row_clear(Row *row)
{
        g_free(row->before);
        g_free(row->after);
        g_free(row->image);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Row, row_clear)

ScSummary *sc_summary_new(ScClient *client, GError **error)
{
        g_autoptr(ScSummary) summary = g_new0(ScSummary, 1);
        summary->client = client;
        summary->skipped = g_ptr_array_new();
        if (!sc_objects_list(client, SC_OBJECT_CONTAINER, &summary->containers, error))
                return NULL;
        return g_steal_pointer(&summary);
}

void sc_summary_free(ScSummary *summary)
{
        if (summary == NULL)
                return;
        g_clear_pointer(&summary->containers, g_ptr_array_unref);
        g_clear_pointer(&summary->updatable, g_ptr_array_unref);
        g_ptr_array_unref(summary->skipped);
        g_free(summary);
}

char *const *sc_summary_updatable(ScSummary *summary)
{
        g_assert(summary->updatable == NULL);
        summary->updatable = g_ptr_array_new();
        for (guint i = 0; i < summary->containers->len; i++) {
                JsonObject *properties = ((ScObject *)summary->containers->pdata[i])->properties;
                char *name = (char *)sc_value_string(properties, "Name");
                if (!sc_value_bool(properties, "Preinstalled")) {
                        g_ptr_array_add(summary->updatable, name);
                        continue;
                }
                g_autofree char *line = g_strdup_printf("Skipping %s: it came with the host", name);
                sc_client_message(summary->client, line);
                g_ptr_array_add(summary->skipped, name);
        }
        g_ptr_array_add(summary->updatable, NULL);
        return (char *const *)summary->updatable->pdata;
}

static JsonObject *find_container(GPtrArray *containers, const char *name)
{
        for (guint i = 0; i < containers->len; i++) {
                JsonObject *properties = ((ScObject *)containers->pdata[i])->properties;
                if (strcmp(sc_value_string(properties, "Name"), name) == 0)
                        return properties;
        }
        return NULL;
}

static char *known(JsonObject *properties, const char *name)
{
        const char *value = properties != NULL ? sc_value_string(properties, name) : "";
        return value[0] != '\0' ? g_strdup(value) : NULL;
}

static const char *run_status(const ScRun *run)
{
        if (run->error != NULL)
                return sc_exit_code(run->error) == SC_EXIT_INTERRUPTED ? "interrupted" : "failed";
        if (run->outcome->result == NULL)
                return "started";
        return strcmp(sc_value_string(run->outcome->details, "changed"), "no") == 0 ? "up to date" : "updated";
}

/* run: NULL for a container that was skipped. */
static Row make_row(const ScSummary *summary, GPtrArray *now, const char *name, const ScRun *run)
{
        JsonObject *before = find_container(summary->containers, name), *after = find_container(now, name);
        Row row = {
                .name = name,
                .status = run != NULL ? run_status(run) : "skipped",
                .message = run == NULL          ? "it came with the host"
                           : run->error != NULL ? run->error->message
                                                : "",
                .before = known(before, "ImageId"),
                .after = known(after, "ImageId"),
                .image = known(after, "Image"),
        };
        return row;
}

static void add_plain(ScTable *table, const Row *row)
{
        g_autofree char *before = row->before != NULL ? g_strndup(row->before, SHORT_ID) : NULL;
        g_autofree char *after = row->after != NULL ? g_strndup(row->after, SHORT_ID) : NULL;
        sc_table_add(table, row->name);
        sc_table_add(table, row->status);
        sc_table_add(table, before);
        sc_table_add(table, after);
        sc_table_add(table, row->message);
}

static char *image_id(GPtrArray *images, const char *name)
{
        for (guint i = 0; name != NULL && i < images->len; i++) {
                JsonObject *properties = ((ScObject *)images->pdata[i])->properties;
                JsonNode *names = json_object_get_member(properties, "Names");
                if (names == NULL || !JSON_NODE_HOLDS_ARRAY(names))
                        continue;
                JsonArray *array = json_node_get_array(names);
                for (guint k = 0; k < json_array_get_length(array); k++)
                        if (g_strcmp0(json_array_get_string_element(array, k), name) == 0)
                                return known(properties, "Id");
        }
        return NULL;
}

static const char *atomic_status(const Row *row, const char *latest)
{
        if (strcmp(row->status, "failed") == 0 || strcmp(row->status, "interrupted") == 0)
                return "Failed";
        if (strcmp(row->status, "skipped") == 0)
                return "Skipped";
        if (latest == NULL)
                return "Unknown";
        if (g_strcmp0(row->after, latest) != 0)
                return "Not updated";
        return g_strcmp0(row->before, latest) == 0 ? "Updated" : "Updated now";
}

static void add_atomic(ScTable *table, GPtrArray *images, const Row *row)
{
        g_autofree char *latest = image_id(images, row->image);
        const char *const ids[] = {row->before, row->after, latest};
        sc_table_add(table, row->name);
        for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
                g_autofree char *id = g_strndup(ids[i] != NULL ? ids[i] : "<NOT FOUND>", ATOMIC_ID);
                sc_table_add(table, id);
        }
        sc_table_add(table, atomic_status(row, latest));
}

static void add_json(JsonArray *array, const Row *row, const ScRun *run)
{
        g_autoptr(JsonNode) node = NULL;
        if (run != NULL) {
                node = sc_run_to_json(run);
        } else {
                g_autoptr(JsonObject) skipped = json_object_new();
                json_object_set_null_member(skipped, "job");
                json_object_set_string_member(skipped, "subject", row->name);
                json_object_set_string_member(skipped, "result", "skipped");
                node = json_node_init_object(json_node_alloc(), skipped);
        }
        JsonObject *object = json_node_get_object(node);
        json_object_set_string_member(object, "status", row->status);
        json_object_set_string_member(object, "before", row->before);
        json_object_set_string_member(object, "after", row->after);
        json_array_add_element(array, g_steal_pointer(&node));
}

/* Calls back for each container of the summary: what was run first, then what was skipped. */
typedef void (*EachRow)(const Row *row, const ScRun *run, gpointer data);

static void for_each_row(const ScSummary *summary, const ScRun *runs, guint n_runs, GPtrArray *now, EachRow each, gpointer data)
{
        for (guint i = 0; i < n_runs; i++) {
                g_auto(Row) row = make_row(summary, now, runs[i].name, &runs[i]);
                each(&row, &runs[i], data);
        }
        for (guint i = 0; i < summary->skipped->len; i++) {
                g_auto(Row) row = make_row(summary, now, summary->skipped->pdata[i], NULL);
                each(&row, NULL, data);
        }
}

static void each_plain(const Row *row, const ScRun *run, gpointer data)
{
        add_plain(data, row);
}

static void each_json(const Row *row, const ScRun *run, gpointer data)
{
        add_json(data, row, run);
}

typedef struct {
        ScTable *table;
        GPtrArray *images;
} AtomicTable;

static void each_atomic(const Row *row, const ScRun *run, gpointer data)
{
        const AtomicTable *atomic = data;
        add_atomic(atomic->table, atomic->images, row);
}

static bool show_atomic(ScClient *client, const ScSummary *summary, const ScRun *runs, guint n_runs, GPtrArray *now, GError **error)
{
        static const ScColumn columns[] = {
                {"Container"}, {"Image ID before update"}, {"Image ID after update"}, {"Latest image ID"}, {"Status"}};
        g_autoptr(GPtrArray) images = NULL;
        if (!sc_objects_list(client, SC_OBJECT_IMAGE, &images, error))
                return false;
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        AtomicTable atomic = {table, images};
        for_each_row(summary, runs, n_runs, now, each_atomic, &atomic);
        fputs("\nSUMMARY\n\n", stdout);
        sc_client_print_table(table, false, true);
        return true;
}

bool sc_summary_show(ScClient *client, const ScRun *runs, guint n_runs, gconstpointer data, GError **error)
{
        static const ScColumn columns[] = {
                {"NAME"}, {"STATUS"}, {"IMAGE ID BEFORE"}, {"IMAGE ID AFTER"}, {"MESSAGE", SC_COLUMN_SHRINK}};
        const ScSummary *summary = *(ScSummary *const *)data;
        g_autoptr(GPtrArray) now = NULL;
        if (!sc_objects_list(client, SC_OBJECT_CONTAINER, &now, error))
                return false;
        if (client->json) {
                g_autoptr(JsonArray) array = json_array_new();
                for_each_row(summary, runs, n_runs, now, each_json, array);
                g_autoptr(JsonNode) node = json_node_init_array(json_node_alloc(), array);
                sc_client_print_json(node);
                return true;
        }
        if (client->grammar == SC_GRAMMAR_ATOMIC)
                return show_atomic(client, summary, runs, n_runs, now, error);
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        for_each_row(summary, runs, n_runs, now, each_plain, table);
        sc_client_print_table(table, false, false);
        return true;
}
