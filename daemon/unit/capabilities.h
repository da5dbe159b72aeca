/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The value of ALL_PROCESS_CAPABILITIES: capabilities as a list for a JSON array, "CAP_CHOWN",\n"CAP_KILL" ... with the quotes. */

#include <glib.h>

/* Those whose bit is set in bounding, up to number last; numbers without a name here (a newer kernel's) are left out. */
char *sc_capabilities_list(guint last, guint64 bounding);

/* What a service of this host can have: the kernel's capabilities within the bounding set of PID 1. A process that asks for
 * more does not start, as on a host that is a container itself. NULL on error. */
char *sc_capabilities_of_host(GError **error);
