/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker's transient unit in systemd's hands: started, watched, looked for and stopped. systemd may execute itself anew, and the
 * bus may lose or refuse what is said: what has no answer is said again, and a start without one is looked into. The protocol:
 * org.freedesktop.systemd1(5). */

#include "job/worker-unit.h"

typedef struct ScRunningUnit ScRunningUnit;

/* How far its worker has come, as far as its owner has heard. */
typedef enum {
        SC_WORKER_UNSEEN, /* nobody has taken its request */
        SC_WORKER_BEGUN,
        SC_WORKER_DONE, /* it has had its last word */
} ScWorkerTrace;

/* Whose unit it is; it may be freed in `not_started` and in `gone`. */
typedef struct {
        ScWorkerTrace (*trace)(gpointer owner);
        void (*not_started)(gpointer owner, const char *why); /* why: NULL: because it was stopped before */
        void (*gone)(gpointer owner);                         /* systemd does not know it; said again when it was asked again */
} ScUnitOwner;

/* job, workers and owner must outlive it. */
ScRunningUnit *sc_running_unit_new(const ScWorkers *workers, const ScJob *job, const ScUnitOwner *owner, gpointer data);
/* Stops listening to systemd, and leaves the unit as it is. */
void sc_running_unit_free(ScRunningUnit *unit);

/* To be said before it is started, or looked for. */
bool sc_running_unit_watch(ScRunningUnit *unit, GError **error);
/* worker_fd: the worker's end of its socket pair, taken over. Until sc_running_unit_insist() nothing is tried twice. */
bool sc_running_unit_start(ScRunningUnit *unit, int worker_fd, GError **error);
/* Its worker has work to do. */
void sc_running_unit_insist(ScRunningUnit *unit);
/* Asks systemd whether it is there; what is there is stopped, or left. A negative errno. */
typedef enum { SC_LOOK_AND_LEAVE, SC_LOOK_AND_STOP } ScLook;
int sc_running_unit_look(ScRunningUnit *unit, ScLook look);
/* Until systemd has heard it. */
void sc_running_unit_stop(ScRunningUnit *unit);
/* Once, for an owner who is about to free it. */
void sc_running_unit_stop_unheard(const ScRunningUnit *unit);

const char *sc_running_unit_name(const ScRunningUnit *unit);
/* The unit's Result; NULL: it has not said one. */
const char *sc_running_unit_result(const ScRunningUnit *unit);
/* With which options it was started. */
const ScWorkerOptions *sc_running_unit_options(const ScRunningUnit *unit);
