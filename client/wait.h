/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a call that starts a job to the job's end: messages and progress are shown on the way, Ctrl-C cancels. */

#include "bus.h"
#include "outcome.h"
#include "streams.h"

/* Sends a call (which it takes) that answers with a job's path, and waits for the end of that job (with --no-wait: until it has
 * started, because sysconsd drops a waiting job whose caller leaves). False: the call was refused, sysconsd went away, or the user
 * left; else *ret says how it ended. streams: those of a command that the job may run, NULL: none; it gets the signals then. */
bool sc_wait_call(ScClient *client, sd_bus_message *call, const char *actions, ScStreams *streams, ScOutcome **ret, GError **error);

/* Waits for the end of a job that is there already; SC_WAIT_CANCEL: cancels it first. */
typedef enum { SC_WAIT_ONLY, SC_WAIT_CANCEL } ScWaitFlags;
bool sc_wait_job(ScClient *client, const char *path, ScWaitFlags flags, ScOutcome **ret, GError **error);
