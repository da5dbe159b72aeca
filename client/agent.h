/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* polkit's text agent, which asks for a password on this terminal when the caller's session has no agent of its own. */

#include <glib.h>

typedef struct ScAgent ScAgent;

/* Returns when it is registered. NULL where there is no such program, or it ended at once: authorization then works without
 * dialogs. */
ScAgent *sc_agent_start(void);
void sc_agent_free(ScAgent *agent);
