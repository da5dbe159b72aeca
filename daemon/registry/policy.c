/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include "base/error.h"
#include "base/path.h"
#include "signature.h"
#include <string.h>

#define MAX_REQUIREMENTS 64

struct ScPolicy {
        ScPolicyRule fallback;
        GHashTable *transports; /* name to a GHashTable of scope to ScPolicyRule */
};

/* ---- requirements ---- */

static void requirement_free(gpointer data)
{
        ScRequirement *requirement = data;
        if (requirement == NULL)
                return;
        g_free(requirement->type);
        g_free(requirement->unsupported);
        g_strfreev(requirement->key_paths);
        g_clear_pointer(&requirement->key_data, g_ptr_array_unref);
        sc_signed_identity_clear(&requirement->identity);
        g_free(requirement);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRequirement, requirement_free)

static bool add_key_data(ScRequirement *requirement, const char *text, GError **error)
{
        GBytes *bytes = sc_base64_decode(text);
        if (bytes == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "The key data of a %s are not base64", requirement->type);
        g_ptr_array_add(requirement->key_data, bytes);
        return true;
}

/* One of four ways to say which keys, the two with lists not in every type. */
typedef struct {
        const char *path, *data;
        char **paths, **datas;
} Keys;

static void keys_clear(Keys *keys)
{
        g_strfreev(keys->paths);
        g_strfreev(keys->datas);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Keys, keys_clear)

static bool read_keys(JsonObject *object, ScRequirement *requirement, GError **error)
{
        g_auto(Keys) keys = {0};
        if (!sc_json_get_string(object, "keyPath", SC_JSON_OPTIONAL, &keys.path, error) ||
            !sc_json_get_string(object, "keyData", SC_JSON_OPTIONAL, &keys.data, error) ||
            !sc_json_get_strv(object, "keyPaths", SC_JSON_OPTIONAL, &keys.paths, error) ||
            !sc_json_get_strv(object, "keyDatas", SC_JSON_OPTIONAL, &keys.datas, error))
                return false;
        int ways = (keys.path != NULL) + (keys.data != NULL) + (keys.paths != NULL) + (keys.datas != NULL);
        if (ways != 1)
                return sc_throw(error, SC_ERROR_CORRUPT, "A %s needs its keys in one of keyPath, keyPaths and keyData, and has %d",
                                requirement->type, ways);
        if (keys.path != NULL || keys.paths != NULL) {
                requirement->key_paths = keys.path != NULL ? g_strdupv((char *[]){(char *)keys.path, NULL})
                                                           : g_steal_pointer(&keys.paths);
                for (char **path = requirement->key_paths; *path != NULL; path++)
                        if (!sc_path_is_clean_absolute(*path))
                                return sc_throw(error, SC_ERROR_CORRUPT, "The key's path '%.200s' of a %s is not absolute", *path,
                                                requirement->type);
                return requirement->key_paths[0] != NULL ||
                       sc_throw(error, SC_ERROR_CORRUPT, "A %s has an empty list of keys", requirement->type);
        }
        requirement->key_data = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        if (keys.data != NULL)
                return add_key_data(requirement, keys.data, error);
        for (char **data = keys.datas; *data != NULL; data++)
                if (!add_key_data(requirement, *data, error))
                        return false;
        return requirement->key_data->len > 0 ||
               sc_throw(error, SC_ERROR_CORRUPT, "A %s has an empty list of keys", requirement->type);
}

static bool read_signed(JsonObject *object, ScRequirement *requirement, GError **error)
{
        JsonObject *identity;
        return read_keys(object, requirement, error) &&
               sc_json_get_object(object, "signedIdentity", SC_JSON_OPTIONAL, &identity, error) &&
               sc_signed_identity_parse(identity, &requirement->identity, error);
}

static void be_unsupported(ScRequirement *requirement, const char *what)
{
        requirement->kind = SC_REQUIREMENT_UNSUPPORTED;
        requirement->unsupported = g_strdup(what);
}

static bool read_signed_by(JsonObject *object, ScRequirement *requirement, GError **error)
{
        static const char *const keys[] = {"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity", NULL};
        static const char *const other_types[] = {"signedByGPGKeys", "X509Certificates", "signedByX509CAs", NULL};
        const char *type;
        if (!sc_json_has_only(object, keys, requirement->type, error) ||
            !sc_json_get_string(object, "keyType", SC_JSON_REQUIRED, &type, error) || !read_signed(object, requirement, error))
                return false;
        if (g_str_equal(type, "GPGKeys"))
                return true;
        be_unsupported(requirement, "keyType");
        return g_strv_contains(other_types, type) ||
               sc_throw(error, SC_ERROR_CORRUPT, "The keyType '%.40s' is unknown; known is GPGKeys", type);
}

