/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mounts.h"

#include "base/error.h"
#include "base/lock.h"
#include "base/path.h"
#include "store/deployment.h"
#include <string.h>

/* No container has such a name. */
#define LOCK SC_LOCK_DIR "/.mount"
#define TRANSIENT "/run/systemd/transient/"

int sc_mounts_lock(ScOpContext *context, int checkout_fd, GError **error)
{
        return sc_lock_wait(checkout_fd, LOCK, SC_LOCK_EXCLUSIVE, context->cancellable, error);
}

bool sc_mounts_is_there(ScSystemd *systemd, const ScMountRecord *record, bool *ret, GError **error)
{
        g_autofree char *unit = record->where != NULL ? sc_systemd_mount_unit(record->where) : NULL;
        g_auto(ScUnitState) state = {0};
        *ret = false;
        if (unit == NULL)
                return true;
        if (!sc_systemd_state(systemd, unit, &state, error))
                return false;
        /* also while it comes or goes */
        *ret = strcmp(state.active_state, "inactive") != 0 && strcmp(state.active_state, "failed") != 0 &&
               g_str_has_prefix(state.fragment_path, TRANSIENT);
        return true;
}

static bool sweep_one(ScSystemd *systemd, int checkout_fd, const ScMountRecord *record, GError **error)
{
        bool there;
        return sc_mounts_is_there(systemd, record, &there, error) &&
               (there || sc_mount_record_remove(checkout_fd, record->id, error));
}

bool sc_mounts_sweep(ScOpContext *context, int checkout_fd, GError **error)
{
        g_autoptr(GPtrArray) first = sc_mount_record_list(checkout_fd, error);
        if (first == NULL || first->len == 0)
                return first != NULL;
        g_autoptr(GError) busy = NULL;
        sc_autofd lock = sc_lock_try(checkout_fd, LOCK, SC_LOCK_EXCLUSIVE, &busy);
        if (lock < 0) {
                if (g_error_matches(busy, SC_ERROR, SC_ERROR_BUSY))
                        return true;
                g_propagate_error(error, g_steal_pointer(&busy));
                return false;
        }
        g_autoptr(ScSystemd) systemd = sc_systemd_open(context->config->scope, error);
        g_autoptr(GPtrArray) records = systemd != NULL ? sc_mount_record_list(checkout_fd, error) : NULL;
        if (records == NULL)
                return false;
        bool ok = true;
        for (guint i = 0; i < records->len; i++)
                ok = sweep_one(systemd, checkout_fd, records->pdata[i], ok ? error : NULL) && ok;
        return ok;
}

static bool holds(const ScMountRecord *record, const char *container, int slot)
{
        for (int i = 0; i < 2; i++) {
                g_autofree char *name = sc_slot_name(container, i);
                if ((slot < 0 || slot == i) && g_strcmp0(record->deployment, name) == 0)
                        return true;
        }
        return false;
}

bool sc_mounts_check(ScSystemd *systemd, int checkout_fd, const char *container, int slot, GError **error)
{
        g_autoptr(GPtrArray) records = sc_mount_record_list(checkout_fd, error);
        if (records == NULL)
                return false;
        for (guint i = 0; i < records->len; i++) {
                const ScMountRecord *record = records->pdata[i];
                bool there = false;
                if (!holds(record, container, slot))
                        continue;
                if (!sc_mounts_is_there(systemd, record, &there, error))
                        return false;
                if (there)
                        return sc_throw(error, SC_ERROR_BUSY, "The deployment %s is mounted on %s: unmount it first",
                                        record->deployment, record->where);
        }
        return true;
}
