/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.sysconsd1.Job, and the Manager's signals about jobs. */

#include "bus/service.h"

typedef struct ScCall ScCall;

#define SC_BUS_JOB "org.sysconsd1.Job"

int sc_bus_job_publish(ScService *service);
char *sc_bus_job_path(guint64 id);
/* All of them, by sc_bus_objects_append(). */
int sc_bus_job_append_all(sd_bus_message *reply, ScService *service);

/* What the queue tells, on the bus; data is the service. */
extern const ScQueueSink sc_bus_job_sink;

/* Watches the connections that asked for jobs taken over from an earlier daemon. */
void sc_bus_job_watch_owners(ScService *service);
/* Queues the end of an interrupted operation on a container; NULL: of everything that was interrupted. */
void sc_bus_job_recover(ScService *service, const char *container);

/* Queues a look at the images that another program pulled. */
void sc_bus_job_describe(ScService *service);

bool sc_bus_job_plan_cancel(ScCall *call, GError **error);
bool sc_bus_job_run_cancel(ScCall *call, GError **error);
