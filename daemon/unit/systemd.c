/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "systemd.h"

#include "base/error.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define PRIVATE_SOCKET "unix:path=/run/systemd/private"

/* The answer to Reload comes when all units have been read again; on a busy machine that is long after sd-bus's 25 s. */
#define CALL_TIMEOUT (90 * G_USEC_PER_SEC)
#define RELOAD_TIMEOUT (300 * G_USEC_PER_SEC)
/* systemd that executes itself anew (an upgrade of its package) ends the connections to it, and is there again in a moment. */
#define AWAY_MAX (10 * G_USEC_PER_SEC)
#define AWAY_STEP (G_USEC_PER_SEC / 20)
#define CALL_TRIES 3
/* How often a cancellable without a descriptor is looked at. */
#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)

struct ScSystemd {
        sd_bus *bus;
        bool direct;  /* systemd itself at the other end, no message bus between */
        char *job;    /* the one waited for */
        char *result; /* its result, once it is known */
};

static bool throw_bus(GError **error, int r, const sd_bus_error *bus_error, const char *what)
{
        const char *name = bus_error != NULL ? bus_error->name : NULL;
        ScError code = SC_ERROR_FAILED;
        if (g_strcmp0(name, SD_BUS_ERROR_ACCESS_DENIED) == 0 ||
            g_strcmp0(name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) == 0)
                code = SC_ERROR_ACCESS_DENIED;
        else if (g_strcmp0(name, SERVICE ".NoSuchUnit") == 0 || g_strcmp0(name, SERVICE ".NoSuchJob") == 0 ||
                 g_strcmp0(name, SD_BUS_ERROR_FILE_NOT_FOUND) == 0)
                code = SC_ERROR_NOT_FOUND;
        const char *reason = bus_error != NULL && bus_error->message != NULL ? bus_error->message : g_strerror(-r);
        return sc_throw(error, code, "%s: %s", what, reason);
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *bus_error)
{
        ScSystemd *systemd = userdata;
        guint32 id;
        const char *path, *unit, *result;
        int r = sd_bus_message_read(message, "uoss", &id, &path, &unit, &result);
        if (r >= 0 && g_strcmp0(path, systemd->job) == 0 && systemd->result == NULL)
                systemd->result = g_strdup(result);
        return 0;
}

/* systemd's own socket speaks D-Bus without a bus: no Hello, no names, and signals come unasked. It is what systemctl uses for
 * root. */
static int open_direct(sd_bus **ret)
{
        __attribute__((cleanup(sd_bus_close_unrefp))) sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, PRIVATE_SOCKET);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;
        *ret = g_steal_pointer(&bus);
        return 0;
}

static int subscribe(ScSystemd *systemd)
{
        /* A message without a bus has no sender to match. */
        int r = sd_bus_match_signal(systemd->bus, NULL, systemd->direct ? NULL : SERVICE, OBJECT, MANAGER, "JobRemoved",
                                    on_job_removed, systemd);
        if (r >= 0 && !systemd->direct)
                r = sd_bus_call_method(systemd->bus, SERVICE, OBJECT, MANAGER, "Subscribe", NULL, NULL, NULL);
        return r;
}

static bool connect_bus(ScSystemd *systemd, GError **error)
{
        g_clear_pointer(&systemd->bus, sd_bus_close_unref);
        systemd->direct = geteuid() == 0 && open_direct(&systemd->bus) >= 0;
        int r = systemd->direct ? 0 : sd_bus_open_system(&systemd->bus);
        if (r >= 0)
                r = subscribe(systemd);
        if (r < 0) {
                g_clear_pointer(&systemd->bus, sd_bus_close_unref);
                return throw_bus(error, r, NULL, "Cannot reach systemd");
        }
        return true;
}

static guint64 now(void)
{
        return (guint64)g_get_monotonic_time();
}

