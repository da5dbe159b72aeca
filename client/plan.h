/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a verb would do: its call becomes one of Manager.Plan where the client is to display only. */

#include "run.h"

/* The call METHOD(argument, a{sv}) of the manager, or of its plan. The options are left open. argument NULL: the method takes none.
 */
bool sc_plannable_call(ScClient *client, const char *method, const char *argument, sd_bus_message **ret, GError **error);

/* Prints the plan for each name. What would refuse the operation is an error, behind the plan. */
bool sc_plan_each(ScClient *client, const ScTask *task, char *const *names, bool many, GError **error);

/* A plan (dbus/org.sysconsd1.Manager.xml) as text for humans. */
char *sc_plan_format(JsonObject *plan);
