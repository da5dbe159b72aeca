/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "homes.h"
#include "host-package.h"
#include "made-folders.h"
#include "move.h"
#include "store/deployment.h"
#include "unit/hostfiles.h"
#include "unit/service.h"

/* Symlinks and folders of both slots; a rename first, so that no half-removed folder can be taken for a deployment. */
static bool remove_slots(ScChange *change, GError **error)
{
        for (int slot = 0; slot < 2; slot++) {
                g_autofree char *folder = sc_slot_name(change->container, slot);
                int there = sc_lstat(change->checkout_fd, folder, NULL, error);
                if (there < 0)
                        return false;
                if (there == 0)
                        continue;
                g_autofree char *suffix = sc_random_name(6);
                g_autofree char *hidden = g_strdup_printf(".%s.%s", folder, suffix);
                if (!sc_rename_new(change->checkout_fd, folder, hidden, error))
                        return false;
        }
        sc_change_sweep(change, NULL);
        return true;
}

static bool remove_step(ScChange *change, const char *name, GError **error)
{
        sc_report_advance(change->context->report, 1);
        return sc_failpoint(name, error);
}

/* Of a container that is as it should be, nothing is missing here; of a broken one it is told what cannot be known. */
static ScSide *open_side(ScChange *change, const ScIntentSide *intent_side)
{
        if (intent_side->slot < 0)
                return NULL;
        g_autoptr(GError) local = NULL;
        ScSide *side = sc_move_open_leaving(change, intent_side, &local);
        /* not there: it was removed before this was interrupted */
        if (side == NULL && !g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                sc_report_message(change->context->report, "What it installed on the host is not known: %s", local->message);
        return side;
}

/* Which of the two put a file there is not known where a change was interrupted, so what is modified is told once, by the last. */
static bool remove_host_files(ScChange *change, const ScSide *old, const ScSide *new, GError **error)
{
        ScReport *out = change->context->report;
        sc_autofd root = sc_open_dir("/", error);
        return root >= 0 &&
               (new == NULL || sc_host_files_apply(root, -1, NULL, NULL, new->files, old != NULL ? NULL : out, NULL, error)) &&
               (old == NULL || sc_host_files_apply(root, -1, NULL, NULL, old->files, out, NULL, error));
}

static bool has_unit(const ScSide *side)
{
        return side->info->has_service;
}

static bool has_tmpfiles(const ScSide *side)
{
        return !sc_side_has_no_tmpfiles(side);
}

/* A container that never had such a file leaves alone one of its name, which is somebody else's. Of a deployment that cannot be
 * read it is not known. */
static bool never_had(const ScIntent *intent, const ScSide *old, const ScSide *new, bool (*has)(const ScSide *side))
{
        const ScSide *const sides[] = {old, new};
        const int slots[] = {intent->old.slot, intent->new.slot};
        for (guint i = 0; i < G_N_ELEMENTS(sides); i++)
                if (sides[i] != NULL ? has(sides[i]) : slots[i] >= 0)
                        return false;
        return old != NULL || new != NULL;
}

static bool remove_service(ScChange *change, GError **error)
{
        if (change->intent->spares_unit)
                return true;
        ScReport *out = change->context->report;
        const ScScope *scope = change->context->config->scope;
        sc_report_message(out, "%s disable %s", scope->systemctl, change->container);
        if (!sc_systemd_disable(change->systemd, change->unit, error))
                return false;
        sc_report_message(out, "%s stop %s", scope->systemctl, change->container);
        if (change->when != SC_RECOVER_BOOT && !sc_systemd_stop(change->systemd, change->unit, NULL, error))
                return false;
        return sc_failpoint("remove-unit-file", error) && sc_move_put_unit(change, NULL, SC_WRITE_REPLACE, error);
}

static bool remove_tmpfiles(ScChange *change, GError **error)
{
        ScReport *out = change->context->report;
        const ScScope *scope = change->context->config->scope;
        g_autofree char *path = sc_move_tmpfiles_path(change);
        if (change->intent->spares_tmpfiles)
                return true;
        if (g_file_test(path, G_FILE_TEST_EXISTS) && change->when != SC_RECOVER_BOOT) {
                g_autoptr(GError) local = NULL;
                sc_report_message(out, "%s --remove %s", scope->tmpfiles, path);
                if (!sc_tmpfiles_remove(scope, path, NULL, &local))
                        sc_report_message(out, "%s", local->message);
        }
        return sc_move_put_tmpfiles(change, NULL, SC_WRITE_REPLACE, error);
}

bool sc_change_prepare_removal(ScChange *change, GError **error)
{
        g_autoptr(ScSide) old = open_side(change, &change->intent->old);
        g_autoptr(ScSide) new = open_side(change, &change->intent->new);
        const ScConfig *config = change->context->config;
        change->intent->spares_unit |= never_had(change->intent, old, new, has_unit);
        change->intent->spares_tmpfiles |= never_had(change->intent, old, new, has_tmpfiles);
        return sc_homes_spare_side(config, old, error) && sc_homes_spare_side(config, new, error) &&
               sc_host_package_prepare_removal(change, old, new, error);
}

bool sc_change_remove(ScChange *change, GError **error)
{
        ScReport *out = change->context->report;
        const ScScope *scope = change->context->config->scope;
        g_autoptr(ScSide) old = open_side(change, &change->intent->old);
        g_autoptr(ScSide) new = open_side(change, &change->intent->new);
        sc_report_phase(out, "Removing", 6);
        if (!sc_host_package_lock(change, old, new, error))
                return false;

        if (!remove_step(change, "remove-disable", error) || !remove_service(change, error) ||
            !remove_step(change, "remove-tmpfiles", error))
                return false;
        if (!remove_tmpfiles(change, error))
                return false;
        sc_made_folders_remember(scope, change->container, old != NULL ? old->tmpfiles_text : NULL);

        if (!remove_step(change, "remove-host-files", error) || !remove_host_files(change, old, new, error))
                return false;
        if (!remove_step(change, "remove-package", error) || !sc_host_package_remove(change, new, error) ||
            !sc_host_package_remove(change, old, error))
                return false;
        if (!remove_step(change, "remove-link", error) ||
            !sc_slot_make_live(change->checkout_fd, change->container, -1, SC_WRITE_REPLACE, error))
                return false;
        if (!remove_step(change, "remove-slots", error) || !remove_slots(change, error) ||
            !sc_systemd_reload(change->systemd, error))
                return false;
        g_autoptr(GError) ignored = NULL; /* a unit that never failed has nothing to reset */
        sc_systemd_reset_failed(change->systemd, change->unit, &ignored);
        return sc_failpoint("remove-intent", error) && sc_intent_remove(change->checkout_fd, change->container, error);
}
