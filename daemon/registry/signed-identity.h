/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The signedIdentity of a requirement in policy.json: which name a signature may give to the image that was pulled by a name. */

#include "base/json.h"
#include "docker-name.h"

typedef enum {
        SC_IDENTITY_REPO_DIGEST_OR_EXACT, /* the default, matchRepoDigestOrExact */
        SC_IDENTITY_EXACT,
        SC_IDENTITY_REPOSITORY,
        SC_IDENTITY_EXACT_REFERENCE,
        SC_IDENTITY_EXACT_REPOSITORY,
        SC_IDENTITY_REMAP,
} ScSignedIdentityKind;

typedef struct {
        ScSignedIdentityKind kind;
        ScDockerName *name;           /* of the exact ones */
        char *prefix, *signed_prefix; /* of the remapped one */
} ScSignedIdentity;

/* object NULL: the default. Corrupt. */
bool sc_signed_identity_parse(JsonObject *object, ScSignedIdentity *ret, GError **error);
void sc_signed_identity_clear(ScSignedIdentity *identity);

/* "matchExact" ... */
const char *sc_signed_identity_word(const ScSignedIdentity *identity);

/* Whether a signature for `text` is one for the image that was pulled as `pulled` (NULL: by no name of a registry). Nothing may be
 * known of text but that somebody has signed it. */
bool sc_signed_identity_matches(const ScSignedIdentity *identity, const ScDockerName *pulled, const char *text);
