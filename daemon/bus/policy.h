/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* GetPolicy and SetPolicy of the manager: policy.json, containers-policy.json(5). The daemon hands the text through; what is in it
 * is for the worker that writes it. GetLookaside: where signatures lie, containers-registries.d(5). */

#include "bus/call.h"

int sc_bus_policy_get(sd_bus_message *message, void *data, sd_bus_error *ret_error);
int sc_bus_policy_get_lookaside(sd_bus_message *message, void *data, sd_bus_error *ret_error);
bool sc_bus_policy_run_set(ScCall *call, GError **error);
