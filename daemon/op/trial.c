/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trial.h"

#include "base/error.h"
#include <string.h>

#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)

/* A oneshot that did its work and left is as well as a daemon that runs. */
static bool is_up(const ScUnitState *state)
{
        if (strcmp(state->active_state, "active") == 0 || strcmp(state->active_state, "reloading") == 0)
                return true;
        return strcmp(state->type, "oneshot") == 0 && strcmp(state->active_state, "inactive") == 0 &&
               strcmp(state->result, "success") == 0;
}

bool sc_trial_hold(ScSystemd *systemd, const char *unit, guint settling_time, GCancellable *cancellable, GError **error)
{
        g_auto(ScUnitState) first = {0};
        if (!sc_systemd_state(systemd, unit, &first, error))
                return false;
        gint64 end = g_get_monotonic_time() + (gint64)settling_time * G_USEC_PER_SEC;
        for (;;) {
                g_auto(ScUnitState) now = {0};
                if (!sc_systemd_state(systemd, unit, &now, error))
                        return false;
                if (!is_up(&now))
                        return sc_throw(error, SC_ERROR_FAILED, "%s did not stay up: it is %s (%s)", unit, now.active_state,
                                        now.result);
                if (now.restarts != first.restarts || now.main_pid != first.main_pid)
                        return sc_throw(error, SC_ERROR_FAILED, "%s did not stay up: its main process ended within %u s", unit,
                                        settling_time);
                if (g_get_monotonic_time() >= end)
                        return true;
                if (sc_cancelled(cancellable, error))
                        return false;
                g_usleep(LOOK_INTERVAL);
        }
}
