/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-look.h"

#include "base/error.h"
#include <string.h>

bool sc_unit_observe(ScSystemd *systemd, const char *unit, bool *ret_active, bool *ret_enabled, GError **error)
{
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
