/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Signatures of images, of the two kinds that containers-policy.json(5) knows. As they come they are somebody's bytes. */

#include "base/digest.h"
#include "base/json.h"

/* Bytes of one signature, how many one image may have, and bytes of all that are kept of one image. */
#define SC_SIGNATURE_MAX_SIZE (64u * 1024)
#define SC_SIGNATURE_MAX_COUNT 64
#define SC_SIGNATURES_MAX_KEPT (256u * 1024)

typedef enum {
        SC_SIGNATURE_GPG,      /* "simple signing": an OpenPGP message with the payload in it */
        SC_SIGNATURE_SIGSTORE, /* the payload, and its signature beside it */
} ScSignatureKind;

typedef struct {
        ScSignatureKind kind;
        GBytes *data;      /* the message; the payload */
        GBytes *signature; /* sigstore's; else NULL */
} ScSignature;

ScSignature *sc_signature_new(ScSignatureKind kind, const void *data, gsize size);
void sc_signature_free(ScSignature *signature);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScSignature, sc_signature_free)

/* A list (of ScSignature) as text, to be kept with an image; NULL for an empty one. VerifyFailed where it is too long to be kept.
 */
bool sc_signatures_to_text(GPtrArray *signatures, char **ret, GError **error);
/* text NULL: an empty list. Corrupt. */
GPtrArray *sc_signatures_from_text(const char *text, GError **error);

/* What is signed: containers-signature(5). */
typedef struct {
        ScDigest digest; /* of the image's manifest */
        char *reference; /* the name that the signer gave to it; any text */
} ScSignedPayload;
/* VerifyFailed for whatever is not exactly as it should be. */
bool sc_signed_payload_parse(ScSignatureKind kind, GBytes *text, ScSignedPayload *ret, GError **error);
void sc_signed_payload_clear(ScSignedPayload *payload);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScSignedPayload, sc_signed_payload_clear)

/* Base64 as the formats want it: whole groups of four, padded, nothing else in it. NULL for anything else. */
GBytes *sc_base64_decode(const char *text);
