/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager.Run: a command in a container, or in one that is made of an image for it alone. */

#include <glib.h>
#include <stdbool.h>

typedef struct ScCall ScCall;

bool sc_bus_command_plan(ScCall *call, GError **error);
bool sc_bus_command_run(ScCall *call, GError **error);
