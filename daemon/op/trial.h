/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verdict on a service that was just started: it must stay up, with the same main process and without a restart, for the
 * settling time. A verdict is about the image, for good: nobody is judged by a cancelled job, a machine that is shut down, or
 * systemd that does not answer. */

#include "unit/systemd.h"

typedef enum {
        SC_VERDICT_GOOD,
        SC_VERDICT_BAD,  /* the error says what was seen */
        SC_VERDICT_NONE, /* the error says why */
} ScVerdict;

ScVerdict sc_trial_hold(ScSystemd *systemd, const char *unit, guint settling_time, GCancellable *cancellable, GError **error);

/* Whether it was the service's fault that it did not start. */
bool sc_trial_condemns_start(ScSystemd *systemd, const char *unit);
