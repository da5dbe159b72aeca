/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/error.h"
#include "registry/attachment.h"
#include "registry/signature.h"
#include "registry/signed-identity.h"

/* What is signed, by either kind; a list of signatures as a registry has it, and as it is kept. */

static void read_payload(GBytes *bytes, ScSignatureKind kind)
{
        g_auto(ScSignedPayload) payload = {0};
        g_autoptr(ScDockerName) pulled = sc_docker_name_parse("example.com/a:1", NULL);
        ScSignedIdentity identity = {SC_IDENTITY_REPOSITORY};
        if (sc_signed_payload_parse(kind, bytes, &payload, NULL))
                (void)sc_signed_identity_matches(&identity, pulled, payload.reference);
}

/* What was read once is read as the same again. */
static void keep(GPtrArray *signatures)
{
        g_autofree char *text = NULL;
        if (!sc_signatures_to_text(signatures, &text, NULL))
                return;
        g_autoptr(GPtrArray) again = sc_signatures_from_text(text, NULL);
        g_assert(again != NULL && again->len == signatures->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(GBytes) bytes = g_bytes_new(data, size);
        g_autofree char *text = g_strndup((const char *)data, size);
        read_payload(bytes, SC_SIGNATURE_GPG);
        read_payload(bytes, SC_SIGNATURE_SIGSTORE);
        g_autoptr(GArray) attachments G_GNUC_UNUSED = sc_attachment_parse((const char *)data, size, "list", NULL);
        g_autoptr(GPtrArray) kept = sc_signatures_from_text(text, NULL);
        if (kept != NULL)
                keep(kept);
        g_autoptr(GBytes) decoded = sc_base64_decode(text);
        g_assert(decoded == NULL || g_bytes_get_size(decoded) > 0);
        return 0;
}
