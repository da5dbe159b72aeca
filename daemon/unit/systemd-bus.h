/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to systemd, for the systemd-*.c only: over the bus or its private socket, made anew where it was lost. */

#include "systemd.h"
#include <poll.h>
#include <systemd/sd-bus.h>

#define SC_SYSTEMD_SERVICE "org.freedesktop.systemd1"
#define SC_SYSTEMD_OBJECT "/org/freedesktop/systemd1"
#define SC_SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

struct ScSystemd {
        const ScScope *scope;
        sd_bus *bus;
        bool direct;  /* systemd itself at the other end, no message bus between */
        char *job;    /* the one waited for */
        char *result; /* its result, once it is known */
};

typedef struct {
        const char *path, *interface, *member;
} ScSystemdMethod;

/* For the end of a job of systemd. */
typedef struct {
        const char *unit;
        const char *verb; /* for messages: "start" */
        guint64 deadline; /* of the monotonic clock, G_MAXUINT64: none */
        GCancellable *cancellable;
} ScSystemdWait;

typedef sd_bus_message Message;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, sd_bus_message_unref)

/* A connection that was lost is made anew, as soon as systemd answers. */
bool sc_systemd_ensure_open(ScSystemd *systemd, GError **error);
/* Calls a method of any object. ret NULL: the answer says nothing. Each of those used can be called again where the connection was
 * lost before the answer came. */
bool sc_systemd_call_object(ScSystemd *systemd, const char *what, const ScSystemdMethod *method, Message **ret, GError **error,
                            const char *types, ...);
/* The same of the manager. */
bool sc_systemd_call(ScSystemd *systemd, const char *what, const char *member, Message **ret, GError **error, const char *types,
                     ...);
/* r: a negative errno; bus_error: what systemd said, or NULL. Returns false. */
bool sc_systemd_throw(GError **error, int r, const sd_bus_error *bus_error, const char *what);
/* Clears a NotFound: true if there was no error or that one. */
bool sc_systemd_forgive_missing(bool ok, GError **local, GError **error);
/* Waits for the job that the reply names; systemd->result is what became of it. */
bool sc_systemd_wait_for_job(ScSystemd *systemd, Message *reply, const ScSystemdWait *wait, GError **error);
/* How often a cancellable without a descriptor is looked at, in microseconds. */
#define SC_SYSTEMD_LOOK_INTERVAL (G_USEC_PER_SEC / 10)

#define SC_SYSTEMD_SLEEP_MAX 4
/* Sleeps until the connection has something to do, one of `more` (at most SC_SYSTEMD_SLEEP_MAX) is ready, or the monotonic clock
 * says `until` (G_MAXUINT64: never). A negative errno. */
int sc_systemd_sleep(sd_bus *bus, guint64 until, struct pollfd *more, nfds_t n_more);
/* Appends the (sv) of a transient unit; a negative errno. */
typedef int (*ScSystemdProperties)(Message *message, gconstpointer data);
/* Starts a transient unit that must not be there. `what` cannot be done where that fails. *ret: the answer, which names the job to
 * wait for. */
bool sc_systemd_start_transient(ScSystemd *systemd, const char *unit, ScSystemdProperties append, gconstpointer data,
                                const char *what, Message **ret, GError **error);
/* One more property of a transient unit: ExecStart, ExecStartPre ... */
int sc_systemd_append_command(Message *message, const char *property, char *const *argv, bool may_fail);
