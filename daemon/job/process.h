/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker: one stage of a job, run as a transient unit (job/worker-unit.h) with one end of a socket pair as its stdin. Everything
 * that a worker says is checked by job/protocol.c, and taken at a bounded rate. The bus connection must be subscribed to systemd's
 * signals. */

#include "job/protocol.h"
#include "job/queue.h"
#include "job/worker-unit.h"

/* Its data is a ScWorkers, which must outlive all processes. */
extern const ScStageRunner sc_process_runner;

/* A worker of an earlier daemon; for sc_queue_adopt(). */
typedef struct {
        const ScWorkers *workers;
        int socket_fd;             /* taken over; -1: lost, so that only the end of the unit is noticed */
        const ScPacket *last_word; /* NULL: none was heard yet */
} ScAdoption;
gpointer sc_process_adopt(gpointer adoption, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error);
