/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "trust-edit.h"
#include "base/json.h"
#include "base/path.h"
#include "base/reference.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_POLICY (4u << 20)
#define MAX_KEY (1u << 20)
#define ACCEPT "insecureAcceptAnything"

static JsonArray *one_requirement(const char *type)
{
        JsonArray *requirements = json_array_new();
        JsonObject *requirement = json_object_new();
        json_object_set_string_member(requirement, "type", type);
        json_array_add_object_element(requirements, requirement);
        return requirements;
}

JsonObject *sc_trust_parse(const char *text, GError **error)
{
        g_autoptr(GError) local = NULL;
        if (*text == '\0') {
                JsonObject *policy = json_object_new();
                sc_trust_set_default(policy, ACCEPT);
                return policy;
        }
        JsonObject *policy = sc_json_parse_object(text, -1, MAX_POLICY, "policy", &local);
        if (policy == NULL)
                sc_exit_throw(error, SC_EXIT_FAILED, "%s", local->message);
        return policy;
}

/* NULL: there is no such object. */
static JsonObject *object_in(JsonObject *object, const char *key)
{
        JsonNode *node = object != NULL ? json_object_get_member(object, key) : NULL;
        return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonObject *scopes_of(JsonObject *policy, const char *transport)
{
        return object_in(object_in(policy, "transports"), transport);
}

static JsonObject *make_object_in(JsonObject *object, const char *key)
{
        if (object_in(object, key) == NULL)
                json_object_set_object_member(object, key, json_object_new());
        return object_in(object, key);
}

/* ---- keys ---- */

static bool check_key_file(const char *path, GError **error)
{
        return g_file_test(path, G_FILE_TEST_EXISTS) ||
               sc_exit_throw(error, SC_EXIT_FAILED, "The public key file %s was not found. This file must exist to proceed.", path);
}

static bool add_key_data(JsonObject *requirement, const char *path, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autofree char *data = NULL;
        gsize size;
        sc_autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot open %s: %s", path, g_strerror(errno));
        if (!sc_read_fd(fd, path, MAX_KEY, &data, &size, &local))
                return sc_exit_throw(error, SC_EXIT_FAILED, "%s", local->message);
        g_autofree char *text = g_base64_encode((const guchar *)data, size);
        json_object_set_string_member(requirement, "keyData", text);
        return true;
}

static bool add_requirement(JsonArray *requirements, const ScTrustRule *rule, const char *key, GError **error)
{
        JsonObject *requirement = json_object_new();
        json_array_add_object_element(requirements, requirement);
        json_object_set_string_member(requirement, "type", rule->type);
        if (strcmp(rule->type, "signedBy") == 0)
                json_object_set_string_member(requirement, "keyType", "GPGKeys");
        if (rule->identity != NULL)
                json_object_set_string_member(make_object_in(requirement, "signedIdentity"), "type", rule->identity);
        if (!check_key_file(key, error))
                return false;
        if (!rule->by_path)
                return add_key_data(requirement, key, error);
        g_autofree char *path = g_canonicalize_filename(key, NULL);
        json_object_set_string_member(requirement, "keyPath", path);
        return true;
}

/* ---- edits ---- */

/* In names that are compared with it a host is there, and in small letters. */
static bool is_host(const char *text, gsize length)
{
        g_autofree char *host = g_strndup(text, length);
        return length > 0 && strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") == length &&
               (strpbrk(host, ".:") != NULL || strcmp(host, "localhost") == 0);
}

/* containers-policy.json(5): a host, what a name begins with, a name with its tag or digest, or *. and a domain. */
static bool begins_names(const char *scope)
{
        gsize length = strcspn(scope, "/");
        if (g_str_has_prefix(scope, "*."))
                return scope[length] == '\0' && scope[2] != '\0' &&
                       strspn(scope + 2, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length - 2;
        g_autoptr(ScReference) reference = scope[length] == '/' ? sc_reference_parse(scope, NULL) : NULL;
        return is_host(scope, length) && (scope[length] == '\0' || reference != NULL);
}

/* One that can never match would protect nothing, in silence. */
static bool check_scope(const ScTrustRule *rule, GError **error)
{
        return strcmp(rule->transport, "docker") != 0 || begins_names(rule->scope) ||
               sc_exit_throw(error, SC_EXIT_USAGE,
                             "No image's name begins with '%s': write HOST[:PORT][/PATH[:TAG]], in small letters, without a scheme "
                             "in front or a slash behind, or *.DOMAIN",
                             rule->scope);
}

bool sc_trust_check_place(const char *transport, const char *url, GError **error)
{
        if (url == NULL || strcmp(transport, "docker") == 0)
                return true;
        return sc_exit_throw(error, SC_EXIT_USAGE, "--sigstore is for images of registries, not for the transport %s", transport);
}

bool sc_trust_add(JsonObject *policy, const ScTrustRule *rule, GError **error)
{
        bool with_keys = strcmp(rule->type, "signedBy") == 0 || strcmp(rule->type, "sigstoreSigned") == 0;
        bool has_keys = rule->keys != NULL && rule->keys[0] != NULL;
        if (!check_scope(rule, error))
                return false;
        if (with_keys && !has_keys)
                return sc_exit_throw(error, rule->by_path ? SC_EXIT_FAILED : SC_EXIT_USAGE,
                                     "At least one public key must be defined for type '%s'%s", rule->type,
                                     rule->by_path ? "" : ": give --key=FILE, or another --type");
        if (!with_keys && has_keys)
                return sc_exit_throw(error, SC_EXIT_USAGE, "The type %s needs no key", rule->type);
        g_autoptr(JsonArray) requirements = with_keys ? json_array_new() : one_requirement(rule->type);
        for (char *const *key = rule->keys; with_keys && *key != NULL; key++)
                if (!add_requirement(requirements, rule, *key, error))
                        return false;
        JsonObject *scopes = make_object_in(make_object_in(policy, "transports"), rule->transport);
        json_object_set_array_member(scopes, rule->scope, g_steal_pointer(&requirements));
        return true;
}

bool sc_trust_has(JsonObject *policy, const char *transport, const char *scope)
{
        JsonObject *scopes = scopes_of(policy, transport);
        return scopes != NULL && json_object_has_member(scopes, scope);
}

bool sc_trust_delete(JsonObject *policy, const char *transport, const char *scope)
{
        if (!sc_trust_has(policy, transport, scope))
                return false;
        json_object_remove_member(scopes_of(policy, transport), scope);
        return true;
}

void sc_trust_set_default(JsonObject *policy, const char *type)
{
        json_object_set_array_member(policy, "default", one_requirement(type));
}

/* ---- what is there ---- */

const char *sc_trust_type(JsonArray *requirements, guint i)
{
        JsonNode *node = i < json_array_get_length(requirements) ? json_array_get_element(requirements, i) : NULL;
        JsonNode *type = node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_object_get_member(json_node_get_object(node), "type")
                                                                      : NULL;
        bool text = type != NULL && JSON_NODE_HOLDS_VALUE(type) && json_node_get_value_type(type) == G_TYPE_STRING;
        return text ? json_node_get_string(type) : "?";
}

static void call_each(JsonObject *object, const char *key, const char *transport, const char *scope, ScTrustEach each,
                      gpointer data)
{
        JsonNode *node = json_object_get_member(object, key);
        if (node != NULL && JSON_NODE_HOLDS_ARRAY(node))
                each(transport, scope, json_node_get_array(node), data);
}

static GList *sorted_members(JsonObject *object)
{
        return object != NULL ? g_list_sort(json_object_get_members(object), (GCompareFunc)strcmp) : NULL;
}

void sc_trust_for_each(JsonObject *policy, ScTrustEach each, gpointer data)
{
        g_autoptr(GList) transports = sorted_members(object_in(policy, "transports"));
        for (const GList *item = transports; item != NULL; item = item->next) {
                JsonObject *object = scopes_of(policy, item->data);
                g_autoptr(GList) scopes = sorted_members(object);
                for (const GList *scope = scopes; scope != NULL; scope = scope->next)
                        call_each(object, scope->data, item->data, scope->data, each, data);
        }
        call_each(policy, "default", NULL, NULL, each, data);
}