static bool is_open(ScSystemd *systemd)
{
        /* The end of a connection shows when it is read. */
        while (systemd->bus != NULL && sd_bus_process(systemd->bus, NULL) > 0)
                continue;
        return systemd->bus != NULL && sd_bus_is_open(systemd->bus) > 0;
}

/* A connection that was lost is made anew, as soon as systemd answers. */
static bool ensure_open(ScSystemd *systemd, GError **error)
{
        guint64 until = now() + AWAY_MAX;
        while (!is_open(systemd)) {
                g_autoptr(GError) local = NULL;
                if (connect_bus(systemd, &local) &&
                    sd_bus_call_method(systemd->bus, SERVICE, OBJECT, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL) >= 0)
                        return true;
                if (now() > until)
                        return local != NULL ? (g_propagate_error(error, g_steal_pointer(&local)), false)
                                             : sc_throw(error, SC_ERROR_FAILED, "systemd does not answer");
                g_clear_pointer(&systemd->bus, sd_bus_close_unref);
                g_usleep(AWAY_STEP);
        }
        return true;
}

ScSystemd *sc_systemd_open(GError **error)
{
        g_autoptr(ScSystemd) systemd = g_new0(ScSystemd, 1);
        if (!connect_bus(systemd, error))
                return NULL;
        return g_steal_pointer(&systemd);
}

void sc_systemd_close(ScSystemd *systemd)
{
        if (systemd == NULL)
                return;
        if (systemd->bus != NULL)
                sd_bus_close_unref(systemd->bus);
        g_free(systemd->job);
        g_free(systemd->result);
        g_free(systemd);
}

typedef sd_bus_message Message;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, sd_bus_message_unref)

typedef struct {
        const char *path, *interface, *member;
} Method;

/* One try; a negative errno, with bus_error where systemd answered. */
static int call_once(ScSystemd *systemd, guint64 timeout, const Method *method, Message **ret, sd_bus_error *bus_error,
                     const char *types, va_list arguments)
{
        g_autoptr(Message) message = NULL;
        int r = sd_bus_message_new_method_call(systemd->bus, &message, SERVICE, method->path, method->interface, method->member);
        if (r >= 0 && *types != '\0')
                r = sd_bus_message_appendv(message, types, arguments);
        if (r >= 0)
                r = sd_bus_call(systemd->bus, message, timeout, bus_error, ret);
        return r;
}

static bool call_again(ScSystemd *systemd, guint64 timeout, const char *what, const Method *method, Message **ret, GError **error,
                       const char *types, va_list arguments)
{
        int r = -ENOTCONN;
        for (unsigned tries = 0; tries < CALL_TRIES && (r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE); tries++) {
                g_autoptr(Message) reply = NULL;
                __attribute__((cleanup(sd_bus_error_free))) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
                if (!ensure_open(systemd, error))
                        return false;
                va_list copy;
                va_copy(copy, arguments);
                r = call_once(systemd, timeout, method, &reply, &bus_error, types, copy);
                va_end(copy);
                if (r >= 0 && ret != NULL)
                        *ret = g_steal_pointer(&reply);
                if (r < 0 && sd_bus_error_is_set(&bus_error) && sd_bus_is_open(systemd->bus) > 0)
                        return throw_bus(error, r, &bus_error, what);
        }
        return r >= 0 || throw_bus(error, r, NULL, what);
}

/* Calls a method of any object. ret NULL: the answer says nothing. Each of those used here can be called again where the
 * connection was lost before the answer came. */
static bool call_object(ScSystemd *systemd, const char *what, const Method *method, Message **ret, GError **error,
                        const char *types, ...)
{
        va_list arguments;
        va_start(arguments, types);
        bool ok = call_again(systemd, CALL_TIMEOUT, what, method, ret, error, types, arguments);
        va_end(arguments);
        return ok;
}

