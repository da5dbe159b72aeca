/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/info.h"
#include "unit/systemd.h"

/* Exists where the unit is somebody else's: ours would shadow it. */
bool sc_unit_is_free(ScSystemd *systemd, const char *unit, GError **error);
/* How a container's unit is before a change. A masked one is an error: it could not be started again. `live` is what is installed
 * (NULL: nothing, or it cannot be read): where that has no service, a unit of its name is somebody else's, and counts for nothing.
 */
bool sc_unit_observe(ScSystemd *systemd, const char *unit, const ScInfo *live, bool *ret_active, bool *ret_enabled, GError **error);