static bool read_sigstore_signed(JsonObject *object, ScRequirement *requirement, GError **error)
{
        static const char *const keys[] = {"type", "keyPath", "keyPaths", "keyData", "keyDatas", "signedIdentity", NULL};
        /* Other tools check certificates and logs; ignoring them would accept what they refuse. */
        static const char *const unsupported[] = {
                "fulcio", "pki", "rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas"};
        for (guint i = 0; i < G_N_ELEMENTS(unsupported); i++)
                if (json_object_has_member(object, unsupported[i])) {
                        be_unsupported(requirement, unsupported[i]);
                        return true;
                }
        return sc_json_has_only(object, keys, requirement->type, error) && read_signed(object, requirement, error);
}

static bool read_plain(JsonObject *object, ScRequirement *requirement, GError **error)
{
        static const char *const keys[] = {"type", NULL};
        return sc_json_has_only(object, keys, requirement->type, error);
}

static bool read_base_layer(JsonObject *object, ScRequirement *requirement, GError **error)
{
        static const char *const keys[] = {"type", "baseLayerIdentity", NULL};
        JsonObject *identity;
        ScSignedIdentity parsed = {0};
        bool ok = sc_json_has_only(object, keys, requirement->type, error) &&
                  sc_json_get_object(object, keys[1], SC_JSON_REQUIRED, &identity, error) &&
                  sc_signed_identity_parse(identity, &parsed, error);
        sc_signed_identity_clear(&parsed);
        be_unsupported(requirement, requirement->type);
        return ok;
}

static ScRequirement *read_requirement(JsonNode *node, GError **error)
{
        static const struct {
                const char *type;
                ScRequirementKind kind;
                bool (*read)(JsonObject *object, ScRequirement *requirement, GError **error);
        } types[] = {
                {"insecureAcceptAnything", SC_REQUIREMENT_ACCEPT, read_plain},
                {"reject", SC_REQUIREMENT_REJECT, read_plain},
                {"signedBy", SC_REQUIREMENT_SIGNED_BY, read_signed_by},
                {"sigstoreSigned", SC_REQUIREMENT_SIGSTORE_SIGNED, read_sigstore_signed},
                {"signedBaseLayer", SC_REQUIREMENT_UNSUPPORTED, read_base_layer},
        };
        const char *type;
        if (!JSON_NODE_HOLDS_OBJECT(node)) {
                sc_throw(error, SC_ERROR_CORRUPT, "A requirement is not an object");
                return NULL;
        }
        JsonObject *object = json_node_get_object(node);
        if (!sc_json_get_string(object, "type", SC_JSON_REQUIRED, &type, error))
                return NULL;
        for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
                if (!g_str_equal(types[i].type, type))
                        continue;
                g_autoptr(ScRequirement) requirement = g_new0(ScRequirement, 1);
                requirement->kind = types[i].kind;
                requirement->type = g_strdup(type);
                return types[i].read(object, requirement, error) ? g_steal_pointer(&requirement) : NULL;
        }
        sc_throw(error, SC_ERROR_CORRUPT, "The requirement type '%.40s' is unknown", type);
        return NULL;
}

static GPtrArray *read_requirements(JsonObject *object, const char *key, GError **error)
{
        JsonArray *array;
        if (!sc_json_get_array(object, key, SC_JSON_REQUIRED, &array, error))
                return NULL;
        guint length = json_array_get_length(array);
        if (length == 0 || length > MAX_REQUIREMENTS) {
                sc_throw(error, SC_ERROR_CORRUPT, "'%.200s' has %u requirements: at least one is needed, and %d are allowed", key,
                         length, MAX_REQUIREMENTS);
                return NULL;
        }
        g_autoptr(GPtrArray) requirements = g_ptr_array_new_with_free_func(requirement_free);
        for (guint i = 0; i < length; i++) {
                ScRequirement *requirement = read_requirement(json_array_get_element(array, i), error);
                if (requirement == NULL) {
                        sc_prefix(error, "In '%.200s'", key);
                        return NULL;
                }
                g_ptr_array_add(requirements, requirement);
        }
        return g_steal_pointer(&requirements);
}

/* ---- scopes ---- */

static void rule_free(gpointer data)
{
        ScPolicyRule *rule = data;
        g_clear_pointer(&rule->requirements, g_ptr_array_unref);
        g_free(rule);
}