/* The same of the manager. */
static bool call(ScSystemd *systemd, guint64 timeout, const char *what, const char *member, Message **ret, GError **error,
                 const char *types, ...)
{
        const Method method = {OBJECT, MANAGER, member};
        va_list arguments;
        va_start(arguments, types);
        bool ok = call_again(systemd, timeout, what, &method, ret, error, types, arguments);
        va_end(arguments);
        return ok;
}

/* Clears a NotFound: true if there was no error or that one. */
static bool forgive_missing(bool ok, GError **local, GError **error)
{
        if (ok)
                return true;
        if (g_error_matches(*local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_clear_error(local);
                return true;
        }
        g_propagate_error(error, g_steal_pointer(local));
        return false;
}

bool sc_systemd_reload(ScSystemd *systemd, GError **error)
{
        return call(systemd, RELOAD_TIMEOUT, "Cannot have systemd read its units again", "Reload", NULL, error, "");
}

/* The folder may be gone with its last link, or be new in its own folder. */
static bool sync_folder_of(const char *link, GError **error)
{
        g_autofree char *folder = g_path_get_dirname(link);
        g_autofree char *above = g_path_get_dirname(folder);
        const char *const folders[] = {folder, above};
        for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
                sc_autofd fd = open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0 && errno == ENOENT)
                        continue;
                if (fd < 0)
                        return sc_throw_errno(error, "Cannot open the folder %s", folders[i]);
                if (!sc_sync_dir(fd, error))
                        return sc_prefix(error, "%s", folders[i]);
        }
        return true;
}

/* Reads the array of changes (type, link, target) that comes next. */
static bool sync_changes(Message *reply, const char *what, GError **error)
{
        const char *type, *link, *target;
        int r = sd_bus_message_enter_container(reply, 'a', "(sss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sss)", &type, &link, &target)) > 0) {
                if ((strcmp(type, "symlink") == 0 || strcmp(type, "unlink") == 0) && !sync_folder_of(link, error))
                        return false;
        }
        return r >= 0 || throw_bus(error, r, NULL, what);
}

bool sc_systemd_enable(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot enable %s", unit);
        g_autoptr(Message) reply = NULL;
        int installable;
        if (!call(systemd, CALL_TIMEOUT, what, "EnableUnitFiles", &reply, error, "asbb", 1, unit, false, false))
                return false;
        int r = sd_bus_message_read(reply, "b", &installable);
        return r >= 0 ? sync_changes(reply, what, error) : throw_bus(error, r, NULL, what);
}

bool sc_systemd_disable(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot disable %s", unit);
        g_autoptr(Message) reply = NULL;
        g_autoptr(GError) local = NULL;
        bool ok = call(systemd, CALL_TIMEOUT, what, "DisableUnitFiles", &reply, &local, "asb", 1, unit, false);
        if (!forgive_missing(ok, &local, error))
                return false;
        return reply == NULL || sync_changes(reply, what, error);
}

bool sc_systemd_file_state(ScSystemd *systemd, const char *unit, char **ret, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot ask systemd for the state of %s", unit);
        g_autoptr(Message) reply = NULL;
        g_autoptr(GError) local = NULL;
        const char *state = NULL;
        bool ok = call(systemd, CALL_TIMEOUT, what, "GetUnitFileState", &reply, &local, "s", unit);
        if (!forgive_missing(ok, &local, error))
                return false;
        int r = reply != NULL ? sd_bus_message_read(reply, "s", &state) : 0;
        if (r < 0)
                return throw_bus(error, r, NULL, what);
        *ret = g_strdup(state);
        return true;
}

typedef struct {
        const char *unit;
        const char *verb; /* for messages: "start" */
        guint64 deadline; /* of the monotonic clock, G_MAXUINT64: none */
        GCancellable *cancellable;
} Wait;

/* Whatever comes of it: nobody waits for the job any more. */
static void cancel_job(ScSystemd *systemd)
{
        sd_bus_call_method(systemd->bus, SERVICE, systemd->job, SERVICE ".Job", "Cancel", NULL, NULL, NULL);
}

