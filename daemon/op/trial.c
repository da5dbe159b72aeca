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

/* Unless the machine goes down, which stops services, too, and perhaps before it tells us. */
static ScVerdict condemn(ScSystemd *systemd, GCancellable *cancellable, GError **error, const char *what)
{
        bool stopping;
        if (sc_cancelled(cancellable, error) || !sc_systemd_is_stopping(systemd, &stopping, error))
                return SC_VERDICT_NONE;
        sc_throw(error, stopping ? SC_ERROR_CANCELLED : SC_ERROR_FAILED, "%s%s", what, stopping ? ": the system is shut down" : "");
        return stopping ? SC_VERDICT_NONE : SC_VERDICT_BAD;
}

ScVerdict sc_trial_hold(ScSystemd *systemd, const char *unit, guint settling_time, GCancellable *cancellable, GError **error)
{
        g_auto(ScUnitState) first = {0};
        if (!sc_systemd_state(systemd, unit, &first, error))
                return SC_VERDICT_NONE;
        gint64 end = g_get_monotonic_time() + (gint64)settling_time * G_USEC_PER_SEC;
        for (;;) {
                g_auto(ScUnitState) now = {0};
                g_autofree char *fault = NULL;
                if (!sc_systemd_state(systemd, unit, &now, error))
                        return SC_VERDICT_NONE;
                if (!is_up(&now))
                        fault = g_strdup_printf("%s did not stay up: it is %s (%s)", unit, now.active_state, now.result);
                else if (now.restarts != first.restarts || now.main_pid != first.main_pid)
                        fault = g_strdup_printf("%s did not stay up: its main process ended within %u s", unit, settling_time);
                if (fault != NULL)
                        return condemn(systemd, cancellable, error, fault);
                if (g_get_monotonic_time() >= end)
                        return SC_VERDICT_GOOD;
                if (sc_cancelled(cancellable, error))
                        return SC_VERDICT_NONE;
                g_usleep(LOOK_INTERVAL);
        }
}

bool sc_trial_condemns_start(ScSystemd *systemd, const char *unit)
{
        g_auto(ScUnitState) state = {0};
        bool stopping;
        if (!sc_systemd_state(systemd, unit, &state, NULL) || !sc_systemd_is_stopping(systemd, &stopping, NULL) || stopping)
                return false;
        /* not even tried: something that it depends on failed, or systemd would not have it */
        return strcmp(state.active_state, "inactive") != 0 || strcmp(state.result, "success") != 0;
}
