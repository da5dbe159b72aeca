/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager.Plan: the call is answered when the job that makes the plan is over. */

#include "bus/call.h"

/* The table of ScService.plans. */
GHashTable *sc_bus_plans_new(void);

/* The verb whose plan can be asked for; Unsupported, naming those that there are. */
const ScVerb *sc_bus_plan_find(const char *operation, GError **error);
/* The options of its plan: those of the verb, and show-values. To be freed by g_free(). */
ScOption *sc_bus_plan_options(const ScVerb *planned);

bool sc_bus_plan_plan(ScCall *call, GError **error);
bool sc_bus_plan_run(ScCall *call, GError **error);

/* A job is over: answers who waits for its plan, and takes that out of the job's details, which everybody may read. */
void sc_bus_plan_answer(ScService *service, ScJob *job);