/* Sleeps until the bus has something, the deadline is there or the cancellable may be cancelled. */
static int wait_for_event(sd_bus *bus, const Wait *wait, int cancel_fd)
{
        guint64 until;
        int r = sd_bus_get_timeout(bus, &until);
        int events = r >= 0 ? sd_bus_get_events(bus) : r;
        if (events < 0)
                return events;
        until = MIN(until, wait->deadline);
        if (wait->cancellable != NULL && cancel_fd < 0)
                until = MIN(until, now() + LOOK_INTERVAL);
        struct pollfd fds[] = {
                {.fd = sd_bus_get_fd(bus), .events = (short)events},
                {.fd = cancel_fd, .events = POLLIN},
        };
        guint64 from = now();
        struct timespec rest = {0};
        if (until > from) {
                rest.tv_sec = (time_t)((until - from) / G_USEC_PER_SEC);
                rest.tv_nsec = (long)((until - from) % G_USEC_PER_SEC) * 1000;
        }
        r = ppoll(fds, G_N_ELEMENTS(fds), until == G_MAXUINT64 ? NULL : &rest, NULL);
        return r < 0 && errno != EINTR ? -errno : 0;
}

/* After a lost connection: jobs outlive it, but one that ended meanwhile told nobody. Then the unit's state tells. */
static bool resume_wait(ScSystemd *systemd, const Wait *wait, GError **error)
{
        g_autofree char *what = g_strdup_printf("Lost systemd while waiting for %s to %s", wait->unit, wait->verb);
        g_autoptr(GError) local = NULL;
        guint32 id = (guint32)g_ascii_strtoull(strrchr(systemd->job, '/') + 1, NULL, 10);
        if (call(systemd, CALL_TIMEOUT, what, "GetJob", NULL, &local, "u", id))
                return true;
        if (!g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        __attribute__((cleanup(sc_unit_state_clear))) ScUnitState state = {0};
        if (!sc_systemd_state(systemd, wait->unit, &state, error))
                return false;
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
                        return sc_throw(error, SC_ERROR_FAILED, "%s did not %s in time; see: systemctl status %s", wait->unit,
                                        wait->verb, wait->unit);
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
        return sc_throw(error, SC_ERROR_FAILED, "%s did not %s (%s); see: systemctl status %s, journalctl -u %s", wait->unit,
                        wait->verb, systemd->result, wait->unit, wait->unit);
}

/* Queues the job that member asks for and waits for its end. */
static bool run_job(ScSystemd *systemd, const char *member, const Wait *wait, GError **error)
{
        if (sc_cancelled(wait->cancellable, error))
                return false;
        g_autofree char *what = g_strdup_printf("Cannot %s %s", wait->verb, wait->unit);
        g_autoptr(Message) reply = NULL;
        const char *job;
        g_clear_pointer(&systemd->job, g_free);
        g_clear_pointer(&systemd->result, g_free);
        if (!call(systemd, CALL_TIMEOUT, what, member, &reply, error, "ss", wait->unit, "replace"))
                return false;
        int r = sd_bus_message_read(reply, "o", &job);
        if (r < 0)
                return throw_bus(error, r, NULL, what);
        /* The signal lies in the queue at worst: it is handled in sd_bus_process, not before. */
        systemd->job = g_strdup(job);
        int cancel_fd = wait->cancellable != NULL ? g_cancellable_get_fd(wait->cancellable) : -1;
        bool ok = wait_for_result(systemd, wait, cancel_fd, error);
        if (cancel_fd >= 0)
                g_cancellable_release_fd(wait->cancellable);
        return ok;
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
        return forgive_missing(ok, &local, error);
}

bool sc_systemd_restart(ScSystemd *systemd, const char *unit, GCancellable *cancellable, GError **error)
{
        Wait wait = {unit, "restart", G_MAXUINT64, cancellable};
        return run_job(systemd, "RestartUnit", &wait, error);
}

bool sc_systemd_start_later(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot start %s", unit);
        return call(systemd, CALL_TIMEOUT, what, "StartUnit", NULL, error, "ss", unit, "replace");
}

bool sc_systemd_reset_failed(ScSystemd *systemd, const char *unit, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot reset the failed state of %s", unit);
        g_autoptr(GError) local = NULL;
        bool ok = call(systemd, CALL_TIMEOUT, what, "ResetFailedUnit", NULL, &local, "s", unit);
        return forgive_missing(ok, &local, error);
}

void sc_unit_state_clear(ScUnitState *state)
{
        g_free(state->load_state);
        g_free(state->active_state);
        g_free(state->sub_state);
        g_free(state->type);
        g_free(state->result);
        g_free(state->fragment_path);
        *state = (ScUnitState){0};
}

/* Reads the value at hand: into the text or number that belongs to the property, or past it. */
static int read_property(Message *reply, const char *name, ScUnitState *state)
{
        const struct {
                const char *name;
                char **text;
                guint *number;
        } wanted[] = {
                {"LoadState", &state->load_state, NULL}, {"ActiveState", &state->active_state, NULL},
                {"SubState", &state->sub_state, NULL},   {"Type", &state->type, NULL},
                {"Result", &state->result, NULL},        {"FragmentPath", &state->fragment_path, NULL},
                {"MainPID", NULL, &state->main_pid},     {"NRestarts", NULL, &state->restarts},
        };
        for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
                if (strcmp(name, wanted[i].name) != 0)
                        continue;
                if (wanted[i].number != NULL)
                        return sd_bus_message_read(reply, "v", "u", wanted[i].number);
                const char *text;
                int r = sd_bus_message_read(reply, "v", "s", &text);
                if (r >= 0) {
                        g_free(*wanted[i].text);
                        *wanted[i].text = g_strdup(text);
                }
                return r;
        }
        return sd_bus_message_skip(reply, "v");
}

