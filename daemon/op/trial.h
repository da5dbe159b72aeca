/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verdict on a service that was just started: it must stay up, with the same main process and without a restart, for the
 * settling time. Where the image has a health check, it must say at the end of that time that all is well (one that starts slowly
 * gets some more until it says so for the first time), and not say otherwise once it did. A verdict is about the image, for good:
 * nobody is judged by a cancelled job, a machine that is shut down, or systemd that does not answer. */

#include "store/info.h"
#include "unit/systemd.h"

typedef struct {
        ScSystemd *systemd;
        const char *container;
        const char *unit;
        const ScInfo *info;  /* of the deployment that is on trial */
        const char *runtime; /* for one whose info does not name it */
        const char *journalctl;
        guint settling_time;
        guint health_patience; /* seconds that a service may take to become healthy, if that is longer */
        GCancellable *cancellable;
} ScTrial;

typedef enum {
        SC_VERDICT_GOOD,
        SC_VERDICT_BAD,  /* the error says what was seen */
        SC_VERDICT_NONE, /* the error says why */
} ScVerdict;

ScVerdict sc_trial_hold(const ScTrial *trial, GError **error);

/* Whether it was the service's fault that it did not start. */
bool sc_trial_condemns_start(ScSystemd *systemd, const char *unit);
