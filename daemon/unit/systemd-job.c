/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "systemd-bus.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static guint64 now(void)
{
        return (guint64)g_get_monotonic_time();
}

typedef ScSystemdWait Wait;

/* Whatever comes of it: nobody waits for the job any more. */
static void cancel_job(ScSystemd *systemd)
{
        sd_bus_call_method(systemd->bus, SC_SYSTEMD_SERVICE, systemd->job, SC_SYSTEMD_SERVICE ".Job", "Cancel", NULL, NULL, NULL);
}

/* Sleeps until the bus has something, the deadline is there or the cancellable may be cancelled. */
static int wait_for_event(sd_bus *bus, const Wait *wait, int cancel_fd)
{
        struct pollfd cancel = {.fd = cancel_fd, .events = POLLIN};
        bool must_look = wait->cancellable != NULL && cancel_fd < 0;
        return sc_systemd_sleep(bus, must_look ? MIN(wait->deadline, now() + SC_SYSTEMD_LOOK_INTERVAL) : wait->deadline, &cancel,
                                1);
}

/* After a lost connection: jobs outlive it, but one that ended meanwhile told nobody. Then the unit's state tells. */
static bool resume_wait(ScSystemd *systemd, const Wait *wait, GError **error)
{
        g_autofree char *what = g_strdup_printf("Lost systemd while waiting for %s to %s", wait->unit, wait->verb);
        g_autoptr(GError) local = NULL;
        guint32 id = (guint32)g_ascii_strtoull(strrchr(systemd->job, '/') + 1, NULL, 10);
        if (sc_systemd_call(systemd, what, "GetJob", NULL, &local, "u", id))
                return true;
        if (!g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        __attribute__((cleanup(sc_unit_state_clear))) ScUnitState state = {0};
        if (!sc_systemd_state(systemd, wait->unit, &state, error))
                return false;
        /* What runs once is collected at its end, however it ended. */
        if (strcmp(wait->verb, "run") == 0 && g_strcmp0(state.load_state, "loaded") != 0)
                return sc_throw(error, SC_ERROR_FAILED, "%s, and how it ended is not known", what);
        bool is_up = g_strcmp0(state.active_state, "active") == 0 || g_strcmp0(state.active_state, "reloading") == 0;
        /* a service that has done its work is not up any more, and that is well */
        bool is_well = is_up || (g_strcmp0(state.active_state, "inactive") == 0 && g_strcmp0(state.result, "success") == 0);
        g_free(systemd->result);
        systemd->result = g_strdup((strcmp(wait->verb, "stop") == 0 ? !is_up : is_well) ? "done" : "failed");
        return true;
}

/* Until the job's result is known. */
static bool wait_for_result(ScSystemd *systemd, const Wait *wait, int cancel_fd, GError **error)
{
        while (systemd->result == NULL) {
                int r = sd_bus_process(systemd->bus, NULL);
                if (r > 0)
                        continue;
                if (r == 0 && sc_cancelled(wait->cancellable, error)) {
                        cancel_job(systemd);
                        return sc_prefix(error, "Waiting for %s to %s", wait->unit, wait->verb);
                }
                if (r == 0 && now() >= wait->deadline) {
                        cancel_job(systemd);
                        return sc_throw(error, SC_ERROR_FAILED, "%s did not %s in time; see: %s status %s", wait->unit, wait->verb,
                                        systemd->scope->systemctl, wait->unit);
                }
                if (r == 0)
                        r = wait_for_event(systemd->bus, wait, cancel_fd);
                if (r < 0) {
                        g_clear_pointer(&systemd->bus, sd_bus_close_unref);
                        if (!resume_wait(systemd, wait, error))
                                return false;
                }
        }
        if (strcmp(systemd->result, "done") == 0)
                return true;
        return sc_throw(error, SC_ERROR_FAILED, "%s did not %s (%s); see: %s status %s, %s -u %s", wait->unit, wait->verb,
                        systemd->result, systemd->scope->systemctl, wait->unit, systemd->scope->journalctl, wait->unit);
}

/* The signal of its end lies in the queue at worst: it is handled in sd_bus_process, not before. */
bool sc_systemd_wait_for_job(ScSystemd *systemd, Message *reply, const Wait *wait, GError **error)
{
        const char *job;
        int r = sd_bus_message_read(reply, "o", &job);
        if (r < 0) {
                g_autofree char *what = g_strdup_printf("Cannot %s %s", wait->verb, wait->unit);
                return sc_systemd_throw(error, r, NULL, what);
        }
        g_clear_pointer(&systemd->result, g_free);
        g_free(systemd->job);
        systemd->job = g_strdup(job);
        int cancel_fd = wait->cancellable != NULL ? g_cancellable_get_fd(wait->cancellable) : -1;
        bool ok = wait_for_result(systemd, wait, cancel_fd, error);
        if (cancel_fd >= 0)
                g_cancellable_release_fd(wait->cancellable);
        return ok;
}

/* Queues the job that member asks for and waits for its end. */
static bool run_job(ScSystemd *systemd, const char *member, const Wait *wait, GError **error)
{
        if (sc_cancelled(wait->cancellable, error))
                return false;
        g_autofree char *what = g_strdup_printf("Cannot %s %s", wait->verb, wait->unit);
        g_autoptr(Message) reply = NULL;
        g_clear_pointer(&systemd->job, g_free);
        return sc_systemd_call(systemd, what, member, &reply, error, "ss", wait->unit, "replace") &&
               sc_systemd_wait_for_job(systemd, reply, wait, error);
}

bool sc_systemd_start(ScSystemd *systemd, const char *unit, guint timeout, GCancellable *cancellable, GError **error)
{
        Wait wait = {unit, "start", timeout == 0 ? G_MAXUINT64 : now() + (guint64)timeout * G_USEC_PER_SEC, cancellable};
        return run_job(systemd, "StartUnit", &wait, error);
}

bool sc_systemd_stop(ScSystemd *systemd, const char *unit, GCancellable *cancellable, GError **error)
{
        Wait wait = {unit, "stop", G_MAXUINT64, cancellable};
        g_autoptr(GError) local = NULL;
        bool ok = run_job(systemd, "StopUnit", &wait, &local);
        return sc_systemd_forgive_missing(ok, &local, error);
}

bool sc_systemd_restart(ScSystemd *systemd, const char *unit, GCancellable *cancellable, GError **error)
{
        Wait wait = {unit, "restart", G_MAXUINT64, cancellable};
        return run_job(systemd, "RestartUnit", &wait, error);
}

bool sc_systemd_start_later(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot start %s", unit);
        return sc_systemd_call(systemd, what, "StartUnit", NULL, error, "ss", unit, "replace");
}
