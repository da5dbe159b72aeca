/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Edits of a policy, containers-policy.json(5), as JSON: what is not meant stays as it is. Whether the result is valid says
 * sysconsd. */

#include "exit.h"
#include <json-glib/json-glib.h>

/* text "": there is none, and what that means is made one. SC_EXIT_FAILED. */
JsonObject *sc_trust_parse(const char *text, GError **error);

typedef struct {
        const char *transport; /* "docker" */
        const char *scope;
        const char *type;     /* of the requirements: "signedBy" ... */
        const char *identity; /* the type of the signedIdentity; NULL: not said */
        char *const *keys;    /* files; NULL: none */
        bool by_path;         /* the policy names the files; else it gets what is in them */
} ScTrustRule;

/* Whether images of that transport can have a place for their signatures; url NULL: none is wanted. */
bool sc_trust_check_place(const char *transport, const char *url, GError **error);

/* A requirement for each key, all of which must be met; or one without a key. Takes the place of what was there for the scope. */
bool sc_trust_add(JsonObject *policy, const ScTrustRule *rule, GError **error);
bool sc_trust_has(JsonObject *policy, const char *transport, const char *scope);
/* False: there was none. */
bool sc_trust_delete(JsonObject *policy, const char *transport, const char *scope);
void sc_trust_set_default(JsonObject *policy, const char *type);

/* For each scope, sorted, and then for the default, with neither transport nor scope. */
typedef void (*ScTrustEach)(const char *transport, const char *scope, JsonArray *requirements, gpointer data);
void sc_trust_for_each(JsonObject *policy, ScTrustEach each, gpointer data);
/* The type of a requirement, "?" for what is none. */
const char *sc_trust_type(JsonArray *requirements, guint i);
