/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-service.h"

#include "base/error.h"
#include "systemd-bus.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PROPERTIES "org.freedesktop.DBus.Properties"

/* A change that systemd told nobody of (it was being executed anew) is noticed after this. */
#define LOOK_AGAIN (10 * G_USEC_PER_SEC)

/* Whatever it ends with is what was wanted: no failed unit is left behind. */
static int append_success_statuses(Message *message)
{
        int r;
        if ((r = sd_bus_message_open_container(message, 'r', "sv")) < 0 ||
            (r = sd_bus_message_append(message, "s", "SuccessExitStatus")) < 0 ||
            (r = sd_bus_message_open_container(message, 'v', "(aiai)")) < 0 ||
            (r = sd_bus_message_open_container(message, 'r', "aiai")) < 0 ||
            (r = sd_bus_message_open_container(message, 'a', "i")) < 0)
                return r;
        for (int status = 0; r >= 0 && status <= 255; status++)
                r = sd_bus_message_append(message, "i", status);
        if (r < 0 || (r = sd_bus_message_close_container(message)) < 0 ||
            (r = sd_bus_message_open_container(message, 'a', "i")) < 0)
                return r;
        for (int number = 1; r >= 0 && number <= SIGRTMAX; number++)
                /* two real-time signals are the C library's own */
                if (number <= SIGSYS || number >= SIGRTMIN)
                        r = sd_bus_message_append(message, "i", number);
        for (unsigned i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(message);
        return r;
}

static int append_fd(Message *message, const char *property, int fd)
{
        return fd < 0 ? 0 : sd_bus_message_append(message, "(sv)", property, "h", fd);
}

static int append_optional_command(Message *message, const char *property, char *const *argv, bool may_fail)
{
        return argv == NULL ? 0 : sc_systemd_append_command(message, property, argv, may_fail);
}

/* Once the program has ended the unit stays (RemainAfterExit=), so that its exit status can be asked for, until it is stopped. */
static int append_service(Message *message, gconstpointer data)
{
        const ScRunService *service = data;
        int r;
        if ((r = sd_bus_message_append(message, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", service->description, "Type",
                                       "s", "exec", "RemainAfterExit", "b", true, "CollectMode", "s", "inactive-or-failed",
                                       "KillMode", "s", "mixed", "Delegate", "b", true, "TimeoutStopUSec", "t",
                                       (uint64_t)service->stop_seconds * G_USEC_PER_SEC)) < 0 ||
            (r = append_success_statuses(message)) < 0 ||
            (r = append_optional_command(message, "ExecStartPre", service->before, false)) < 0 ||
            (r = sc_systemd_append_command(message, "ExecStart", service->argv, false)) < 0 ||
            (r = append_optional_command(message, "ExecStopPost", service->after, true)) < 0 ||
            (r = append_optional_command(message, "ExecStopPost", service->after_that, true)) < 0 ||
            (r = append_fd(message, "StandardInputFileDescriptor", service->stdin_fd)) < 0 ||
            (r = append_fd(message, "StandardOutputFileDescriptor", service->stdout_fd)) < 0 ||
            (r = append_fd(message, "StandardErrorFileDescriptor", service->stderr_fd)) < 0)
                return r;
        return service->bound_to == NULL ? 0 : sd_bus_message_append(message, "(sv)", "BindsTo", "as", 1, service->bound_to);
}

static bool start(ScSystemd *systemd, const ScRunService *service, GCancellable *cancellable, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot run %s", service->unit);
        g_autoptr(Message) reply = NULL;
        ScSystemdWait wait = {service->unit, "start", G_MAXUINT64, cancellable};
        return sc_systemd_start_transient(systemd, service->unit, append_service, service, what, &reply, error) &&
               sc_systemd_wait_for_job(systemd, reply, &wait, error);
}

/* What a caller may send: what a terminal or a supervisor sends to a program. */
static bool is_signal(unsigned char number)
{
        static const int allowed[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM};
        for (guint i = 0; i < G_N_ELEMENTS(allowed); i++)
                if (allowed[i] == number)
                        return true;
        return false;
}

/* False: no more come. A signal that arrives too late concerns nobody. */
static bool pass_signals(ScSystemd *systemd, const char *unit, int fd)
{
        unsigned char numbers[16];
        ssize_t size = read(fd, numbers, sizeof numbers);
        for (ssize_t i = 0; i < size; i++)
                if (is_signal(numbers[i]))
                        sc_systemd_call(systemd, "Cannot pass a signal on", "KillUnit", NULL, NULL, "ssi", unit, "main",
                                        (int)numbers[i]);
        return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

typedef struct {
        ScSystemd *systemd;
        const ScRunService *service;
        GCancellable *cancellable;
        int cancel_fd;
        int signals_fd;
        bool changed;
} Watch;

static int on_changed(sd_bus_message *message, void *data, sd_bus_error *bus_error)
{
        ((Watch *)data)->changed = true;
        return 0;
}

static bool match_changes(Watch *watch, sd_bus_slot **ret, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot watch %s", watch->service->unit);
        if (!sc_systemd_ensure_open(watch->systemd, error))
                return false;
        char *path = NULL;
        int r = sd_bus_path_encode(SC_SYSTEMD_OBJECT "/unit", watch->service->unit, &path);
        if (r >= 0)
                r = sd_bus_match_signal(watch->systemd->bus, ret, watch->systemd->direct ? NULL : SC_SYSTEMD_SERVICE, path,
                                        PROPERTIES, "PropertiesChanged", on_changed, watch);
        free(path);
        return r >= 0 || sc_systemd_throw(error, r, NULL, what);
}

/* Until the unit may have changed; the connection is given up where it was lost. */
static bool wait_for_change(Watch *watch, GError **error)
{
        guint64 look = (guint64)g_get_monotonic_time() + LOOK_AGAIN;
        while (!watch->changed && (guint64)g_get_monotonic_time() < look) {
                sd_bus *bus = watch->systemd->bus;
                int r = sd_bus_process(bus, NULL);
                if (r > 0)
                        continue;
                if (sc_cancelled(watch->cancellable, error))
                        return false;
                struct pollfd more[] = {{.fd = watch->cancel_fd, .events = POLLIN}, {.fd = watch->signals_fd, .events = POLLIN}};
                bool must_look = watch->cancellable != NULL && watch->cancel_fd < 0;
                guint64 until = must_look ? (guint64)g_get_monotonic_time() + SC_SYSTEMD_LOOK_INTERVAL : look;
                if (r == 0)
                        r = sc_systemd_sleep(bus, until, more, G_N_ELEMENTS(more));
                if (r < 0)
                        return true;
                if (more[1].revents != 0 && !pass_signals(watch->systemd, watch->service->unit, watch->signals_fd))
                        watch->signals_fd = -1;
        }
        return true;
}

static int shell_status(const ScUnitState *state)
{
        return state->exit_code == CLD_EXITED ? state->exit_status : 128 + state->exit_status;
}

/* Until the program has ended by itself. */
static bool watch_program(Watch *watch, int *ret_status, GError **error)
{
        for (;;) {
                __attribute__((cleanup(sd_bus_slot_unrefp))) sd_bus_slot *slot = NULL;
                g_auto(ScUnitState) state = {0};
                if (!match_changes(watch, &slot, error))
                        return false;
                watch->changed = false;
                if (!sc_systemd_state(watch->systemd, watch->service->unit, &state, error))
                        return false;
                if (g_strcmp0(state.sub_state, "exited") == 0) {
                        *ret_status = shell_status(&state);
                        return true;
                }
                if (g_strcmp0(state.active_state, "active") != 0)
                        return sc_throw(error, SC_ERROR_CANCELLED, "%s was stopped", watch->service->unit);
                if (!wait_for_change(watch, error))
                        return false;
        }
}

bool sc_run_service(ScSystemd *systemd, const ScRunService *service, GCancellable *cancellable, int *ret_status, GError **error)
{
        Watch watch = {
                .systemd = systemd,
                .service = service,
                .cancellable = cancellable,
                .cancel_fd = cancellable != NULL ? g_cancellable_get_fd(cancellable) : -1,
                .signals_fd = service->signals_fd,
        };
        g_autoptr(GError) local = NULL;
        bool ok = start(systemd, service, cancellable, &local) && watch_program(&watch, ret_status, &local);
        if (watch.cancel_fd >= 0)
                g_cancellable_release_fd(cancellable);
        /* Cancelled or not: nobody else takes it away. */
        if (!sc_systemd_stop(systemd, service->unit, NULL, ok ? &local : NULL))
                ok = false;
        if (!ok && !sc_cancelled(cancellable, error))
                g_propagate_error(error, g_steal_pointer(&local));
        return ok;
}
