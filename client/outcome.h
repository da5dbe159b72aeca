/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of a job: as an exit code, as JSON. */

#include "exit.h"
#include <json-glib/json-glib.h>

/* How a job ended. */
typedef struct {
        guint64 number;
        char *path;
        char *operation;
        char *subject;
        char *result;        /* "done", "failed", "cancelled"; NULL: --no-wait, it runs on */
        JsonObject *details; /* never NULL; of a failed one "error-name" and "error-message" */
} ScOutcome;

void sc_outcome_free(ScOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScOutcome, sc_outcome_free)

/* True for a job that is done or runs on; otherwise SC_EXIT_FAILED, SC_EXIT_NOT_FOUND (its error is
 * org.sysconsd1.Error.NotFound) or SC_EXIT_INTERRUPTED is set. */
bool sc_outcome_check(const ScOutcome *outcome, GError **error);
/* What a command that the job ran has ended with; 0 for other jobs. */
int sc_outcome_exit_status(const ScOutcome *outcome);
/* {"job", "path", "operation", "subject", "result", "details"} */
JsonNode *sc_outcome_to_json(const ScOutcome *outcome);
