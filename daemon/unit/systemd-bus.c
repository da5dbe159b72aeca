/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "systemd-bus.h"

#include "base/error.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* systemd that executes itself anew (an upgrade of its package) ends the connections to it, and is there again in a moment. */
#define AWAY_MAX (10 * G_USEC_PER_SEC)
#define AWAY_STEP (G_USEC_PER_SEC / 20)
#define CALL_TRIES 3

bool sc_systemd_throw(GError **error, int r, const sd_bus_error *bus_error, const char *what)
{
        const char *name = bus_error != NULL ? bus_error->name : NULL;
        ScError code = SC_ERROR_FAILED;
        if (g_strcmp0(name, SD_BUS_ERROR_ACCESS_DENIED) == 0 ||
            g_strcmp0(name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) == 0)
                code = SC_ERROR_ACCESS_DENIED;
        else if (g_strcmp0(name, SC_SYSTEMD_SERVICE ".NoSuchUnit") == 0 || g_strcmp0(name, SC_SYSTEMD_SERVICE ".NoSuchJob") == 0 ||
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
        /* systemd says it to all. What is addressed to us comes from anybody on the bus, and the match does not tell the two apart.
         */
        if (sd_bus_message_get_destination(message) != NULL)
                return 0;
        int r = sd_bus_message_read(message, "uoss", &id, &path, &unit, &result);
        if (r >= 0 && g_strcmp0(path, systemd->job) == 0 && systemd->result == NULL)
                systemd->result = g_strdup(result);
        return 0;
}

/* systemd's own socket speaks D-Bus without a bus: no Hello, no names, and signals come unasked. It is what systemctl uses for
 * root, and a user of his own manager. */
static int open_direct(const ScScope *scope, sd_bus **ret)
{
        g_autofree char *escaped = g_dbus_address_escape_value(scope->systemd_socket);
        g_autofree char *address = g_strconcat("unix:path=", escaped, NULL);
        __attribute__((cleanup(sd_bus_close_unrefp))) sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
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
        int r = sd_bus_match_signal(systemd->bus, NULL, systemd->direct ? NULL : SC_SYSTEMD_SERVICE, SC_SYSTEMD_OBJECT,
                                    SC_SYSTEMD_MANAGER, "JobRemoved", on_job_removed, systemd);
        if (r >= 0 && !systemd->direct)
                r = sd_bus_call_method(systemd->bus, SC_SYSTEMD_SERVICE, SC_SYSTEMD_OBJECT, SC_SYSTEMD_MANAGER, "Subscribe", NULL,
                                       NULL, NULL);
        return r;
}

static bool owns_socket(const ScScope *scope)
{
        return scope->kind == SC_SCOPE_USER || geteuid() == 0;
}

static int open_bus(const ScScope *scope, sd_bus **ret)
{
        return scope->kind == SC_SCOPE_USER ? sd_bus_open_user(ret) : sd_bus_open_system(ret);
}

static bool connect_bus(ScSystemd *systemd, GError **error)
{
        g_clear_pointer(&systemd->bus, sd_bus_close_unref);
        systemd->direct = owns_socket(systemd->scope) && open_direct(systemd->scope, &systemd->bus) >= 0;
        int r = systemd->direct ? 0 : open_bus(systemd->scope, &systemd->bus);
        if (r >= 0)
                r = subscribe(systemd);
        if (r < 0) {
                g_clear_pointer(&systemd->bus, sd_bus_close_unref);
                return sc_systemd_throw(error, r, NULL, "Cannot reach systemd");
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

bool sc_systemd_ensure_open(ScSystemd *systemd, GError **error)
{
        guint64 until = now() + AWAY_MAX;
        while (!is_open(systemd)) {
                g_autoptr(GError) local = NULL;
                if (connect_bus(systemd, &local) && sd_bus_call_method(systemd->bus, SC_SYSTEMD_SERVICE, SC_SYSTEMD_OBJECT,
                                                                       "org.freedesktop.DBus.Peer", "Ping", NULL, NULL, NULL) >= 0)
                        return true;
                if (now() > until)
                        return local != NULL ? (g_propagate_error(error, g_steal_pointer(&local)), false)
                                             : sc_throw(error, SC_ERROR_FAILED, "systemd does not answer");
                g_clear_pointer(&systemd->bus, sd_bus_close_unref);
                g_usleep(AWAY_STEP);
        }
        return true;
}

ScSystemd *sc_systemd_open(const ScScope *scope, GError **error)
{
        g_autoptr(ScSystemd) systemd = g_new0(ScSystemd, 1);
        systemd->scope = scope;
        if (!connect_bus(systemd, error))
                return NULL;
        return g_steal_pointer(&systemd);
}

const ScScope *sc_systemd_scope(const ScSystemd *systemd)
{
        return systemd->scope;
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

/* One try; a negative errno, with bus_error where systemd answered. */
static int call_once(ScSystemd *systemd, const ScSystemdMethod *method, Message **ret, sd_bus_error *bus_error, const char *types,
                     va_list arguments)
{
        g_autoptr(Message) message = NULL;
        int r = sd_bus_message_new_method_call(systemd->bus, &message, SC_SYSTEMD_SERVICE, method->path, method->interface,
                                               method->member);
        if (r >= 0 && *types != '\0')
                r = sd_bus_message_appendv(message, types, arguments);
        if (r >= 0)
                r = sd_bus_call(systemd->bus, message, SC_SYSTEMD_PATIENCE, bus_error, ret);
        return r;
}

static bool call_again(ScSystemd *systemd, const char *what, const ScSystemdMethod *method, Message **ret, GError **error,
                       const char *types, va_list arguments)
{
        int r = -ENOTCONN;
        for (unsigned tries = 0; tries < CALL_TRIES && (r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE); tries++) {
                g_autoptr(Message) reply = NULL;
                __attribute__((cleanup(sd_bus_error_free))) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
                if (!sc_systemd_ensure_open(systemd, error))
                        return false;
                va_list copy;
                va_copy(copy, arguments);
                r = call_once(systemd, method, &reply, &bus_error, types, copy);
                va_end(copy);
                /* a signal that is handled elsewhere: it does not count */
                if (r == -EINTR) {
                        r = -ENOTCONN;
                        tries--;
                        continue;
                }
                if (r >= 0 && ret != NULL)
                        *ret = g_steal_pointer(&reply);
                if (r < 0 && sd_bus_error_is_set(&bus_error) && sd_bus_is_open(systemd->bus) > 0)
                        return sc_systemd_throw(error, r, &bus_error, what);
        }
        return r >= 0 || sc_systemd_throw(error, r, NULL, what);
}

bool sc_systemd_call_object(ScSystemd *systemd, const char *what, const ScSystemdMethod *method, Message **ret, GError **error,
                            const char *types, ...)
{
        va_list arguments;
        va_start(arguments, types);
        bool ok = call_again(systemd, what, method, ret, error, types, arguments);
        va_end(arguments);
        return ok;
}

bool sc_systemd_call(ScSystemd *systemd, const char *what, const char *member, Message **ret, GError **error, const char *types,
                     ...)
{
        const ScSystemdMethod method = {SC_SYSTEMD_OBJECT, SC_SYSTEMD_MANAGER, member};
        va_list arguments;
        va_start(arguments, types);
        bool ok = call_again(systemd, what, &method, ret, error, types, arguments);
        va_end(arguments);
        return ok;
}

static int new_transient(ScSystemd *systemd, const char *unit, ScSystemdProperties append, gconstpointer data, Message **ret)
{
        g_autoptr(Message) message = NULL;
        int r = sd_bus_message_new_method_call(systemd->bus, &message, SC_SYSTEMD_SERVICE, SC_SYSTEMD_OBJECT, SC_SYSTEMD_MANAGER,
                                               "StartTransientUnit");
        if (r < 0 || (r = sd_bus_message_append(message, "ss", unit, "fail")) < 0 ||
            (r = sd_bus_message_open_container(message, 'a', "(sv)")) < 0 || (r = append(message, data)) < 0 ||
            (r = sd_bus_message_close_container(message)) < 0 || (r = sd_bus_message_append(message, "a(sa(sv))", 0)) < 0)
                return r;
        *ret = g_steal_pointer(&message);
        return 0;
}

/* Not asked again where the connection was lost: it may have been started. */
bool sc_systemd_start_transient(ScSystemd *systemd, const char *unit, ScSystemdProperties append, gconstpointer data,
                                const char *what, Message **ret, GError **error)
{
        g_autoptr(Message) message = NULL;
        __attribute__((cleanup(sd_bus_error_free))) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        if (!sc_systemd_ensure_open(systemd, error))
                return false;
        g_clear_pointer(&systemd->job, g_free);
        int r = new_transient(systemd, unit, append, data, &message);
        if (r >= 0)
                r = sd_bus_call(systemd->bus, message, SC_SYSTEMD_PATIENCE, &bus_error, ret);
        return r >= 0 || sc_systemd_throw(error, r, &bus_error, what);
}

bool sc_systemd_forgive_missing(bool ok, GError **local, GError **error)
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

int sc_systemd_sleep(sd_bus *bus, guint64 until, struct pollfd *more, nfds_t n_more)
{
        guint64 bus_until;
        int r = sd_bus_get_timeout(bus, &bus_until);
        int events = r >= 0 ? sd_bus_get_events(bus) : r;
        if (events < 0)
                return events;
        struct pollfd fds[1 + SC_SYSTEMD_SLEEP_MAX] = {{.fd = sd_bus_get_fd(bus), .events = (short)events}};
        g_assert(n_more <= SC_SYSTEMD_SLEEP_MAX);
        memcpy(fds + 1, more, n_more * sizeof *more);
        until = MIN(until, bus_until);
        guint64 from = now();
        struct timespec rest = {0};
        if (until > from) {
                rest.tv_sec = (time_t)((until - from) / G_USEC_PER_SEC);
                rest.tv_nsec = (long)((until - from) % G_USEC_PER_SEC) * 1000;
        }
        r = ppoll(fds, 1 + n_more, until == G_MAXUINT64 ? NULL : &rest, NULL);
        memcpy(more, fds + 1, n_more * sizeof *more);
        return r < 0 && errno != EINTR ? -errno : 0;
}
