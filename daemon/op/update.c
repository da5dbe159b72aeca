/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/path.h"
#include "base/reference.h"
#include "build.h"
#include "change.h"
#include "options.h"
#include "pin.h"
#include "side.h"
#include "store/deployment.h"
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

/* What the user set, apart from defaults: recorded by sysconsd; guessed for a container of the atomic command, where everything
 * that differs from the default of the image it was made of, or of the system, must have been set. */
static GHashTable *values_set_before(ScOpContext *context, int checkout_fd, const ScDeployment *deployment, GError **error)
{
        if (deployment->info->set_values != NULL)
                return sc_string_map_copy(deployment->info->set_values);
        g_autofree char *folder = sc_slot_name(deployment->name, deployment->slot);
        g_autoptr(ScSide) side = sc_side_open(context->config, checkout_fd, deployment->name, folder, error);
        ScVariablesInput input = {.name = deployment->name,
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
                if (was_set(key, value, side, system))
                        g_hash_table_insert(set, g_strdup(key), g_strdup(value));
        return set;
}

static GHashTable *values_to_set(ScOpContext *context, int checkout_fd, const ScDeployment *deployment, GError **error)
{
        g_autoptr(GHashTable) given = NULL;
        g_auto(GStrv) unset = NULL;
        if (!sc_option_values(context, "values", &given, error) || !sc_option_strv(context, "unset-values", &unset, error))
                return NULL;
        g_autoptr(GHashTable) set = values_set_before(context, checkout_fd, deployment, error);
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

static bool same_values(GHashTable *a, GHashTable *b)
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

static ScDeployment *find_updatable(ScOpContext *context, GError **error)
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

static bool carry_out(ScOpContext *context, ScRepository *repository, const ScImage *image, const char *image_name, GHashTable *set,
                      const ScDeployment *deployment, ScChange *change, GError **error)
{
        const ScInfo *old = deployment->info;
        g_autofree char *live = sc_slot_name(deployment->name, deployment->slot);
        g_autofree char *old_tmpfiles = sc_side_read_tmpfiles(change->checkout_fd, deployment->name, live);
        ScBuildInput input = {
                .container = deployment->name,
                .slot = 1 - deployment->slot,
                .image_name = image_name,
                .image = image,
                .set = set,
                .uuid = g_hash_table_lookup(old->values, "UUID"),
                .runtime = old->runtime != NULL ? old->runtime : context->config->runtime,
                .remote = old->remote,
                .old = old,
                .old_tmpfiles = old_tmpfiles,
        };
        g_autoptr(ScIntent) intent = sc_intent_new(deployment->name, "update");
        g_auto(ScBuilt) built = {0};
        if (!sc_pin_check(context->config, deployment->name, input.slot, error) ||
            !sc_option_uint(context, "health-timeout", context->config->settling_time, &intent->settling_time, error) ||
            !sc_build(context, repository, change->checkout_fd, &input, &built, error))
                return false;
        intent->old.slot = deployment->slot;
        intent->old.id = g_strdup(old->deployment_id);
        intent->new.slot = input.slot;
        intent->new.id = g_strdup(built.info->deployment_id);
        intent->new.hidden = g_strdup(built.hidden);
        if (!sc_change_observe(change, intent, error)) {
                sc_remove_tree(change->checkout_fd, built.hidden, NULL);
                return false;
        }
        change->intent = g_steal_pointer(&intent);
        return sc_change_carry_out(change, error);
}

bool sc_op_update(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = sc_change_begin(context, context->subject, SC_BEGIN_CHANGE, error);
        if (change == NULL)
                return false;
        g_autoptr(ScDeployment) deployment = find_updatable(context, error);
        const char *rebase;
        if (deployment == NULL || !sc_option_string(context, "image", &rebase, error))
                return false;
        const char *name = rebase != NULL ? rebase : deployment->info->image;
        if (name == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "The info file of %s does not say of which image it was made: name one",
                                deployment->name);
        g_autoptr(ScReference) reference = sc_reference_parse(name, error);
        if (reference == NULL)
                return false;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, error);
        g_autoptr(ScImage) image = repository != NULL ? sc_image_find(repository, reference->name, error) : NULL;
        g_autoptr(GHashTable) set = image != NULL ? values_to_set(context, change->checkout_fd, deployment, error) : NULL;
        g_autoptr(GHashTable) set_before = set != NULL ? values_set_before(context, change->checkout_fd, deployment, error) : NULL;
        if (set_before == NULL)
                return false;

        sc_detail(context, "container", deployment->name);
        sc_detail(context, "image", reference->name);
        sc_detail(context, "image-id", image->id);
        bool same = g_strcmp0(image->id, deployment->info->revision) == 0 && same_values(set, set_before) &&
                    (rebase == NULL || g_strcmp0(reference->name, deployment->info->image) == 0);
        sc_detail(context, "changed", same ? "no" : "yes");
        if (same) {
                sc_report_message(context->report, "Latest version already installed.");
                return true;
        }
        return carry_out(context, repository, image, reference->name, set, deployment, change, error);
}
