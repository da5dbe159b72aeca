/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker: one stage of a job, run as the transient unit sysconsd-job-N.service (a pull before another operation:
 * sysconsd-job-N-pull.service, beside which the other one may be there already, and wait), with one end of a socket pair as its
 * stdin. Everything that a worker says is checked by job/protocol.c, and taken at a bounded rate. The bus connection must be
 * subscribed to systemd's signals. */

#include "job/queue.h"
#include <systemd/sd-bus.h>

#define SC_WORKER_UNITS "sysconsd-job-*.service"

/* The runner's data; must outlive all processes. */
typedef struct {
        sd_bus *bus;
        const ScConfig *config;
        const char *worker;      /* absolute path of the program */
        const char *config_path; /* its --config; NULL: the installed one */
        char *repository;        /* path of the repository as far as known, NULL: none yet; owned */
} ScWorkers;

extern const ScStageRunner sc_process_runner;

/* A worker of an earlier daemon; for sc_queue_adopt(). */
typedef struct {
        const ScWorkers *workers;
        int socket_fd; /* taken over; -1: lost, so that only the end of the unit is noticed */
} ScAdoption;
gpointer sc_process_adopt(gpointer adoption, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error);

char *sc_process_unit_name(const ScJob *job);
/* Whether it is the name of a worker's unit; gives the job's number and stage. */
bool sc_process_parse_unit_name(const char *unit, guint64 *ret_id, ScJobStage *ret_stage);
/* "sysconsd OPERATION SUBJECT", the unit's description, and back; false for anything else. */
char *sc_process_description(const ScJob *job);
bool sc_process_parse_description(const char *text, char **ret_operation, char **ret_subject);
