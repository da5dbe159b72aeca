/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
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
        return sc_slot_sweep(change->checkout_fd, change->container, error);
}

static bool remove_step(ScChange *change, const char *name, GError **error)
{
        sc_report_advance(change->context->report, 1);
        return sc_failpoint(name, error);
}

bool sc_change_remove(ScChange *change, GError **error)
{
        ScReport *out = change->context->report;
        g_autofree char *tmpfiles_path = sc_move_tmpfiles_path(change);
        g_autoptr(GError) broken = NULL;
        g_autoptr(ScSide) old = change->intent->old.slot >= 0 ? sc_move_open_side(change, &change->intent->old, &broken) : NULL;
        sc_report_phase(out, "Removing", 6);
        if (broken != NULL)
                sc_report_message(out, "What it installed on the host is not known: %s", broken->message);

        if (!remove_step(change, "remove-disable", error))
                return false;
        sc_report_message(out, "systemctl disable %s", change->container);
        if (!sc_systemd_disable(change->systemd, change->unit, error))
                return false;
        sc_report_message(out, "systemctl stop %s", change->container);
        if (change->when != SC_RECOVER_BOOT && !sc_systemd_stop(change->systemd, change->unit, NULL, error))
                return false;

        if (!remove_step(change, "remove-unit-file", error) || !sc_move_put_unit(change, NULL, error))
                return false;
        if (!remove_step(change, "remove-tmpfiles", error))
                return false;
        if (g_file_test(tmpfiles_path, G_FILE_TEST_EXISTS) && change->when != SC_RECOVER_BOOT) {
                g_autoptr(GError) local = NULL;
                sc_report_message(out, "systemd-tmpfiles --remove %s", tmpfiles_path);
                if (!sc_tmpfiles_remove(tmpfiles_path, NULL, &local))
                        sc_report_message(out, "%s", local->message);
        }
        if (!sc_move_put_tmpfiles(change, NULL, error))
                return false;

        if (!remove_step(change, "remove-host-files", error))
                return false;
        sc_autofd root = sc_open_dir("/", error);
        if (root < 0 || (old != NULL && !sc_host_files_apply(root, -1, NULL, NULL, old->files, out, NULL, error)))
                return false;
        if (!remove_step(change, "remove-link", error) || !sc_slot_make_live(change->checkout_fd, change->container, -1, error))
                return false;
        if (!remove_step(change, "remove-slots", error) || !remove_slots(change, error) ||
            !sc_systemd_reload(change->systemd, error))
                return false;
        g_autoptr(GError) ignored = NULL; /* a unit that never failed has nothing to reset */
        sc_systemd_reset_failed(change->systemd, change->unit, &ignored);
        return sc_failpoint("remove-intent", error) && sc_intent_remove(change->checkout_fd, change->container, error);
}
