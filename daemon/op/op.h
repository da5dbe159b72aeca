/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An operation is what a worker carries out: one file a verb, a plan first (pure), then named steps. This header is what
 * worker-main.c knows of them. */

#include "base/config.h"
#include "base/json.h"
#include "base/keyring.h"
#include "base/report.h"
#include <gio/gio.h>

typedef struct {
        const ScConfig *config;
        ScReport *report;
        GCancellable *cancellable; /* never NULL */
        guint64 job;               /* its number; 0: none, a worker that is run by hand */
        const char *subject;       /* an image reference or a container's name */
        JsonObject *options;       /* as in the D-Bus contract */
        int *fds;                  /* those of the options, -1 where one was taken; not owned */
        gsize n_fds;
        ScKeyring *keyring;  /* who one is for registries; NULL: nobody in particular */
        GHashTable *details; /* string to string, the result; the operation fills it */
} ScOpContext;

typedef struct {
        const char *name; /* "pull", "install" ... as in Job.Operation */
        bool (*run)(ScOpContext *context, GError **error);
} ScOperation;

/* NULL for an unknown name. */
const ScOperation *sc_operation_find(const char *name);

/* From the context's options, whose descriptors it takes: what the caller has given, then what the host has. The context must
 * outlive it. */
ScKeyring *sc_op_keyring(const ScOpContext *context, GError **error);

/* Brings every container with an intent to its old or its new state; boot: before the containers' units, with no bus (trials are
 * left to the second call, after boot). Goes on after a failure, and returns the first. */
typedef enum { SC_RECOVER_NOW, SC_RECOVER_BOOT } ScRecoverWhen;
bool sc_recover_all(ScOpContext *context, ScRecoverWhen when, GError **error);
