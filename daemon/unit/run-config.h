/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A container's config.json made one for a single command, beside the container or instead of it. */

#include "base/scope.h"
#include <glib.h>

typedef struct {
        const ScScope *scope;
        const char *id;         /* of the container and, as ID.service, of the unit that runs it */
        char *const *argv;      /* the command; NULL or empty: the configuration's own */
        gboolean terminal;      /* the command gets one */
        unsigned rows, columns; /* of it; 0: unknown */
        const char *place;      /* what relative paths count from: the folder where the configuration lay; NULL: it stays there */
        const char *runtime;    /* absolute path of the OCI runtime */
} ScRunConfigInput;

/* The new text: with the command, with or without a terminal as the caller has one, and with a control group of its own. */
char *sc_run_config_make(const char *config, const ScRunConfigInput *input, GError **error);
/* The part `process` of it alone, for `RUNTIME exec --process`. id and place mean nothing here. */
char *sc_run_config_process(const char *config, const ScRunConfigInput *input, GError **error);