/* Those that other tools refuse: a scope that could never match, or not as somebody thinks. */
static bool check_scope(const char *transport, const char *scope, GError **error)
{
        static const char *const none[] = {"docker-archive", "tarball", NULL};
        static const char *const paths[] = {"dir", "oci", "oci-archive", NULL};
        if (*scope == '\0')
                return true;
        if (g_strv_contains(none, transport))
                return sc_throw(error, SC_ERROR_CORRUPT, "%s has no scopes but the default \"\", and not '%.200s'", transport,
                                scope);
        if (!g_strv_contains(paths, transport))
                return true;
        g_autofree char *path = g_str_equal(transport, "dir") ? g_strdup(scope) : g_strndup(scope, strcspn(scope, ":"));
        return (!g_str_equal(scope, "/") && sc_path_is_clean_absolute(path)) ||
               sc_throw(error, SC_ERROR_CORRUPT, "The scope '%.200s' of %s is not the absolute path of something below /", scope,
                        transport);
}

static bool read_scope(JsonObject *object, const char *transport, const char *scope, GHashTable *rules, GError **error)
{
        if (!check_scope(transport, scope, error))
                return false;
        GPtrArray *requirements = read_requirements(object, scope, error);
        if (requirements == NULL)
                return false;
        ScPolicyRule *rule = g_new0(ScPolicyRule, 1);
        char *key = g_strdup(scope);
        rule->scope = key;
        rule->requirements = requirements;
        g_hash_table_insert(rules, key, rule);
        return true;
}

static bool read_transport(ScPolicy *policy, JsonObject *transports, const char *transport, GError **error)
{
        JsonObject *object;
        if (!sc_json_get_object(transports, transport, SC_JSON_REQUIRED, &object, error))
                return false;
        GHashTable *rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rule_free);
        char *name = g_strdup(transport);
        g_hash_table_insert(policy->transports, name, rules);
        g_autoptr(GList) scopes = json_object_get_members(object);
        for (const GList *item = scopes; item != NULL; item = item->next) {
                if (!read_scope(object, transport, item->data, rules, error))
                        return false;
                ((ScPolicyRule *)g_hash_table_lookup(rules, item->data))->transport = name;
        }
        return true;
}

/* ---- the whole ---- */

void sc_policy_free(ScPolicy *policy)
{
        if (policy == NULL)
                return;
        g_clear_pointer(&policy->fallback.requirements, g_ptr_array_unref);
        g_hash_table_unref(policy->transports);
        g_free(policy);
}

static bool read_whole(ScPolicy *policy, JsonObject *object, GError **error)
{
        static const char *const keys[] = {"default", "transports", NULL};
        JsonObject *transports;
        if (!sc_json_has_only(object, keys, "a policy", error) ||
            (policy->fallback.requirements = read_requirements(object, "default", error)) == NULL ||
            !sc_json_get_object(object, "transports", SC_JSON_OPTIONAL, &transports, error))
                return false;
        g_autoptr(GList) names = transports != NULL ? json_object_get_members(transports) : NULL;
        for (const GList *item = names; item != NULL; item = item->next)
                if (!read_transport(policy, transports, item->data, error))
                        return sc_prefix(error, "Transport %.40s", (const char *)item->data);
        return true;
}

ScPolicy *sc_policy_parse(const char *text, gssize size, const char *what, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_strictly(text, size, SC_POLICY_MAX_SIZE, what, error);
        if (object == NULL)
                return NULL;
        g_autoptr(ScPolicy) policy = g_new0(ScPolicy, 1);
        policy->transports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
        if (read_whole(policy, object, error))
                return g_steal_pointer(&policy);
        sc_prefix(error, "The %s is not valid", what);
        return NULL;
}

const ScPolicyRule *sc_policy_find(const ScPolicy *policy, const char *transport, const char *const *scopes)
{
        GHashTable *rules = g_hash_table_lookup(policy->transports, transport);
        const ScPolicyRule *rule = NULL;
        for (; rules != NULL && rule == NULL && scopes != NULL && *scopes != NULL; scopes++)
                rule = g_hash_table_lookup(rules, *scopes);
        if (rules != NULL && rule == NULL)
                rule = g_hash_table_lookup(rules, "");
        return rule != NULL ? rule : &policy->fallback;
}

char *sc_policy_rule_name(const ScPolicyRule *rule)
{
        if (rule->transport == NULL)
                return g_strdup("the default rule");
        return *rule->scope != '\0' ? g_strdup_printf("the rule for %s, %s", rule->transport, rule->scope)
                                    : g_strdup_printf("the rule for %s", rule->transport);
}

bool sc_policy_rule_wants(const ScPolicyRule *rule, ScRequirementKind kind)
{
        for (guint i = 0; i < rule->requirements->len; i++)
                if (((const ScRequirement *)rule->requirements->pdata[i])->kind == kind)
                        return true;
        return false;
}
