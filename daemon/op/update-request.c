/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "update-request.h"

#include "base/error.h"
#include "options.h"
#include "side.h"
#include <string.h>

/* Where somebody moved these to, the container's data lie; what the system says of the others is made anew. */
static bool is_place(const char *name)
{
        static const char *const places[] = {"RUN_DIRECTORY", "STATE_DIRECTORY", "CONF_DIRECTORY", "PIDFILE", NULL};
        return g_strv_contains(places, name);
}

static bool was_set(const char *name, const char *value, const ScSide *side, const ScVariables *system)
{
        if (is_place(name))
                return g_strcmp0(sc_variables_get(system, name), value) != 0;
        return !sc_variable_is_system(name) && g_strcmp0(g_hash_table_lookup(side->exports->defaults, name), value) != 0;
}

/* An update by the atomic command carried all values over, defaults of the image before, too: what had that default then, and has
 * the same value still, nobody set. */
static bool was_carried(const char *name, const char *value, const ScSide *previous)
{
        return previous != NULL && previous->info->set_values == NULL &&
               g_strcmp0(g_hash_table_lookup(previous->exports->defaults, name), value) == 0 &&
               g_strcmp0(g_hash_table_lookup(previous->info->values, name), value) == 0;
}

/* What the user set, apart from defaults: recorded by sysconsd; guessed for a container of the atomic command, where everything
 * that differs from the default of the image it was made of, or of the system, must have been set. */
GHashTable *sc_update_values_before(ScOpContext *context, int checkout_fd, const ScDeployment *deployment, GError **error)
{
        if (deployment->info->set_values != NULL)
                return sc_string_map_copy(deployment->info->set_values);
        g_autofree char *folder = sc_slot_name(deployment->name, deployment->slot),
                        *other = sc_slot_name(deployment->name, 1 - deployment->slot);
        g_autoptr(ScSide) previous = sc_side_open(context->config, checkout_fd, deployment->name, other, NULL);
        g_autoptr(ScSide) side = sc_side_open(context->config, checkout_fd, deployment->name, folder, error);
        ScVariablesInput input = {.scope = context->config->scope,
                                  .name = deployment->name,
                                  .destdir = deployment->path,
                                  .image_name = "",
                                  .image_id = "",
                                  .runtime = context->config->runtime,
                                  .exec_helper = "",
                                  .client = ""};
        g_autoptr(ScVariables) system = side != NULL ? sc_variables_new(&input, error) : NULL;
        if (system == NULL)
                return NULL;
        GHashTable *set = sc_string_map_new();
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, deployment->info->values);
        while (g_hash_table_iter_next(&iter, &key, &value))
                if (was_set(key, value, side, system) && !was_carried(key, value, previous))
                        g_hash_table_insert(set, g_strdup(key), g_strdup(value));
        return set;
}

GHashTable *sc_update_values(ScOpContext *context, int checkout_fd, const ScDeployment *deployment, GError **error)
{
        g_autoptr(GHashTable) given = NULL;
        g_auto(GStrv) unset = NULL;
        if (!sc_option_values(context, "values", &given, error) || !sc_option_strv(context, "unset-values", &unset, error))
                return NULL;
        g_autoptr(GHashTable) set = sc_update_values_before(context, checkout_fd, deployment, error);
        if (set == NULL)
                return NULL;
        for (char **key = unset; key != NULL && *key != NULL; key++)
                if (!g_hash_table_remove(set, *key)) {
                        sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The value %s of %s was not set: there is nothing to take back",
                                 *key, deployment->name);
                        return NULL;
                }
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, given);
        while (g_hash_table_iter_next(&iter, &key, &value))
                g_hash_table_replace(set, g_strdup(key), g_strdup(value));
        return g_steal_pointer(&set);
}

bool sc_update_values_are_same(GHashTable *a, GHashTable *b)
{
        if (g_hash_table_size(a) != g_hash_table_size(b))
                return false;
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, a);
        while (g_hash_table_iter_next(&iter, &key, &value))
                if (g_strcmp0(g_hash_table_lookup(b, key), value) != 0)
                        return false;
        return true;
}

ScDeployment *sc_update_find(ScOpContext *context, GError **error)
{
        g_autoptr(ScDeployment) deployment = sc_deployment_find(context->config, context->subject, error);
        if (deployment == NULL)
                return NULL;
        if (deployment->preinstalled) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "Cannot update a preinstalled container");
                return NULL;
        }
        if (deployment->info == NULL) {
                sc_throw(error, SC_ERROR_CORRUPT, "The container %s is broken: %s", deployment->name, deployment->broken);
                return NULL;
        }
        return g_steal_pointer(&deployment);
}

/* What came as a package goes on as one; old files of the atomic command tell it by the package alone. */
const char *sc_update_package_wish(const ScInfo *info)
{
        const char *word = info->system_package;
        bool is_package = word != NULL ? strcmp(word, "yes") == 0 : info->rpm_installed != NULL;
        return is_package ? "yes" : "no";
}
