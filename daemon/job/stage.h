/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the worker of a job's present stage is told: the options that concern it, with their descriptors; who one is for registries
 * goes to the stage that asks them, and to no other. */

#include "base/scope.h"
#include "job/job.h"

/* The caller's own: a text of the daemon's making, or the caller's file. Each is a reference to a descriptor. */
#define SC_STAGE_CREDENTIALS "credentials"
#define SC_STAGE_AUTHFILE "authfile"

/* *ret_fds (sc_fds_new) holds duplicates. The host's own files of logins are opened now, where the job may use them. */
bool sc_stage_request(const ScJob *job, const ScScope *scope, JsonObject **ret_options, GArray **ret_fds, GError **error);

/* The text behind the credentials, into a buffer; its size, 0: there are none; -1: they cannot be read, or there is an authfile,
 * which is the caller's and not looked at here. */
gssize sc_stage_read_credentials(const ScJob *job, char *buffer, gsize size);
/* Options that no stage gets any more are taken out of the job, and their descriptors closed: the worker has them. */
void sc_stage_forget_logins(ScJob *job);
/* Whether a later stage gets descriptors. */
bool sc_stage_waits_for_fds(const ScJob *job);
