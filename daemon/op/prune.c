/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/lock.h"
#include "base/path.h"
#include "damage.h"
#include "mounts.h"
#include "options.h"
#include "prune-list.h"
#include "rootfs.h"
#include "store/deployment.h"
#include "store/staging.h"

/* ---- layers ---- */

static bool prune_layers(ScOpContext *context, GError **error)
{
        g_autoptr(GError) missing = NULL;
        g_autoptr(ScRepository) repository = sc_repository_open(context->config, SC_REPOSITORY_READ, &missing);
        if (repository == NULL) {
                if (g_error_matches(missing, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return true;
                g_propagate_error(error, g_steal_pointer(&missing));
                return false;
        }
        sc_report_phase(context->report, "Waiting for pulls and installs to end", 0);
        sc_autofd lock = sc_repository_lock(repository, true, context->cancellable, error);
        g_autoptr(GPtrArray) refs = lock >= 0 && sc_staging_sweep(repository, error) ? sc_prune_refs(repository, error) : NULL;
        if (refs == NULL)
                return false;
        for (guint i = 0; i < refs->len; i++) {
                sc_report_message(context->report, "Deleting %s", (char *)refs->pdata[i]);
                if (!sc_failpoint("prune-ref", error) || !sc_repository_drop_ref(repository, refs->pdata[i], error))
                        return false;
        }
        if (!sc_failpoint("prune-objects", error))
                return false;
        g_autoptr(ScDamage) damage = sc_damage_new(repository, NULL, error); /* this removes what is out of use of it */
        if (damage == NULL)
                return false;
        guint pruned;
        guint64 bytes;
        sc_report_phase(context->report, "Removing unused files", 0);
        if (!sc_repository_prune(repository, &pruned, &bytes, context->cancellable, error))
                return false;
        g_autofree char *objects = g_strdup_printf("%u", pruned);
        g_autofree char *freed = g_strdup_printf("%" G_GUINT64_FORMAT, bytes);
        sc_detail(context, "objects-removed", objects);
        sc_detail(context, "bytes-freed", freed);
        return true;
}

/* ---- leftovers of deployments ---- */

static bool prune_slot(ScOpContext *context, ScSystemd *systemd, int checkout_fd, const char *folder, GError **error)
{
        g_autofree char *container = sc_prune_slot_owner(folder);
        g_autofree char *lock_name = g_build_filename(SC_LOCK_DIR, container, NULL);
        if (sc_lstat(checkout_fd, container, NULL, NULL) != 0)
                return true;
        sc_autofd lock = sc_lock_try(checkout_fd, lock_name, SC_LOCK_EXCLUSIVE, NULL);
        bool goes = false;
        if (lock < 0)
                return true;
        if (!sc_prune_slot_goes(context, systemd, checkout_fd, folder, &goes, error))
                return false;
        if (!goes)
                return true;
        sc_report_message(context->report, "Deleting %s", folder);
        g_autofree char *suffix = sc_random_name(6);
        g_autofree char *hidden = g_strdup_printf(".%s.%s", folder, suffix);
        return sc_rename_new(checkout_fd, folder, hidden, error) && sc_slot_sweep(checkout_fd, container, error);
}

static bool prune_deployments(ScOpContext *context, GError **error)
{
        g_autoptr(GError) none = NULL;
        sc_autofd checkout = sc_checkout_open_to_lock(context->config, &none);
        if (g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        if (checkout < 0) {
                g_propagate_error(error, g_steal_pointer(&none));
                return false;
        }
        g_autoptr(ScSystemd) systemd = sc_systemd_open(context->config->scope, error);
        g_autoptr(GPtrArray) slots = systemd != NULL ? sc_prune_slots(checkout, error) : NULL;
        if (slots == NULL)
                return false;
        if (!sc_mounts_sweep(context, checkout, error))
                return false;
        for (guint i = 0; i < slots->len; i++)
                if (!prune_slot(context, systemd, checkout, slots->pdata[i], error))
                        return false;
        return true;
}

/* A deployment of the atomic command may have none, and needs its image for the way back: before that goes, it gets one. */
static void restore_root_file_systems(ScOpContext *context)
{
        sc_autofd checkout = sc_checkout_open_to_lock(context->config, NULL);
        g_autoptr(GPtrArray) containers = checkout >= 0 ? sc_deployment_list(context->config, NULL) : NULL;
        for (guint i = 0; containers != NULL && i < containers->len; i++) {
                const ScDeployment *container = containers->pdata[i];
                g_autofree char *lock_name = g_build_filename(SC_LOCK_DIR, container->name, NULL);
                for (int slot = 0; slot < 2 && !container->preinstalled; slot++) {
                        g_autoptr(GError) local = NULL;
                        sc_autofd lock = sc_slot_exists(checkout, container->name, slot)
                                                 ? sc_lock_try(checkout, lock_name, SC_LOCK_EXCLUSIVE, NULL)
                                                 : -1;
                        if (lock >= 0 && !sc_rootfs_restore(context, checkout, container->name, slot, &local))
                                sc_report_message(context->report, "%s", local->message);
                }
        }
}

bool sc_op_prune(ScOpContext *context, GError **error)
{
        restore_root_file_systems(context);
        return prune_deployments(context, error) && prune_layers(context, error);
}
