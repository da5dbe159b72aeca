/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "base/reference.h"
#include "image-name.h"
#include "info.h"
#include "options.h"
#include "run.h"
#include "value.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

#define SHORT_ID 12
/* How much of an id atomic showed in its summary. */
#define SUMMARY_ID 32

static guint count_names(JsonObject *image)
{
        JsonNode *node = json_object_get_member(image, "Names");
        return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_array_get_length(json_node_get_array(node)) : 0;
}

static const char *name_at(JsonObject *image, guint i)
{
        const char *name = json_array_get_string_element(json_object_get_array_member(image, "Names"), i);
        return name != NULL ? name : "";
}

/* Names to ids of all images. */
static bool list_ids(ScClient *client, GHashTable **ret, GError **error)
{
        g_autoptr(GPtrArray) images = NULL;
        if (!sc_objects_list(client, SC_OBJECT_IMAGE, &images, error))
                return false;
        g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        for (guint i = 0; i < images->len; i++) {
                JsonObject *image = ((ScObject *)images->pdata[i])->properties;
                for (guint k = 0; k < count_names(image); k++)
                        g_hash_table_insert(ids, g_strdup(name_at(image, k)), g_strdup(sc_value_string(image, "Id")));
        }
        *ret = g_steal_pointer(&ids);
        return true;
}

/* The names that have a registry to ask, sorted; of the others a line is printed. */
static char **qualified_names(ScClient *client, GHashTable *ids)
{
        g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(ids), (GCompareFunc)strcmp);
        g_autoptr(GStrvBuilder) qualified = g_strv_builder_new();
        for (GList *item = names; item != NULL; item = item->next) {
                g_autoptr(ScReference) reference = sc_reference_parse(item->data, NULL);
                if (reference != NULL && reference->host != NULL) {
                        g_strv_builder_add(qualified, item->data);
                        continue;
                }
                g_autoptr(GError) line = NULL;
                sc_exit_throw(&line, SC_EXIT_OK, "Image %s not fully qualified: skipping", (const char *)item->data);
                sc_client_report(client, line);
        }
        return g_strv_builder_end(qualified);
}

/* A verb of sysconsctl, with one option or none. */
static bool call(ScClient *client, bool (*verb)(ScClient *, int, char **, GError **), const char *words, const char *option,
                 char *const *arguments, GError **error)
{
        g_autoptr(GPtrArray) line = g_ptr_array_new();
        g_ptr_array_add(line, (char *)words);
        if (option != NULL)
                g_ptr_array_add(line, (char *)option);
        g_ptr_array_add(line, (char *)"--");
        for (; *arguments != NULL; arguments++)
                g_ptr_array_add(line, *arguments);
        int argc = (int)line->len;
        g_ptr_array_add(line, NULL);
        return verb(client, argc, (char **)line->pdata, error);
}

/* --all, or one name. */
static bool parse_all(ScClient *client, int argc, char **argv, gboolean *ret_all, char ***ret_arguments, GError **error)
{
        const GOptionEntry entries[] = {{"all", 0, 0, G_OPTION_ARG_NONE, ret_all, NULL, NULL}, G_OPTION_ENTRY_NULL};
        const ScSyntax syntax = {.name = argv[0], .synopsis = "", .summary = "", .entries = entries, .max = SC_ARGUMENTS_ANY};
        return sc_options_parse(client, &syntax, argc, argv, ret_arguments, error) == SC_PARSED;
}

/* ---- tag */

/* A name that means another image goes over to this one, as it always did. */
bool sc_atomic_images_tag(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean all;
        char **arguments;
        return parse_all(client, argc, argv, &all, &arguments, error) &&
               call(client, sc_verb_tag, argv[0], "--replace", arguments, error);
}

/* ---- verify */

