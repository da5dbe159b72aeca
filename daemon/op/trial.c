/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trial.h"

#include "base/error.h"
#include "base/path.h"
#include "unit/runtime-config.h"
#include <string.h>

#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)
#define HEALTH_INTERVAL G_USEC_PER_SEC
#define HEALTH_PATIENCE 30 /* seconds that a check may take; Docker's default */

/* A oneshot that did its work and left is as well as a daemon that runs. */
static bool is_up(const ScUnitState *state)
{
        if (strcmp(state->active_state, "active") == 0 || strcmp(state->active_state, "reloading") == 0)
                return true;
        return strcmp(state->type, "oneshot") == 0 && strcmp(state->active_state, "inactive") == 0 &&
               strcmp(state->result, "success") == 0;
}

/* Unless the machine goes down, which stops services, too, and perhaps before it tells us. */
static ScVerdict condemn(const ScTrial *trial, const char *fault, GError **error)
{
        bool stopping;
        if (sc_cancelled(trial->cancellable, error) || !sc_systemd_is_stopping(trial->systemd, &stopping, error))
                return SC_VERDICT_NONE;
        sc_throw(error, stopping ? SC_ERROR_CANCELLED : SC_ERROR_FAILED, "%s%s", fault,
                 stopping ? ": the system is shut down" : "");
        return stopping ? SC_VERDICT_NONE : SC_VERDICT_BAD;
}

/* *ret_fault NULL: it is up, and as it was first. */
static bool look(const ScTrial *trial, const ScUnitState *first, char **ret_fault, GError **error)
{
        g_auto(ScUnitState) now = {0};
        if (!sc_systemd_state(trial->systemd, trial->unit, &now, error))
                return false;
        *ret_fault = NULL;
        if (!is_up(&now))
                *ret_fault = g_strdup_printf("%s did not stay up: it is %s (%s); see: %s -u %s", trial->unit, now.active_state,
                                             now.result, trial->journalctl, trial->unit);
        else if (now.restarts != first->restarts || now.main_pid != first->main_pid)
                *ret_fault = g_strdup_printf("%s did not stay up: its main process ended within %u s; see: %s -u %s", trial->unit,
                                             trial->settling_time, trial->journalctl, trial->unit);
        return true;
}

/* `RUNTIME exec` enters the container's namespaces: the worker's sandbox forbids that, so systemd starts it. */
static bool is_healthy(const ScTrial *trial, bool *ret, char **ret_unit, GError **error)
{
        const char *name = trial->info->runtime != NULL ? trial->info->runtime : trial->runtime;
        g_autofree char *runtime = sc_runtime_find(name, error);
        if (runtime == NULL)
                return false;
        g_autoptr(GStrvBuilder) argv = g_strv_builder_new();
        g_strv_builder_add_many(argv, runtime, "exec", trial->container, NULL);
        g_strv_builder_addv(argv, (const char **)trial->info->health_command);
        g_auto(GStrv) command = g_strv_builder_end(argv);
        g_autofree char *suffix = sc_random_name(6);
        g_autofree char *unit = g_strdup_printf("sysconsd-health-%s-%s.service", trial->container, suffix);
        const ScSystemdCommand check = {.unit = unit, .argv = command, .seconds = HEALTH_PATIENCE, .output_fd = -1};
        if (!sc_systemd_run(trial->systemd, &check, trial->cancellable, ret, error))
                return false;
        *ret_unit = g_steal_pointer(&unit);
        return true;
}

ScVerdict sc_trial_hold(const ScTrial *trial, GError **error)
{
        g_auto(ScUnitState) first = {0};
        if (!sc_systemd_state(trial->systemd, trial->unit, &first, error))
                return SC_VERDICT_NONE;
        bool has_check = trial->info->health_command != NULL, was_healthy = false;
        gint64 next_check = g_get_monotonic_time();
        gint64 end = next_check + (gint64)trial->settling_time * G_USEC_PER_SEC;
        gint64 give_up = next_check + (gint64)MAX(trial->settling_time, trial->health_patience) * G_USEC_PER_SEC;
        for (;;) {
                g_autofree char *fault = NULL;
                g_autofree char *check = NULL;
                gint64 now = g_get_monotonic_time();
                bool healthy = true;
                if (has_check && (now >= next_check || (now >= end && was_healthy))) {
                        if (!is_healthy(trial, &healthy, &check, error))
                                return SC_VERDICT_NONE;
                        next_check = g_get_monotonic_time() + HEALTH_INTERVAL;
                        was_healthy = was_healthy || healthy;
                }
                /* Of a service that is down, that is what there is to say, not that its check failed. */
                if (!look(trial, &first, &fault, error))
                        return SC_VERDICT_NONE;
                if (fault == NULL && !healthy && (was_healthy || now >= give_up))
                        fault = g_strdup_printf("%s is not healthy, as its image's health check says: see %s -u %s", trial->unit,
                                                trial->journalctl, check);
                if (fault != NULL)
                        return condemn(trial, fault, error);
                if (now >= end && (!has_check || (was_healthy && healthy)))
                        return SC_VERDICT_GOOD;
                if (sc_cancelled(trial->cancellable, error))
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
