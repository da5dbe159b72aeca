/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values that templates of one deployment see. Order: fixed system values (DESTDIR NAME EXEC_START EXEC_STOP EXEC_STARTPRE
 * EXEC_STOPPOST HOST_UID HOST_GID IMAGE_ID IMAGE_NAME) beat all; then what the user set; then overridable system values
 * (RUN_DIRECTORY STATE_DIRECTORY CONF_DIRECTORY PIDFILE ALL_PROCESS_CAPABILITIES RUNTIME ATOMIC; UUID yields to defaults); then the
 * image's defaultValues. */

#include "base/json.h"
#include "base/scope.h"

typedef struct {
        const ScScope *scope; /* must outlive the variables */
        const char *name;     /* of the container */
        const char *destdir;  /* absolute path of the deployment, CHECKOUT/NAME.N */
        const char *image_name;
        const char *image_id;
        const char *runtime;     /* absolute path of the OCI runtime */
        const char *exec_helper; /* absolute path of sysconsd-exec */
        const char *client;      /* absolute path of the client, for ATOMIC */
        const char *uuid;        /* kept over updates; NULL: a new random one */
        bool detached;           /* the unit template names both $EXEC_STOPPOST and $PIDFILE */
        GHashTable *set;         /* what the user set; may be NULL */
        GHashTable *defaults;    /* the image's defaultValues; may be NULL */
} ScVariablesInput;

typedef struct ScVariables ScVariables;

/* A set value that names a fixed system value, is no identifier, or holds control characters or bytes that are not UTF-8 is
 * InvalidArgument. */
ScVariables *sc_variables_new(const ScVariablesInput *input, GError **error);
/* The values that a deployment was rendered with, as its info records them, even those that nobody could set today. What an older
 * record lacks is filled in from input. */
ScVariables *sc_variables_recorded(const ScVariablesInput *input, GHashTable *recorded, GError **error);
void sc_variables_free(ScVariables *variables);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScVariables, sc_variables_free)

const char *sc_variables_get(const ScVariables *variables, const char *name); /* NULL: no value */
/* Of what the user set, what nothing asked for: no text that was expanded so far, nor the image's defaultValues. Sorted; a new
 * list. NULL as set counts as none. */
char **sc_variables_unused(const ScVariables *variables, GHashTable *set, GHashTable *defaults);
const ScScope *sc_variables_scope(const ScVariables *variables);
/* All of them, for `values` of the info file; a new table. */
GHashTable *sc_variables_all(const ScVariables *variables);

/* True for every name that the system sets, fixed or overridable. */
bool sc_variable_is_system(const char *name);
bool sc_variable_is_fixed(const char *name);
/* Checks one KEY and VALUE that a caller gives, as above. */
bool sc_variable_check(const char *key, const char *value, GError **error);
