/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One job after the other: what every verb does that changes something and may be given several names. */

#include "options.h"
#include "streams.h"
#include "wait.h"

/* What became of one name. */
typedef struct {
        const char *name;
        ScOutcome *outcome; /* NULL: there was no job, or it was left */
        GError *error;      /* NULL: done */
} ScRun;

/* What is done with each name. */
typedef struct {
        /* Makes the call that starts the job. */
        bool (*make_call)(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error);
        gconstpointer data;
        const char *actions; /* the polkit actions that guard it, for messages */
        /* Shows what became of several names, with --json as an array, in place of the outcomes; NULL: there is no summary. */
        bool (*summarize)(ScClient *client, const ScRun *runs, guint n_runs, gconstpointer data, GError **error);
        ScStreams *streams; /* of a command that the job may run; its exit status becomes the program's. NULL: none */
} ScTask;

/* Where the client only displays, the plan of each is shown instead (plan.h). Goes on after a failure, but not after an
 * interruption or when sysconsd is gone. A single failure is the error; of several, each is reported where it happens and the error
 * counts them. With --json the outcomes are printed, as an array if `many`. */
bool sc_run_each(ScClient *client, const ScTask *task, char *const *names, bool many, GError **error);

/* The command line of a verb that does the same with each of its arguments: read by the syntax, whose options the task's data are.
 */
bool sc_run_arguments(ScClient *client, const ScSyntax *syntax, const ScTask *task, int argc, char **argv, GError **error);

/* The outcome, of a name without a job as well: an object. */
JsonNode *sc_run_to_json(const ScRun *run);

/* The call METHOD(a{sv}) -> o of a container, found by its name, or the call of its plan. The options are left open. */
bool sc_container_call(ScClient *client, const char *name, const char *method, sd_bus_message **ret, GError **error);

/* A ScTask.make_call that pulls; data is not used. images.c. */
#define SC_PULL_ACTIONS "org.sysconsd1.pull, or org.sysconsd1.import for `http:` and files"
bool sc_pull_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error);
