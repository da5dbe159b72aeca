/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The value of ALL_PROCESS_CAPABILITIES: capabilities as a list for a JSON array, "CAP_CHOWN",\n"CAP_KILL" ... with the quotes. */

#include <glib.h>

/* Those whose bit is set in bounding, up to number last; numbers without a name here (a newer kernel's) are left out. */
char *sc_capabilities_list(guint last, guint64 bounding);

/* The same, from files as /proc/sys/kernel/cap_last_cap and /proc/1/status (proc(5)). One that is not there, or not for this user,
 * narrows nothing down; NULL where one cannot be read for another reason. */
char *sc_capabilities_read(const char *last_path, const char *status_path, GError **error);

/* What a service of this host can have: the kernel's capabilities within the bounding set of PID 1. A process that asks for
 * more does not start, as on a host that is a container itself. NULL on error. */
char *sc_capabilities_of_host(GError **error);
