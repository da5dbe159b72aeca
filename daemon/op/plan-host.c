/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include "base/error.h"
#include "base/path.h"
#include "homes.h"
#include "store/tree-file.h"
#include "unit/hostfiles.h"
#include <string.h>

enum { MAX_FILE = 1024 * 1024 };

/* ---- the image's host files, from the repository ---- */

#define HOSTFS "exports/hostfs"

static char **list_tree(gpointer data, const char *folder, GError **error G_GNUC_UNUSED)
{
        g_autofree char *path = g_strconcat(HOSTFS, folder, NULL);
        return sc_tree_list(data, path);
}

static bool look_in_tree(gpointer data, const char *file, struct stat *ret, char **ret_link, GError **error)
{
        g_autofree char *path = g_strconcat(HOSTFS, file, NULL);
        return sc_tree_look(data, path, ret, ret_link, error);
}

static int open_in_tree(gpointer data, const char *file, GError **error)
{
        g_autofree char *path = g_strconcat(HOSTFS, file, NULL);
        return sc_tree_open(data, path, error);
}

GPtrArray *sc_plan_host_files(const ScTree *tree, const ScExports *exports, const ScVariables *variables, GError **error)
{
        static const ScHostSource source = {list_tree, look_in_tree, open_in_tree};
        return sc_host_files_plan_from(&source, (gpointer)tree, exports, variables, error);
}

/* ---- what becomes of the host ---- */

static bool spares_homes(const ScPlan *plan, const ScPlanSide *side, GError **error)
{
        const ScConfig *config = plan->context.config;
        return sc_homes_spare_files(config, side->files, error) && sc_homes_spare_tmpfiles(config, side->tmpfiles, error);
}

static bool put_files(ScPlan *plan, GPtrArray *old, GPtrArray *new, GError **error)
{
        g_autoptr(GError) local = NULL;
        sc_autofd root = sc_open_dir("/", error);
        if (root < 0)
                return false;
        g_autoptr(GPtrArray) files = sc_host_files_preview(root, new, old, &local);
        if (files == NULL)
                return sc_plan_conflict(plan, &local, error);
        JsonArray *list = sc_plan_list(plan, "files");
        for (guint i = 0; i < files->len; i++) {
                const ScHostFilePreview *file = files->pdata[i];
                if (!sc_plan_list_has_room(plan, "files", list))
                        continue;
                JsonObject *object = json_object_new();
                json_object_set_string_member(object, "path", file->path);
                json_object_set_string_member(object, "action", sc_host_file_action_to_string(file->action));
                if (file->why != NULL)
                        json_object_set_string_member(object, "why", file->why);
                json_array_add_object_element(list, object);
        }
        return true;
}

static void put_text(JsonObject *object, const char *key, const char *text)
{
        if (text == NULL) {
                json_object_set_null_member(object, key);
                return;
        }
        g_autofree char *cut = strlen(text) > SC_PLAN_MAX_TEXT ? g_strndup(text, SC_PLAN_MAX_TEXT) : NULL;
        g_autofree char *valid = g_utf8_make_valid(cut != NULL ? cut : text, -1);
        json_object_set_string_member(object, key, valid);
        if (cut != NULL)
                json_object_set_boolean_member(object, "cut", true);
}

/* Next to what lies on the host now, which somebody may have edited: the operation writes its own over it. */
static bool put_generated(ScPlan *plan, const char *part, const char *folder, const char *name, const char *new, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *old = NULL;
        sc_autofd dir = sc_open_dir(folder, &local);
        if ((dir < 0 || !sc_read_file(dir, name, MAX_FILE, &old, NULL, &local)) &&
            !g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        if (old == NULL && new == NULL)
                return true;
        JsonObject *object = json_object_new();
        json_object_set_object_member(plan->out, part, object);
        json_object_set_string_member(object, "path", path);
        json_object_set_string_member(object, "action",
                                      old == NULL             ? "made"
                                      : new == NULL           ? "removed"
                                      : g_str_equal(old, new) ? "unchanged"
                                                              : "replaced");
        if (g_strcmp0(old, new) == 0)
                return true;
        put_text(object, "old", old);
        put_text(object, "new", new);
        return true;
}

bool sc_plan_host(ScPlan *plan, const char *container, const ScPlanSide *old, const ScPlanSide *new, GError **error)
{
        const ScScope *scope = plan->context.config->scope;
        g_autofree char *unit = g_strconcat(container, ".service", NULL);
        g_autofree char *tmpfiles = g_strconcat(container, ".conf", NULL);
        g_autoptr(GError) local = NULL;
        bool sees_files = spares_homes(plan, old, &local) && spares_homes(plan, new, &local);
        if (!sees_files)
                sc_plan_note(plan, "unknown", "files");
        return sc_plan_conflict(plan, &local, error) && (!sees_files || put_files(plan, old->files, new->files, error)) &&
               put_generated(plan, "unit", scope->unit_dir, unit, new->unit, error) &&
               put_generated(plan, "tmpfiles", scope->tmpfiles_dir, tmpfiles, new->tmpfiles, error);
}

/* ---- values ---- */

static const char *origin(const ScPlanSide *side, const char *name)
{
        if (sc_variable_is_fixed(name))
                return "system";
        if (side->set != NULL && g_hash_table_contains(side->set, name))
                return "set";
        /* the one system value that an image's default beats */
        if (strcmp(name, "UUID") == 0 && side->defaults != NULL && g_hash_table_contains(side->defaults, name))
                return "default";
        if (sc_variable_is_system(name))
                return "system";
        return side->set != NULL ? "default" : "unknown";
}

static void put_value(JsonObject *object, const ScPlan *plan, const ScPlanSide *side, const char *name, const char *key,
                      const char *origin_key)
{
        const char *value = side->values != NULL ? g_hash_table_lookup(side->values, name) : NULL;
        if (value == NULL)
                return;
        json_object_set_string_member(object, origin_key, origin(side, name));
        g_autofree char *valid = g_utf8_make_valid(value, -1);
        if (plan->with_values)
                json_object_set_string_member(object, key, valid);
}

static void add_names(GHashTable *values, GHashTable *names)
{
        GHashTableIter iter;
        gpointer name;
        if (values == NULL)
                return;
        g_hash_table_iter_init(&iter, values);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                g_hash_table_add(names, name);
}

void sc_plan_values(ScPlan *plan, const ScPlanSide *old, const ScPlanSide *new)
{
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
        add_names(old->values, names);
        add_names(new->values, names);
        g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_keys(names), (GCompareFunc)strcmp);
        JsonArray *list = sc_plan_list(plan, "values");
        for (GList *item = sorted; item != NULL; item = item->next) {
                const char *name = item->data;
                if (!sc_plan_list_has_room(plan, "values", list))
                        continue;
                const char *before = old->values != NULL ? g_hash_table_lookup(old->values, name) : NULL;
                const char *after = new->values != NULL ? g_hash_table_lookup(new->values, name) : NULL;
                JsonObject *object = json_object_new();
                json_object_set_string_member(object, "name", name);
                json_object_set_boolean_member(object, "changed", g_strcmp0(before, after) != 0);
                put_value(object, plan, old, name, "old", "old_from");
                put_value(object, plan, new, name, "new", "new_from");
                json_array_add_object_element(list, object);
        }
}
