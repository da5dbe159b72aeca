/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which image each container was of before an update of several, and what became of it. */

#include "run.h"

typedef struct ScSummary ScSummary;

/* Looks at the containers as they are. */
ScSummary *sc_summary_new(ScClient *client, GError **error);
void sc_summary_free(ScSummary *summary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScSummary, sc_summary_free)

/* The names of all of them that can be updated, NULL-terminated, owned by the summary. Preinstalled ones are the host's: each is
 * told of by a line, and is in the summary as skipped. */
char *const *sc_summary_updatable(ScSummary *summary);

/* A ScTask.summarize whose data begins with a ScSummary *: a table, or with --json the outcomes with "before", "after" (image ids)
 * and "status" ("updated", "up to date", "failed", "skipped", "started", "interrupted"). Called as atomic: atomic's table. */
bool sc_summary_show(ScClient *client, const ScRun *runs, guint n_runs, gconstpointer data, GError **error);