bool sc_atomic_images_verify(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean all = FALSE;
        char **arguments;
        if (!parse_all(client, argc, argv, &all, &arguments, error))
                return false;
        if (all && arguments[0] != NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Incompatible options specified.  --all doesn't support an image name");
        if (!all && arguments[0] == NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Please specify the image name");
        if (!all)
                return call(client, sc_verb_verify, argv[0], "--newer", arguments, error);
        g_autoptr(GHashTable) ids = NULL;
        if (!list_ids(client, &ids, error))
                return false;
        g_auto(GStrv) names = qualified_names(client, ids);
        return names[0] == NULL || call(client, sc_verb_verify, argv[0], "--newer", names, error);
}

/* ---- update */

typedef struct {
        GHashTable *before; /* names to ids */
} Update;

static bool make_update_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        g_autofree char *line = g_strdup_printf("Checking image %s...", name);
        sc_client_message(client, line);
        return sc_pull_call(client, name, NULL, ret, error);
}

static bool summarize_update(ScClient *client, const ScRun *runs, guint n_runs, gconstpointer data, GError **error)
{
        static const ScColumn columns[] = {{"Image"}, {"Image ID before update"}, {"Image ID after update"}, {"Status"}};
        const Update *update = data;
        g_autoptr(GHashTable) now = NULL;
        if (!list_ids(client, &now, error))
                return false;
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < n_runs; i++) {
                /* What was pulled, without its source. */
                const char *name = runs[i].name + (g_str_has_prefix(runs[i].name, "http:") ? strlen("http:") : 0);
                const char *before = g_hash_table_lookup(update->before, name), *after = g_hash_table_lookup(now, name);
                const char *const ids[] = {before, after};
                sc_table_add(table, name);
                for (gsize k = 0; k < G_N_ELEMENTS(ids); k++) {
                        g_autofree char *id = g_strndup(ids[k] != NULL ? ids[k] : "<NOT FOUND>", SUMMARY_ID);
                        sc_table_add(table, id);
                }
                sc_table_add(table, runs[i].error != NULL           ? "Could not pull"
                                    : g_strcmp0(before, after) != 0 ? "Updated now"
                                                                    : "Updated");
        }
        fputs("\nSUMMARY\n\n", stdout);
        sc_client_print_table(table, false, true);
        return true;
}

bool sc_atomic_images_update(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean all = FALSE;
        char **arguments;
        if (!parse_all(client, argc, argv, &all, &arguments, error))
                return false;
        if (all && arguments[0] != NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot specify both --all and an image name");
        if (!all && arguments[0] == NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Too few arguments.  Please specify the image");
        g_autoptr(GHashTable) before = NULL;
        if (!list_ids(client, &before, error))
                return false;
        g_autoptr(GPtrArray) sources = NULL;
        g_autoptr(GError) local = NULL;
        if (!sc_images_to_pull(client, all ? NULL : arguments, &sources, &local)) {
                if (!all && sc_exit_code(local) == SC_EXIT_NOT_FOUND)
                        return sc_exit_throw(error, SC_EXIT_NOT_FOUND, "%s not found locally.  Unable to update", arguments[0]);
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        if (!all && sources->pdata[0] == NULL)
                return true;
        const Update update = {before};
        const ScTask task = {
                .make_call = all ? make_update_call : sc_pull_call,
                .data = &update,
                .actions = SC_PULL_ACTIONS,
                .summarize = summarize_update,
        };
        return sc_run_each(client, &task, (char *const *)sources->pdata, all, error);
}

/* ---- version */

bool sc_atomic_images_version(ScClient *client, int argc, char **argv, GError **error)
{
        static const ScColumn columns[] = {{"IMAGE NAME"}, {"VERSION"}, {"IMAGE ID"}};
        gboolean all;
        char **arguments;
        g_auto(ScDescription) description = {NULL};
        if (!parse_all(client, argc, argv, &all, &arguments, error) || !sc_describe(client, arguments[0], &description, error))
                return false;
        JsonObject *image = description.image->properties;
        g_autofree char *version = sc_image_version(description.image);
        g_autofree char *id = g_strndup(sc_value_string(image, "Id"), SHORT_ID);
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < count_names(image); i++) {
                g_autofree char *name = g_strdup_printf("%s%s", i > 0 ? "  Tag: " : "", name_at(image, i));
                sc_table_add(table, name);
                sc_table_add(table, i > 0 ? "" : version);
                sc_table_add(table, i > 0 ? "" : id);
        }
        sc_client_print_table(table, false, true);
        return true;
}