static int read_properties(Message *reply, ScUnitState *state)
{
        const char *name;
        int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
                r = sd_bus_message_read(reply, "s", &name);
                if (r >= 0)
                        r = read_property(reply, name, state);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
        }
        return r;
}

bool sc_systemd_state(ScSystemd *systemd, const char *unit, ScUnitState *ret, GError **error)
{
        g_autofree char *what = g_strdup_printf("Cannot ask systemd for the state of %s", unit);
        g_autoptr(Message) loaded = NULL;
        g_autoptr(Message) reply = NULL;
        __attribute__((cleanup(sc_unit_state_clear))) ScUnitState state = {0};
        const char *path;
        /* Loads it where nobody needs it just now; a unit that is not there is "not-found", no error. */
        if (!call(systemd, CALL_TIMEOUT, what, "LoadUnit", &loaded, error, "s", unit))
                return false;
        int r = sd_bus_message_read(loaded, "o", &path);
        if (r < 0)
                return throw_bus(error, r, NULL, what);
        /* The interface "" stands for all: those of a unit and of a service. */
        const Method get_all = {path, PROPERTIES, "GetAll"};
        if (!call_object(systemd, what, &get_all, &reply, error, "s", ""))
                return false;
        r = read_properties(reply, &state);
        if (r < 0)
                return throw_bus(error, r, NULL, what);
        *ret = state;
        state = (ScUnitState){0};
        return true;
}

bool sc_systemd_is_stopping(ScSystemd *systemd, bool *ret, GError **error)
{
        static const Method get = {OBJECT, PROPERTIES, "Get"};
        static const char what[] = "Cannot ask systemd for its state";
        g_autoptr(Message) reply = NULL;
        const char *state;
        if (!call_object(systemd, what, &get, &reply, error, "ss", MANAGER, "SystemState"))
                return false;
        int r = sd_bus_message_read(reply, "v", "s", &state);
        if (r < 0)
                return throw_bus(error, r, NULL, what);
        *ret = strcmp(state, "stopping") == 0;
        return true;
}
