/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "bus.h"
#include "options.h"
#include "value.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

#define SHORT_ID 12

typedef struct {
        const char *what; /* "images" */
        ScObjectKind kind;
        const ScColumn *columns;
        gsize n_columns;
        void (*add_row)(ScTable *table, JsonObject *properties, const char *given);
        /* The name by which the verb is told of an object that --all found; NULL: it is left out. */
        const char *(*name)(JsonObject *properties);
        bool (*verb)(ScClient *client, int argc, char **argv, GError **error);
} Deletion;

/* ['one', 'two'], as atomic wrote them. */
static char *list_names(char *const *names)
{
        GString *list = g_string_new("[");
        for (; *names != NULL; names++)
                g_string_append_printf(list, "%s'%s'", list->len > 1 ? ", " : "", *names);
        g_string_append_c(list, ']');
        return g_string_free(list, FALSE);
}

static bool confirm(const Deletion *deletion, char *const *names, bool all, GError **error)
{
        fputs("\nConfirm (y/N) ", stdout);
        fflush(stdout);
        char answer[16] = "";
        if (fgets(answer, sizeof(answer), stdin) == NULL)
                answer[0] = '\0';
        g_strstrip(answer);
        if (g_ascii_strcasecmp(answer, "y") == 0 || g_ascii_strcasecmp(answer, "yes") == 0)
                return true;
        g_autofree char *list = all ? g_strdup_printf("all %s", deletion->what) : list_names(names);
        return sc_exit_throw(error, SC_EXIT_USAGE, "User aborted delete operation for %s", list);
}

/* Finds each, so that nothing is deleted where one of the names is wrong. */
static bool find_named(ScClient *client, const Deletion *deletion, char *const *names, ScTable *table, GError **error)
{
        for (; *names != NULL; names++) {
                g_autofree char *path = NULL;
                g_autoptr(ScObject) object = NULL;
                if (!sc_object_find(client, deletion->kind, *names, &path, error) ||
                    !sc_object_get(client, deletion->kind, path, &object, error))
                        return false;
                deletion->add_row(table, object->properties, *names);
        }
        return true;
}

static bool find_all(ScClient *client, const Deletion *deletion, ScTable *table, char ***ret_names, GError **error)
{
        g_autoptr(GPtrArray) objects = NULL;
        if (!sc_objects_list(client, deletion->kind, &objects, error))
                return false;
        g_autoptr(GStrvBuilder) names = g_strv_builder_new();
        for (guint i = 0; i < objects->len; i++) {
                JsonObject *properties = ((ScObject *)objects->pdata[i])->properties;
                const char *name = deletion->name(properties);
                if (name == NULL)
                        continue;
                g_strv_builder_add(names, name);
                deletion->add_row(table, properties, name);
        }
        *ret_names = g_strv_builder_end(names);
        return true;
}

static bool call_verb(ScClient *client, const Deletion *deletion, const char *words, char *const *names, bool force, GError **error)
{
        g_autoptr(GPtrArray) line = g_ptr_array_new();
        g_ptr_array_add(line, (char *)words);
        if (force)
                g_ptr_array_add(line, (char *)"--force");
        g_ptr_array_add(line, (char *)"--");
        for (; *names != NULL; names++)
                g_ptr_array_add(line, *names);
        int argc = (int)line->len;
        g_ptr_array_add(line, NULL);
        return deletion->verb(client, argc, (char **)line->pdata, error);
}

static bool delete_each(ScClient *client, const Deletion *deletion, int argc, char **argv, GError **error)
{
        gboolean all = FALSE, force = FALSE;
        const GOptionEntry entries[] = {
                {"all", 0, 0, G_OPTION_ARG_NONE, &all, NULL, NULL},
                {"force", 0, 0, G_OPTION_ARG_NONE, &force, NULL, NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {argv[0], "", "", NULL, entries, 0, SC_ARGUMENTS_ANY};
        char **given;
        if (sc_options_parse(client, &syntax, argc, argv, &given, error) != SC_PARSED)
                return false;
        if (all == (given[0] != NULL))
                return sc_exit_throw(error, SC_EXIT_FAILED, "You must select --all or provide a list of %s to delete.",
                                     deletion->what);

        g_autoptr(ScTable) table = sc_table_new(deletion->columns, deletion->n_columns);
        g_auto(GStrv) found = NULL;
        if (!(all ? find_all(client, deletion, table, &found, error) : find_named(client, deletion, given, table, error)))
                return false;
        char *const *names = all ? found : given;
        g_assert(names != NULL);
        if (names[0] == NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED, "No %s to delete.", deletion->what);
        printf(client->assume_yes ? "The following %s will be deleted.\n\n" : "Do you wish to delete the following %s?\n\n",
               deletion->what);
        sc_client_print_table(table, false, true);
        return (client->assume_yes || confirm(deletion, names, all, error)) &&
               call_verb(client, deletion, argv[0], names, force && deletion->kind == SC_OBJECT_IMAGE, error);
}

static void add_container(ScTable *table, JsonObject *properties, const char *given)
{
        sc_table_add(table, " ");
        sc_table_add(table, sc_value_string(properties, "Name"));
        sc_table_add(table, sc_value_string(properties, "Name"));
        sc_table_add(table, sc_value_string(properties, "Image"));
        sc_table_add(table, "ostree");
}

static const char *container_name(JsonObject *properties)
{
        return sc_value_bool(properties, "Preinstalled") ? NULL : sc_value_string(properties, "Name");
}

bool sc_atomic_containers_delete(ScClient *client, int argc, char **argv, GError **error)
{
        static const ScColumn columns[] = {{" "}, {"ID"}, {"NAME"}, {"IMAGE_NAME"}, {"STORAGE"}};
        const Deletion deletion = {
                "containers", SC_OBJECT_CONTAINER, columns, G_N_ELEMENTS(columns), add_container, container_name, sc_verb_uninstall,
        };
        return delete_each(client, &deletion, argc, argv, error);
}

static const char *image_id(JsonObject *properties)
{
        return sc_value_string(properties, "Id");
}

/* An image that was given by its id goes with all its names. */
static void add_image(ScTable *table, JsonObject *properties, const char *given)
{
        const char *id = image_id(properties);
        JsonNode *node = json_object_get_member(properties, "Names");
        g_autoptr(GString) names = g_string_new(NULL);
        if (g_str_has_prefix(id, given) && node != NULL && JSON_NODE_HOLDS_ARRAY(node))
                for (guint i = 0; i < json_array_get_length(json_node_get_array(node)); i++)
                        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
                                               json_array_get_string_element(json_node_get_array(node), i));
        g_autofree char *short_id = g_strndup(id, SHORT_ID);
        sc_table_add(table, " ");
        sc_table_add(table, !g_str_has_prefix(id, given) ? given : names->len > 0 ? names->str : short_id);
        sc_table_add(table, "ostree");
}

bool sc_atomic_images_delete(ScClient *client, int argc, char **argv, GError **error)
{
        static const ScColumn columns[] = {{" "}, {"IMAGE"}, {"STORAGE"}};
        const Deletion deletion = {
                "images", SC_OBJECT_IMAGE, columns, G_N_ELEMENTS(columns), add_image, image_id, sc_verb_delete_image,
        };
        return delete_each(client, &deletion, argc, argv, error);
}
