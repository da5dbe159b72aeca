/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.sysconsd1.Manager. */

#include "base/reference.h"
#include "bus/service.h"

typedef struct ScCall ScCall;

#define SC_BUS_MANAGER "org.sysconsd1.Manager"

int sc_bus_manager_publish(ScService *service);

/* call->subject as a name. An id, or the beginning of one, is of an image that is here: then it is that one's name. */
ScReference *sc_reference_or_id(const ScCall *call, GError **error);

/* Whether the option pull, and what is there, say that the image is to be pulled first. A container that is there already
 * (call->container) is left alone: nothing is pulled for it. */
bool sc_plan_wants_pull(const ScCall *call, const ScReference *reference);

bool sc_bus_manager_plan_pull(ScCall *call, GError **error);
bool sc_bus_manager_run_pull(ScCall *call, GError **error);
bool sc_bus_manager_plan_check_login(ScCall *call, GError **error);
bool sc_bus_manager_run_check_login(ScCall *call, GError **error);
bool sc_bus_manager_plan_install(ScCall *call, GError **error);
bool sc_bus_manager_run_install(ScCall *call, GError **error);
bool sc_bus_manager_run_prune(ScCall *call, GError **error);
