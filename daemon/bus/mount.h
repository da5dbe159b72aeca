/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manager.Mount and Unmount. */

#include "bus/call.h"

bool sc_bus_mount_plan(ScCall *call, GError **error);
bool sc_bus_mount_run(ScCall *call, GError **error);
bool sc_bus_unmount_plan(ScCall *call, GError **error);
bool sc_bus_unmount_run(ScCall *call, GError **error);
