/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verdict on a service that was just started: it must stay up, with the same main process and without a restart, for the
 * settling time. */

#include "unit/systemd.h"

/* True: healthy. Failed: the verdict is bad, the message says what was seen. Cancelled: no verdict. */
bool sc_trial_hold(ScSystemd *systemd, const char *unit, guint settling_time, GCancellable *cancellable, GError **error);
