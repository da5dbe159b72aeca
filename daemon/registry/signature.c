/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "signature.h"

#include "base/error.h"
#include <string.h>

#define MAX_PAYLOAD SC_SIGNATURE_MAX_SIZE

ScSignature *sc_signature_new(ScSignatureKind kind, const void *data, gsize size)
{
        ScSignature *signature = g_new0(ScSignature, 1);
        signature->kind = kind;
        signature->data = g_bytes_new(data, size);
        return signature;
}

void sc_signature_free(ScSignature *signature)
{
        if (signature == NULL)
                return;
        g_clear_pointer(&signature->data, g_bytes_unref);
        g_clear_pointer(&signature->signature, g_bytes_unref);
        g_free(signature);
}

GBytes *sc_base64_decode(const char *text)
{
        gsize length = strlen(text), size;
        gsize body = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
        if (length == 0 || length % 4 != 0 || length - body > 2 || strspn(text + body, "=") != length - body)
                return NULL;
        guchar *data = g_base64_decode(text, &size);
        return g_bytes_new_take(data, size);
}

/* ---- a list as text ---- */

static void add_base64(JsonObject *object, const char *key, GBytes *bytes)
{
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);
        g_autofree char *text = g_base64_encode(data, size);
        json_object_set_string_member(object, key, text);
}

bool sc_signatures_to_text(GPtrArray *signatures, char **ret, GError **error)
{
        *ret = NULL;
        if (signatures->len == 0)
                return true;
        g_autoptr(JsonObject) object = json_object_new();
        JsonArray *list = json_array_new();
        json_object_set_array_member(object, "signatures", list);
        for (guint i = 0; i < signatures->len; i++) {
                const ScSignature *signature = signatures->pdata[i];
                JsonObject *entry = json_object_new();
                add_base64(entry, signature->kind == SC_SIGNATURE_GPG ? "gpg" : "payload", signature->data);
                if (signature->signature != NULL)
                        add_base64(entry, "signature", signature->signature);
                json_array_add_object_element(list, entry);
        }
        *ret = sc_json_to_string(object, false);
        if (strlen(*ret) <= SC_SIGNATURES_MAX_KEPT)
                return true;
        g_clear_pointer(ret, g_free);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "The image's signatures are larger than %u bytes together",
                        SC_SIGNATURES_MAX_KEPT);
}

static bool read_base64(JsonObject *object, const char *key, GBytes **ret, GError **error)
{
        const char *text;
        if (!sc_json_get_string(object, key, SC_JSON_OPTIONAL, &text, error))
                return false;
        *ret = text != NULL ? sc_base64_decode(text) : NULL;
        return text == NULL || *ret != NULL || sc_throw(error, SC_ERROR_CORRUPT, "The key '%s' is not base64", key);
}

static ScSignature *read_signature(JsonNode *node, GError **error)
{
        g_autoptr(ScSignature) signature = g_new0(ScSignature, 1);
        g_autoptr(GBytes) payload = NULL;
        JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
        if (object == NULL) {
                sc_throw(error, SC_ERROR_CORRUPT, "A kept signature is no object");
                return NULL;
        }
        if (!read_base64(object, "gpg", &signature->data, error) || !read_base64(object, "payload", &payload, error) ||
            !read_base64(object, "signature", &signature->signature, error))
                return NULL;
        signature->kind = signature->data != NULL ? SC_SIGNATURE_GPG : SC_SIGNATURE_SIGSTORE;
        if (signature->data == NULL)
                signature->data = g_steal_pointer(&payload);
        if (payload != NULL || signature->data == NULL ||
            (signature->signature != NULL) != (signature->kind == SC_SIGNATURE_SIGSTORE)) {
                sc_throw(error, SC_ERROR_CORRUPT, "A kept signature is of no known kind");
                return NULL;
        }
        return g_steal_pointer(&signature);
}

GPtrArray *sc_signatures_from_text(const char *text, GError **error)
{
        g_autoptr(GPtrArray) signatures = g_ptr_array_new_with_free_func((GDestroyNotify)sc_signature_free);
        if (text == NULL)
                return g_steal_pointer(&signatures);
        g_autoptr(JsonObject) object = sc_json_parse_object(text, -1, SC_SIGNATURES_MAX_KEPT, "list of signatures", error);
        JsonArray *list;
        if (object == NULL || !sc_json_get_array(object, "signatures", SC_JSON_REQUIRED, &list, error))
                return NULL;
        for (guint i = 0; i < json_array_get_length(list); i++) {
                ScSignature *signature = read_signature(json_array_get_element(list, i), error);
                if (signature == NULL)
                        return NULL;
                g_ptr_array_add(signatures, signature);
        }
        return g_steal_pointer(&signatures);
}

