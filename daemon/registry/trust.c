/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trust.h"

#include "base/error.h"
#include "base/path.h"
#include "signature-gpg.h"
#include "signature-sigstore.h"
#include <fcntl.h>

#define MAX_KEY_FILE (1u << 20)

/* ---- keys ---- */

/* Paths are the administrator's words, so their symlinks are followed; what is no regular file is refused. */
static GBytes *read_key_file(const char *path, GError **error)
{
        g_autofree char *data = NULL;
        gsize size;
        if (!sc_read_path(path, MAX_KEY_FILE, &data, &size, error)) {
                sc_prefix(error, "Cannot read the key %s that the policy names (keys in /home, /root or /tmp are out of reach)",
                          path);
                return NULL;
        }
        return g_bytes_new_take(g_steal_pointer(&data), size);
}

static GPtrArray *get_keys(const ScRequirement *requirement, GError **error)
{
        if (requirement->key_data != NULL)
                return g_ptr_array_ref(requirement->key_data);
        g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        for (char **path = requirement->key_paths; *path != NULL; path++) {
                GBytes *key = read_key_file(*path, error);
                if (key == NULL)
                        return NULL;
                g_ptr_array_add(keys, key);
        }
        return g_steal_pointer(&keys);
}

/* ---- one signature ---- */

static bool check_payload(const ScRequirement *requirement, const ScTrustSubject *subject, ScSignatureKind kind, GBytes *payload,
                          GError **error)
{
        g_auto(ScSignedPayload) is_signed = {0};
        if (!sc_signed_payload_parse(kind, payload, &is_signed, error))
                return false;
        if (!sc_digest_equal(&is_signed.digest, subject->digest)) {
                g_autofree char *digest = sc_digest_to_string(&is_signed.digest);
                return sc_throw(error, SC_ERROR_VERIFY_FAILED, "It is for another image, %s", digest);
        }
        if (sc_signed_identity_matches(&requirement->identity, subject->pulled, is_signed.reference))
                return true;
        g_autofree char *printable = g_strescape(is_signed.reference, NULL);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "It names the image %.200s, which %s does not allow here", printable,
                        sc_signed_identity_word(&requirement->identity));
}

static bool check_gpg(const ScRequirement *requirement, const ScTrustSubject *subject, ScGpg *gpg, const ScSignature *signature,
                      GError **error)
{
        g_autoptr(GBytes) payload = sc_gpg_open(gpg, signature->data, error);
        return payload != NULL && check_payload(requirement, subject, SC_SIGNATURE_GPG, payload, error);
}

static bool check_sigstore(const ScRequirement *requirement, const ScTrustSubject *subject, GPtrArray *keys,
                           const ScSignature *signature, GError **error)
{
        for (guint i = 0; i < keys->len; i++) {
                g_autoptr(GError) local = NULL;
                if (sc_sigstore_verify(keys->pdata[i], signature->data, signature->signature, &local))
                        return check_payload(requirement, subject, SC_SIGNATURE_SIGSTORE, signature->data, error);
                if (i + 1 == keys->len || !g_error_matches(local, SC_ERROR, SC_ERROR_VERIFY_FAILED)) {
                        g_propagate_error(error, g_steal_pointer(&local));
                        return false;
                }
        }
        return false;
}

/* ---- one requirement ---- */

/* One good signature will do. What is wrong with the others is told where there is none. */
static bool check_signed(const ScRequirement *requirement, const ScTrustSubject *subject, GPtrArray *signatures,
                         GPtrArray *accepted, GError **error)
{
        ScSignatureKind kind = requirement->kind == SC_REQUIREMENT_SIGNED_BY ? SC_SIGNATURE_GPG : SC_SIGNATURE_SIGSTORE;
        g_autoptr(GPtrArray) keys = get_keys(requirement, error);
        g_autoptr(ScGpg) gpg = keys != NULL && kind == SC_SIGNATURE_GPG ? sc_gpg_new(keys, error) : NULL;
        if (keys == NULL || (kind == SC_SIGNATURE_GPG && gpg == NULL))
                return false;
        g_autoptr(GString) wrong = g_string_new(NULL);
        for (guint i = 0; i < signatures->len; i++) {
                const ScSignature *signature = signatures->pdata[i];
                g_autoptr(GError) local = NULL;
                if (signature->kind != kind)
                        continue;
                if (kind == SC_SIGNATURE_GPG ? check_gpg(requirement, subject, gpg, signature, &local)
                                             : check_sigstore(requirement, subject, keys, signature, &local)) {
                        if (!g_ptr_array_find(accepted, signature, NULL))
                                g_ptr_array_add(accepted, (gpointer)signature);
                        return true;
                }
                if (!g_error_matches(local, SC_ERROR, SC_ERROR_VERIFY_FAILED)) {
                        g_propagate_error(error, g_steal_pointer(&local));
                        return false;
                }
                g_assert(local != NULL);
                if (wrong->len < 1024)
                        g_string_append_printf(wrong, "%s%s", wrong->len > 0 ? "; " : "", local->message);
        }
        if (wrong->len == 0)
                return sc_throw(error, SC_ERROR_VERIFY_FAILED, "there is no such signature");
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "no signature is good: %s", wrong->str);
}

static bool check_requirement(const ScRequirement *requirement, const ScTrustSubject *subject, GPtrArray *signatures,
                              GPtrArray *accepted, GError **error)
{
        switch (requirement->kind) {
        case SC_REQUIREMENT_ACCEPT:
                return true;
        case SC_REQUIREMENT_REJECT:
                return sc_throw(error, SC_ERROR_ACCESS_DENIED, "no image is let in");
        case SC_REQUIREMENT_UNSUPPORTED:
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "%s is not supported here", requirement->unsupported);
        case SC_REQUIREMENT_SIGNED_BY:
        case SC_REQUIREMENT_SIGSTORE_SIGNED:
                return check_signed(requirement, subject, signatures, accepted, error);
        }
        g_assert_not_reached();
}

bool sc_trust_check(const ScPolicyRule *rule, const ScTrustSubject *subject, GPtrArray *signatures, GPtrArray **ret_accepted,
                    GError **error)
{
        g_autoptr(GPtrArray) accepted = g_ptr_array_new();
        for (guint i = 0; i < rule->requirements->len; i++) {
                const ScRequirement *requirement = rule->requirements->pdata[i];
                if (check_requirement(requirement, subject, signatures, accepted, error))
                        continue;
                g_autofree char *name = sc_policy_rule_name(rule);
                return sc_prefix(error, "Image %s is refused by %s in %s, requirement %u, %s", subject->image, name,
                                 subject->policy, i + 1, requirement->type);
        }
        *ret_accepted = g_steal_pointer(&accepted);
        return true;
}
