/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sigstore signatures that lie beside an image in its registry, as cosign puts them: an image manifest with the tag sha256-HEX.sig,
 * whose layers are the signed texts, and carry the signatures as annotations. */

#include "transport.h"

/* The reference of an image's signatures: the repository of the image, and the tag made of its manifest's digest. */
ScReference *sc_attachment_reference(const ScReference *image, const ScDigest *digest);

/* Adds what is there to an array of ScSignature. The transport is one for that reference. */
bool sc_attachment_fetch(ScTransport *transport, const char *name, GPtrArray *signatures, GCancellable *cancellable,
                         GError **error);

/* A layer of such a manifest. */
typedef struct {
        ScDigest digest;
        guint64 size;
        GBytes *signature;
} ScAttachment;
/* The manifest's layers that are signatures (ScAttachment). Corrupt. */
GArray *sc_attachment_parse(const char *text, gsize size, const char *what, GError **error);
