/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether an image meets a policy's rule, by the signatures that there are. */

#include "policy.h"
#include "signature.h"

typedef struct {
        const char *image;          /* for messages */
        const ScDockerName *pulled; /* the name it was pulled by; NULL: by none of a registry */
        const ScDigest *digest;     /* of its manifest */
        const char *policy;         /* the policy's file, for messages */
} ScTrustSubject;

/* True: all requirements are met; *ret_accepted are the signatures (ScSignature, borrowed, each once) that were needed for it.
 * AccessDenied: the rule lets no image in. VerifyFailed: signatures are missing, or wrong. Unsupported: a requirement is. All name
 * the rule and the requirement. Corrupt, NotFound, Failed: a key cannot be used. */
bool sc_trust_check(const ScPolicyRule *rule, const ScTrustSubject *subject, GPtrArray *signatures, GPtrArray **ret_accepted,
                    GError **error);
