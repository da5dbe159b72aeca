/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of the system package that holds a container's host files, as far as it can be told without building it. */

#include "plan.h"

#include "base/error.h"
#include "homes.h"
#include "host-package.h"
#include "packaging.h"
#include "unit/hostfiles.h"
#include <string.h>
#include <sys/stat.h>

void sc_plan_package_clear(ScPlanPackage *new)
{
        sc_package_free(new->package);
        sc_package_facts_free(new->facts);
        g_strfreev(new->files);
}

static char **destinations(GPtrArray *files)
{
        g_autoptr(GStrvBuilder) paths = g_strv_builder_new();
        for (guint i = 0; i < files->len; i++)
                g_strv_builder_add(paths, ((const ScHostFile *)files->pdata[i])->destination);
        return g_strv_builder_end(paths);
}

bool sc_plan_package_of(ScPlan *plan, const ScRendering *rendering, GPtrArray *files, ScPlanPackage *ret, GError **error)
{
        ScPackageSystem system;
        g_autoptr(GError) local = NULL;
        if (!sc_packaging_choose(plan->context.config, rendering->input->system_package, rendering->exports,
                                 files != NULL && files->len > 0, &system, &local))
                return sc_plan_conflict(plan, &local, error);
        if (system == SC_PACKAGE_NONE)
                return true;
        /* the id is that of a deployment, which there is not yet */
        ret->facts = sc_packaging_facts(rendering, system, "", &local);
        if (ret->facts == NULL)
                return sc_plan_conflict(plan, &local, error);
        g_autofree char *file = g_strconcat(ret->facts->name, sc_package_suffix(system), NULL);
        ret->package = sc_package_new(file, NULL);
        ret->is_foreign = system == SC_PACKAGE_RPM && rendering->exports->rpm_spec != NULL;
        if (!ret->is_foreign)
                ret->files = destinations(files);
        return true;
}

static void put_file(ScPlan *plan, JsonArray *list, const char *path, const char *action, const char *package)
{
        if (!sc_plan_list_has_room(plan, "files", list))
                return;
        JsonObject *object = json_object_new();
        json_object_set_string_member(object, "path", path);
        json_object_set_string_member(object, "action", action);
        json_object_set_string_member(object, "package", package);
        json_array_add_object_element(list, object);
}

/* The package system lists folders, too, which are everybody's. */
static bool is_folder(const char *path)
{
        struct stat st;
        return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void put_files(ScPlan *plan, char *const *files, GHashTable *ours, const char *package)
{
        JsonArray *list = sc_plan_list(plan, "files");
        g_autoptr(GHashTable) come = g_hash_table_new(g_str_hash, g_str_equal);
        for (char *const *path = files; path != NULL && *path != NULL; path++) {
                g_hash_table_add(come, *path);
                put_file(plan, list, *path, g_hash_table_contains(ours, *path) ? "replaced" : "made", package);
        }
        g_autoptr(GList) there = g_list_sort(g_hash_table_get_keys(ours), (GCompareFunc)strcmp);
        for (GList *path = there; path != NULL; path = path->next)
                if (!g_hash_table_contains(come, path->data) && !is_folder(path->data))
                        put_file(plan, list, path->data, "removed", package);
}

static void put_object(ScPlan *plan, const ScPackage *package, const ScPlanPackage *new, const char *installed)
{
        JsonObject *object = json_object_new();
        json_object_set_object_member(plan->out, "package", object);
        json_object_set_string_member(object, "system", package->system == SC_PACKAGE_DEB ? "deb" : "rpm");
        json_object_set_string_member(object, "name", package->name);
        json_object_set_string_member(object, "action", new == NULL ? "removed" : installed == NULL ? "installed" : "replaced");
        if (installed != NULL)
                json_object_set_string_member(object, "replaces", installed);
        if (new != NULL &&new->facts != NULL && !new->is_foreign) {
                g_autofree char *version = g_strconcat(new->facts->version, new->facts->release[0] != '\0' ? "-" : "",
                                                       new->facts->release, NULL);
                json_object_set_string_member(object, "version", version);
        }
}

static bool put_coming(ScPlan *plan, const ScPackage *old, const ScPlanPackage *new, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autoptr(GHashTable) ours = NULL;
        g_autofree char *installed = NULL;
        if ((!sc_homes_spare_paths(plan->context.config, new->files, &local) ||
             !sc_host_package_look(old, new->package, NULL, new->files, &ours, &local)) &&
            !sc_plan_conflict(plan, &local, error))
                return false;
        if (new->facts != NULL && !sc_package_check_facts(new->facts, &local) && !sc_plan_conflict(plan, &local, error))
                return false;
        if (!sc_package_installed_version(new->package, &installed, error))
                return false;
        put_object(plan, new->package, new, installed);
        if (new->is_foreign)
                sc_plan_note(plan, "notes",
                             "Files and version of the package are said by the image's own rpm.spec, once it is built");
        else if (ours != NULL)
                put_files(plan, new->files, ours, new->package->name);
        return true;
}

static bool put_going(ScPlan *plan, const ScPackage *old, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autoptr(GHashTable) ours = NULL;
        g_autofree char *installed = NULL;
        if (!sc_package_system_is_here(old->system)) {
                g_autofree char *note = g_strdup_printf("Cannot remove the package %s: its package system is not on this host",
                                                        old->name);
                sc_plan_note(plan, "notes", note);
                return true;
        }
        if (!sc_package_check_removal(old, &local) && !sc_plan_conflict(plan, &local, error))
                return false;
        if (!sc_package_installed_files(old, &ours, error) || !sc_package_installed_version(old, &installed, error))
                return false;
        if (installed == NULL)
                return true;
        put_object(plan, old, NULL, installed);
        put_files(plan, NULL, ours, old->name);
        return true;
}

bool sc_plan_package(ScPlan *plan, const ScPackage *old, const ScPlanPackage *new, GError **error)
{
        bool comes = new != NULL &&new->package != NULL;
        if (old == NULL && !comes)
                return true;
        bool same = comes && old != NULL && old->system == new->package->system &&strcmp(old->name, new->package->name) == 0;
        sc_plan_note(plan, "notes", "What was changed of a package's files in /etc stays, as the package system has it");
        return (old == NULL || same || put_going(plan, old, error)) && (!comes || put_coming(plan, old, new, error));
}