/* ---- what is signed ---- */

void sc_signed_payload_clear(ScSignedPayload *payload)
{
        g_clear_pointer(&payload->reference, g_free);
}

static JsonObject *get_exactly(JsonObject *object, const char *key, const char *const *keys, GError **error)
{
        JsonObject *member;
        return sc_json_get_object(object, key, SC_JSON_REQUIRED, &member, error) && sc_json_has_only(member, keys, key, error)
                       ? member
                       : NULL;
}

static bool check_critical(JsonObject *critical, const char *wanted, ScSignedPayload *ret, GError **error)
{
        static const char *const image_keys[] = {"docker-manifest-digest", NULL};
        static const char *const identity_keys[] = {"docker-reference", NULL};
        const char *type, *digest, *reference;
        if (!sc_json_get_string(critical, "type", SC_JSON_REQUIRED, &type, error))
                return false;
        if (!g_str_equal(type, wanted))
                return sc_throw(error, SC_ERROR_CORRUPT, "Its type is not '%s'", wanted);
        JsonObject *image = get_exactly(critical, "image", image_keys, error);
        JsonObject *identity = image != NULL ? get_exactly(critical, "identity", identity_keys, error) : NULL;
        if (identity == NULL || !sc_json_get_string(image, image_keys[0], SC_JSON_REQUIRED, &digest, error) ||
            !sc_json_get_string(identity, identity_keys[0], SC_JSON_REQUIRED, &reference, error) ||
            !sc_digest_parse(digest, &ret->digest, error))
                return false;
        ret->reference = g_strdup(reference);
        return true;
}

/* Within what a date can be: beyond, a number of this kind tells nothing of its last digits. */
static bool is_whole(double number)
{
        return number > -1e15 && number < 1e15 && (double)(gint64)number == number;
}

/* Anything may stand there, but what is known must be what it should be. */
static bool check_optional(JsonObject *optional, GError **error)
{
        const char *creator;
        JsonNode *timestamp = json_object_get_member(optional, "timestamp");
        if (!sc_json_get_string(optional, "creator", SC_JSON_OPTIONAL, &creator, error))
                return false;
        if (timestamp == NULL || JSON_NODE_HOLDS_NULL(timestamp))
                return true;
        GType type = JSON_NODE_HOLDS_VALUE(timestamp) ? json_node_get_value_type(timestamp) : G_TYPE_INVALID;
        return type == G_TYPE_INT64 || (type == G_TYPE_DOUBLE && is_whole(json_node_get_double(timestamp))) ||
               sc_throw(error, SC_ERROR_CORRUPT, "Its timestamp is no whole number");
}

static bool parse(ScSignatureKind kind, const char *text, gsize size, ScSignedPayload *ret, GError **error)
{
        static const char *const keys[] = {"critical", "optional", NULL};
        static const char *const critical_keys[] = {"type", "image", "identity", NULL};
        const char *type = kind == SC_SIGNATURE_GPG ? "atomic container signature" : "cosign container image signature";
        g_autoptr(JsonObject) object = sc_json_parse_strictly(text, (gssize)size, MAX_PAYLOAD, "signed text", error);
        if (object == NULL || !sc_json_has_only(object, keys, "the signed text", error))
                return false;
        JsonObject *critical = get_exactly(object, "critical", critical_keys, error);
        if (critical == NULL)
                return false;
        /* cosign writes null where there is nothing */
        JsonNode *optional = json_object_get_member(object, "optional");
        if (optional == NULL ||
            !(JSON_NODE_HOLDS_OBJECT(optional) || (kind == SC_SIGNATURE_SIGSTORE && JSON_NODE_HOLDS_NULL(optional))))
                return sc_throw(error, SC_ERROR_CORRUPT, "The key 'optional' is missing");
        return check_critical(critical, type, ret, error) &&
               (JSON_NODE_HOLDS_NULL(optional) || check_optional(json_node_get_object(optional), error));
}

bool sc_signed_payload_parse(ScSignatureKind kind, GBytes *text, ScSignedPayload *ret, GError **error)
{
        gsize size;
        const char *data = g_bytes_get_data(text, &size);
        g_autoptr(GError) problem = NULL;
        g_auto(ScSignedPayload) payload = {0};
        if (!parse(kind, data != NULL ? data : "", size, &payload, &problem))
                return sc_throw(error, SC_ERROR_VERIFY_FAILED, "What is signed is no statement about an image: %s",
                                problem->message);
        ret->digest = payload.digest;
        ret->reference = g_steal_pointer(&payload.reference);
        return true;
}
