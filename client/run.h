/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One job after the other: what every verb does that changes something and may be given several names. */

#include "wait.h"

/* What is done with each name. */
typedef struct {
        /* Makes the call that starts the job. */
        bool (*make_call)(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error);
        gconstpointer data;
        const char *actions; /* the polkit actions that guard it, for messages */
        bool summary;        /* ends with a table of all names */
} ScTask;

/* Goes on after a failure, but not after an interruption or when sysconsd is gone. A single failure is the error; of several, each
 * is reported where it happens and the error counts them. With --json the outcomes are printed, as an array if `many`. */
bool sc_run_each(ScClient *client, const ScTask *task, char *const *names, bool many, GError **error);

/* The call METHOD(a{sv}) -> o of a container, found by its name. The options are left open. */
bool sc_container_call(ScClient *client, const char *name, const char *method, sd_bus_message **ret, GError **error);
