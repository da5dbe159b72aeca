/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attachment.h"

#include "base/error.h"
#include "base/json.h"
#include "manifest.h"
#include "signature.h"

#define MEDIA_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define ANNOTATION "dev.cosignproject.cosign/signature"

ScReference *sc_attachment_reference(const ScReference *image, const ScDigest *digest)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(digest, hex);
        ScReference *reference = sc_reference_copy(image);
        g_free(reference->tag);
        g_clear_pointer(&reference->digest, g_free);
        g_free(reference->name);
        reference->tag = g_strdup_printf("sha256-%s.sig", hex);
        reference->name = g_strdup_printf("%s%s%s:%s", reference->host != NULL ? reference->host : "",
                                          reference->host != NULL ? "/" : "", reference->path, reference->tag);
        return reference;
}

static void attachment_clear(gpointer data)
{
        g_bytes_unref(((ScAttachment *)data)->signature);
}

/* Other layers, such as attestations, are passed over; so is a signature that is none, as it cannot be a good one. */
static bool read_layer(JsonNode *node, GArray *attachments, GError **error)
{
        const char *type, *digest, *text = NULL;
        JsonObject *annotations;
        ScAttachment attachment;
        if (!JSON_NODE_HOLDS_OBJECT(node))
                return sc_throw(error, SC_ERROR_CORRUPT, "A layer is not an object");
        JsonObject *layer = json_node_get_object(node);
        if (!sc_json_get_string(layer, "mediaType", SC_JSON_OPTIONAL, &type, error) ||
            !sc_json_get_object(layer, "annotations", SC_JSON_OPTIONAL, &annotations, error) ||
            (annotations != NULL && !sc_json_get_string(annotations, ANNOTATION, SC_JSON_OPTIONAL, &text, error)))
                return false;
        if (g_strcmp0(type, MEDIA_TYPE) != 0 || text == NULL)
                return true;
        if (!sc_json_get_string(layer, "digest", SC_JSON_REQUIRED, &digest, error) ||
            !sc_digest_parse(digest, &attachment.digest, error) ||
            !sc_json_get_uint(layer, "size", SC_JSON_REQUIRED, &attachment.size, error))
                return false;
        if (attachment.size > SC_SIGNATURE_MAX_SIZE || attachments->len >= SC_SIGNATURE_MAX_COUNT)
                return sc_throw(error, SC_ERROR_CORRUPT, "It is larger than %u bytes, or there are more than %d",
                                SC_SIGNATURE_MAX_SIZE, SC_SIGNATURE_MAX_COUNT);
        attachment.signature = sc_base64_decode(text);
        if (attachment.signature != NULL)
                g_array_append_val(attachments, attachment);
        return true;
}

GArray *sc_attachment_parse(const char *text, gsize size, const char *what, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_MANIFEST_MAX_SIZE, what, error);
        g_autoptr(GArray) attachments = g_array_new(FALSE, FALSE, sizeof(ScAttachment));
        JsonArray *layers;
        g_array_set_clear_func(attachments, attachment_clear);
        if (object == NULL || !sc_json_get_array(object, "layers", SC_JSON_REQUIRED, &layers, error))
                return NULL;
        for (guint i = 0; i < json_array_get_length(layers); i++)
                if (!read_layer(json_array_get_element(layers, i), attachments, error)) {
                        sc_prefix(error, "The %s", what);
                        return NULL;
                }
        return g_steal_pointer(&attachments);
}

bool sc_attachment_fetch(ScTransport *transport, const char *name, GPtrArray *signatures, GCancellable *cancellable, GError **error)
{
        g_auto(ScManifestText) manifest = {0};
        g_autoptr(GError) local = NULL;
        if (!sc_transport_get_manifest(transport, NULL, 0, &manifest, cancellable, &local)) {
                if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return true;
                g_propagate_error(error, g_steal_pointer(&local));
                return sc_prefix(error, "Cannot fetch signatures");
        }
        g_autofree char *what = g_strdup_printf("list of signatures %s", name);
        g_autoptr(GArray) attachments = sc_attachment_parse(manifest.text, manifest.size, what, error);
        for (guint i = 0; attachments != NULL && i < attachments->len; i++) {
                const ScAttachment *attachment = &g_array_index(attachments, ScAttachment, i);
                g_autofree char *payload = NULL;
                if (!sc_transport_get_blob(transport, &attachment->digest, attachment->size, &payload, cancellable, error))
                        return sc_prefix(error, "Cannot fetch signatures");
                ScSignature *signature = sc_signature_new(SC_SIGNATURE_SIGSTORE, payload, attachment->size);
                signature->signature = g_bytes_ref(attachment->signature);
                g_ptr_array_add(signatures, signature);
        }
        return attachments != NULL;
}
