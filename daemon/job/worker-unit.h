/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The transient unit of a worker: sysconsd-job-N.service, with N the job's number, or for a pull before another operation
 * sysconsd-job-N-pull.service, beside which the other one may be there already, and wait. */

#include "base/config.h"
#include "job/job.h"
#include <systemd/sd-bus.h>

#define SC_WORKER_UNITS "sysconsd-job-*.service"

/* What all workers have in common. */
typedef struct {
        sd_bus *bus;
        const ScConfig *config;
        const char *worker;      /* absolute path of the program */
        const char *config_path; /* its --config; NULL: the installed one */
        char *repository;        /* path of the repository as far as known, NULL: none yet; owned */
} ScWorkers;

/* What a worker is told of its sandbox, because it depends on more than the operation: --sysroot and --without-homes. */
typedef struct {
        bool opens_sysroot;
        bool hides_homes;
} ScWorkerOptions;

ScWorkerOptions sc_worker_options(const ScWorkers *workers, const ScJob *job);

/* Appends all arguments of StartTransientUnit. worker_fd: the worker's end of the socket pair, copied. A negative errno, with error
 * set where there is more to say than that. */
int sc_worker_unit_append(sd_bus_message *m, const ScWorkers *workers, const ScJob *job, const ScWorkerOptions *options,
                          int worker_fd, GError **error);

char *sc_worker_unit_name(const ScJob *job);
/* Whether it is the name of a worker's unit; gives the job's number and stage. */
bool sc_worker_unit_parse_name(const char *unit, guint64 *ret_id, ScJobStage *ret_stage);
/* "sysconsd OPERATION SUBJECT", and back; false for anything else. */
char *sc_worker_unit_description(const ScJob *job);
bool sc_worker_unit_parse_description(const char *text, char **ret_operation, char **ret_subject);
