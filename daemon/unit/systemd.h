/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd, asked by a worker over the bus (or, at boot when there is none yet, over its private socket). Calls block; they are
 * made by one thread. */

#include "base/scope.h"
#include <gio/gio.h>

typedef struct ScSystemd ScSystemd;

/* The scope's manager, over its private socket or else its bus. The scope must outlive the result. */
ScSystemd *sc_systemd_open(const ScScope *scope, GError **error);
const ScScope *sc_systemd_scope(const ScSystemd *systemd);
void sc_systemd_close(ScSystemd *systemd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScSystemd, sc_systemd_close)

/* Units are named in full: "etcd.service". */
bool sc_systemd_reload(ScSystemd *systemd, GError **error);
bool sc_systemd_enable(ScSystemd *systemd, const char *unit,
                       GError **error); /* EnableUnitFiles, then the folders of its links synced */
bool sc_systemd_disable(ScSystemd *systemd, const char *unit, GError **error); /* a unit that is not there is no error */
/* "enabled", "disabled", "static", ...; *ret NULL where there is no such unit file. */
bool sc_systemd_file_state(ScSystemd *systemd, const char *unit, char **ret, GError **error);

/* Start, stop, restart: wait for the result of systemd's job; anything but "done" is Failed naming the unit and the result. A
 * start waits at most timeout seconds (0: as long as systemd does), then Failed. With cancellable: the job is cancelled. */
bool sc_systemd_start(ScSystemd *systemd, const char *unit, guint timeout, GCancellable *cancellable, GError **error);
bool sc_systemd_stop(ScSystemd *systemd, const char *unit, GCancellable *cancellable, GError **error); /* not loaded: no error */
bool sc_systemd_restart(ScSystemd *systemd, const char *unit, GCancellable *cancellable, GError **error);
/* Queues a start and does not wait (recovery at boot). */
bool sc_systemd_start_later(ScSystemd *systemd, const char *unit, GError **error);
bool sc_systemd_reset_failed(ScSystemd *systemd, const char *unit, GError **error);

typedef enum {
        SC_SYSTEMD_RIGHTS_ROOT, /* all, unless `writable` is set */
        /* No network, and of the host nothing can be changed but the container storage of podman, whose overlays it may mount. */
        SC_SYSTEMD_RIGHTS_STORAGE,
} ScSystemdRights;

typedef struct {
        const char *unit;               /* a name that nothing else has */
        char *const *argv;              /* argv[0]: an absolute path */
        const char *const *environment; /* "NAME=VALUE" each; NULL: nothing besides systemd's */
        guint seconds;                  /* that it may take */
        int input_fd;                   /* what it reads; 0: nothing */
        int output_fd;                  /* gets what it prints; -1: the unit's journal does */
        const int *error_fd;            /* gets the errors that it prints; NULL: as output_fd */
        ScSystemdRights rights;
        const char *writable; /* the only folder that it may write to; then there is no network, nor more privilege than
                                 files need, either, and users have numbers only. NULL: all rights of root */
} ScSystemdCommand;

/* Runs it as a service of its own, outside of our sandbox, at boot, too. *ret_success: it ended with exit status 0. */
bool sc_systemd_run(ScSystemd *systemd, const ScSystemdCommand *command, GCancellable *cancellable, bool *ret_success,
                    GError **error);

/* The name of the mount unit of a folder, an absolute path; NULL where that is too long. */
char *sc_systemd_mount_unit(const char *path);
/* Has `what`, a folder, seen on the folder `where`, too: read-only, without set-user-ID programs and devices, as a transient unit
 * in the host's mount namespace. It is unmounted by stopping the unit. */
bool sc_systemd_mount(ScSystemd *systemd, const char *what, const char *where, const char *description, GCancellable *cancellable,
                      GError **error);

/* Whether the system is being shut down. */
bool sc_systemd_is_stopping(ScSystemd *systemd, bool *ret, GError **error);

typedef struct {
        char *load_state;   /* "loaded", "not-found", ... */
        char *active_state; /* "active", "failed", ... */
        char *sub_state;
        char *type;          /* Type= of the service */
        char *result;        /* Result: "success", "exit-code" ... */
        char *fragment_path; /* "" where there is none */
        guint main_pid;
        guint restarts;  /* NRestarts */
        int exit_code;   /* ExecMainCode: CLD_EXITED, CLD_KILLED ...; 0 while it runs */
        int exit_status; /* ExecMainStatus: exit status or signal */
        int is_stale;    /* NeedDaemonReload: its files are others than those that systemd has read; or 0 */
} ScUnitState;
void sc_unit_state_clear(ScUnitState *state);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScUnitState, sc_unit_state_clear)
bool sc_systemd_state(ScSystemd *systemd, const char *unit, ScUnitState *ret, GError **error);
