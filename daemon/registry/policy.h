/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* policy.json, containers-policy.json(5): which images may come in, and whose signatures they need. Read as strictly as other tools
 * read it: what is unknown, or there twice, makes the whole file void. What they know, and this program cannot check, is kept as a
 * requirement that nothing meets. */

#include "signed-identity.h"

#define SC_POLICY_MAX_SIZE (4u << 20)

typedef enum {
        SC_REQUIREMENT_ACCEPT, /* insecureAcceptAnything */
        SC_REQUIREMENT_REJECT,
        SC_REQUIREMENT_SIGNED_BY,
        SC_REQUIREMENT_SIGSTORE_SIGNED,
        SC_REQUIREMENT_UNSUPPORTED,
} ScRequirementKind;

typedef struct {
        ScRequirementKind kind;
        char *type;          /* the word in the file */
        char *unsupported;   /* what of it is not supported; else NULL */
        char **key_paths;    /* absolute, or NULL; else ... */
        GPtrArray *key_data; /* ... GBytes, or NULL. Of both kinds each is a file with one or more keys, any of which will do */
        ScSignedIdentity identity; /* of the signed ones */
} ScRequirement;

typedef struct {
        const char *transport;   /* "docker"; NULL: this is the default */
        const char *scope;       /* "": the transport's default; NULL for the default */
        GPtrArray *requirements; /* ScRequirement, at least one; all of them must be met */
} ScPolicyRule;

typedef struct ScPolicy ScPolicy;
/* size -1: a string. Corrupt; `what` names the text in the message. */
ScPolicy *sc_policy_parse(const char *text, gssize size, const char *what, GError **error);
void sc_policy_free(ScPolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPolicy, sc_policy_free)

/* The rule for an image that has these scopes (the most specific first, NULL: none) in that transport. Always finds one; it is the
 * policy's. */
const ScPolicyRule *sc_policy_find(const ScPolicy *policy, const char *transport, const char *const *scopes);

/* "the rule for docker, localhost:5000", "the default rule" */
char *sc_policy_rule_name(const ScPolicyRule *rule);
/* Whether signatures of that kind play a part in it. */
bool sc_policy_rule_wants(const ScPolicyRule *rule, ScRequirementKind kind);
