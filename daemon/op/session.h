/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A command that runs once, with the caller's input and output or terminal, for as long as it takes: in a container that runs
 * (`RUNTIME exec`), or in one that is made for it of a temporary bundle. It has a unit of its own, sysconsd-run-N.service, which
 * ends with the worker's, however that comes; its folder goes with the session, or else with the next sweep. */

#include "op.h"
#include "unit/systemd.h"

typedef struct {
        ScOpContext *context;
        ScSystemd *systemd;
        char *id;     /* sysconsd-run-N: the unit's name, the container's, the folder's */
        char *folder; /* absolute path: the bundle */
        int checkout_fd, folder_fd, lock_fd;
        char **argv; /* the command; NULL: none was given */
        bool has_terminal;
        int stdin_fd, stdout_fd, stderr_fd, signals_fd; /* -1: none */
} ScSession;

/* Takes the options argv, terminal or stdin, stdout and stderr, and signals; takes away what was abandoned; makes the folder. */
ScSession *sc_session_begin(ScOpContext *context, GError **error);
/* Removes the folder. */
void sc_session_end(ScSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScSession, sc_session_end)

/* Both fill the job's detail exit-status. config: text of a config.json. */
/* In the container, which that is the configuration of; argv may not be NULL here. */
bool sc_session_exec(ScSession *session, const char *runtime, const char *container, const char *config, GError **error);
/* place: the folder that its relative paths count from, NULL: the session's. tmpfiles: lines for
 * what is missing on the host, "" for none. */
bool sc_session_run(ScSession *session, const char *runtime, const char *config, const char *place, const char *tmpfiles,
                    GError **error);

/* Stops and removes sessions whose worker is gone. */
bool sc_session_sweep(ScOpContext *context, GError **error);
