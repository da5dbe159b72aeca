/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-look.h"

#include "base/error.h"
#include <string.h>
#include <sys/stat.h>

bool sc_unit_is_free(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *file = g_build_filename(sc_systemd_scope(systemd)->unit_dir, unit, NULL);
        struct stat st;
        if (lstat(file, &st) == 0)
                return sc_throw(error, SC_ERROR_EXISTS, "The file %s already exists.", file);
        g_auto(ScUnitState) state = {0};
        if (!sc_systemd_state(systemd, unit, &state, error))
                return false;
        if (strcmp(state.load_state, "not-found") != 0)
                return sc_throw(error, SC_ERROR_EXISTS, "systemd already has a unit %s (%s): choose another name with --name", unit,
                                state.fragment_path[0] != '\0' ? state.fragment_path : state.load_state);
        return true;
}

bool sc_unit_observe(ScSystemd *systemd, const char *unit, const ScInfo *live, bool *ret_active, bool *ret_enabled, GError **error)
{
        if (live != NULL && !live->has_service) {
                *ret_active = *ret_enabled = false;
                return true;
        }
        g_auto(ScUnitState) state = {0};
        g_autofree char *file_state = NULL;
        if (!sc_systemd_state(systemd, unit, &state, error) || !sc_systemd_file_state(systemd, unit, &file_state, error))
                return false;
        if (g_strcmp0(file_state, "masked") == 0 || g_strcmp0(file_state, "masked-runtime") == 0)
                return sc_throw(error, SC_ERROR_FAILED, "%s is masked: run `%s unmask %s` first", unit,
                                sc_systemd_scope(systemd)->systemctl, unit);
        *ret_active = strcmp(state.active_state, "active") == 0 || strcmp(state.active_state, "activating") == 0 ||
                      strcmp(state.active_state, "reloading") == 0;
        *ret_enabled = g_strcmp0(file_state, "enabled") == 0;
        return true;
}
