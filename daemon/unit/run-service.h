/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program that systemd runs for a worker as a transient service, with somebody's input, output or terminal: with all rights of
 * root, and outside of the worker's sandbox. Words of commands are passed on as they are; argv[0] is an absolute path. */

#include "systemd.h"

typedef struct {
        const char *unit; /* a name that nothing else has */
        const char *description;
        char *const *before; /* a command that must succeed first; NULL: none */
        char *const *argv;
        char *const *after;                 /* carried out in the end whatever became of it; its failure is no matter */
        char *const *after_that;            /* and this; NULL: none */
        int stdin_fd, stdout_fd, stderr_fd; /* -1: nothing to read, the journal, the journal; stay the caller's */
        const char *bound_to;               /* a unit with whose end it ends, however that comes; NULL: none */
        guint stop_seconds;                 /* from SIGTERM to SIGKILL */
        int signals_fd;                     /* each byte read from it is a signal for the program; -1: none */
} ScRunService;

/* Runs it for as long as it takes, and returns when the unit and all its processes are gone. *ret_status: 0 to 255 as a shell has
 * it, 128 and the number for a signal. Cancelled: it was stopped, by the cancellable or by somebody else. */
bool sc_run_service(ScSystemd *systemd, const ScRunService *service, GCancellable *cancellable, int *ret_status, GError **error);
