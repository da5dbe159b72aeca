/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Signatures as cosign makes them with a key: over the payload, with sha256 (ECDSA, RSA with PKCS #1 v1.5) or by Ed25519. */

#include <glib.h>
#include <stdbool.h>

/* key: a PEM file with a public key. VerifyFailed: it is not by this key. Corrupt: it is no key. Unsupported: one of another kind.
 */
bool sc_sigstore_verify(GBytes *key, GBytes *payload, GBytes *signature, GError **error);
