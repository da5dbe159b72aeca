/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Points at which a test can end or fail the process (configure --enable-failpoints; nothing is left of them otherwise).
 * The file /run/sysconsd/failpoint (a user's: in XDG_RUNTIME_DIR) holds lines "NAME ACTION", ACTION one of: kill (the file removed,
 * SIGKILL to itself), error, enospc, stop (SIGSTOP to itself), sleep (30 s), wait (until there is a file of that name with ".go"
 * behind it, or 30 s). A "#N" behind the name means its Nth passing in this process. */

#include <glib.h>
#include <stdbool.h>

#ifdef SC_FAILPOINTS
/* False with an error if the test asked for one. */
bool sc_failpoint(const char *name, GError **error);
#else
static inline bool sc_failpoint(const char *name G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
        return true;
}
#endif
