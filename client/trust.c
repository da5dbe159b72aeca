/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verb that shows and changes which images are trusted. */

#include "trust.h"
#include "base/digest.h"
#include "base/json.h"
#include "options.h"
#include "run.h"
#include "trust-edit.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

static const char *const types[] = {"signedBy", "sigstoreSigned", "insecureAcceptAnything", "reject", NULL};
static const char *const identities[] = {"matchExact", "matchRepoDigestOrExact", "matchRepository", NULL};

/* ---- calls ---- */

void sc_trust_clear(ScTrust *trust)
{
        g_clear_pointer(&trust->text, g_free);
        g_clear_pointer(&trust->policy, json_object_unref);
        g_clear_pointer(&trust->lookasides, g_hash_table_unref);
}

static bool get_lookasides(ScClient *client, GHashTable **ret, GError **error)
{
        sd_bus_message *call = NULL, *reply = NULL;
        g_autoptr(GHashTable) lookasides = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        bool ok = sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "GetLookaside", NULL, &call, error) &&
                  sc_call(client, call, NULL, &reply, error);
        int r = ok ? sd_bus_message_enter_container(reply, 'a', "{ss}") : 0;
        const char *scope, *url;
        while (ok && r >= 0 && (r = sd_bus_message_read(reply, "{ss}", &scope, &url)) > 0)
                g_hash_table_insert(lookasides, g_strdup(scope), g_strdup(url));
        ok = ok && sc_bus_check(r, "GetLookaside", error);
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
        if (ok)
                *ret = g_steal_pointer(&lookasides);
        return ok;
}

bool sc_trust_get(ScClient *client, ScTrust *ret, GError **error)
{
        sd_bus_message *call = NULL, *reply = NULL;
        const char *text;
        bool ok = sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "GetPolicy", NULL, &call, error) &&
                  sc_call(client, call, NULL, &reply, error) &&
                  sc_bus_check(sd_bus_message_read(reply, "s", &text), "GetPolicy", error);
        if (ok) {
                ret->text = g_strdup(text);
                ret->policy = sc_trust_parse(text, error);
        }
        sd_bus_message_unref(call);
        sd_bus_message_unref(reply);
        return ok && ret->policy != NULL;
}

bool sc_trust_get_all(ScClient *client, ScTrust *ret, GError **error)
{
        return sc_trust_get(client, ret, error) && get_lookasides(client, &ret->lookasides, error);
}

static bool make_set_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const ScTrust *trust = data;
        sd_bus_message *call = NULL;
        ScDigest digest;
        sc_digest_of(trust->text, strlen(trust->text), &digest);
        g_autofree char *expected = sc_digest_to_string(&digest), *text = sc_json_to_string(trust->policy, true);
        if (sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "SetPolicy", text, &call, error) &&
            sc_call_open_options(call, error) && sc_call_option_string(call, "expected-digest", expected, error) &&
            sc_call_option_string(call, "lookaside-scope", trust->scope, error) &&
            (trust->scope == NULL ||
             sc_call_option_string(call, "lookaside", trust->lookaside != NULL ? trust->lookaside : "", error)) &&
            sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_trust_set(ScClient *client, const ScTrust *trust, GError **error)
{
        const ScTask task = {.make_call = make_set_call, .data = trust, .actions = "org.sysconsd1.trust"};
        return sc_run_each(client, &task, (char *[]){(char *)"policy", NULL}, false, error);
}

/* ---- the verb ---- */

typedef struct {
        char *type, *transport, *identity, *sigstore;
        char **keys;
} TrustOptions;

static void trust_options_clear(TrustOptions *options)
{
        g_free(options->type);
        g_free(options->transport);
        g_free(options->identity);
        g_free(options->sigstore);
        g_strfreev(options->keys);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TrustOptions, trust_options_clear)

static const char *identity_of(JsonArray *requirements, guint i)
{
        JsonNode *node = json_array_get_element(requirements, i);
        JsonObject *requirement = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
        JsonNode *identity = requirement != NULL ? json_object_get_member(requirement, "signedIdentity") : NULL;
        if (identity == NULL || !JSON_NODE_HOLDS_OBJECT(identity))
                return NULL;
        return json_object_get_string_member_with_default(json_node_get_object(identity), "type", NULL);
}

typedef struct {
        ScTable *table;
        GHashTable *lookasides; /* those that are not in the table yet */
} Rows;

static void add_row(Rows *rows, const char *transport, const char *scope, const char *type, const char *identity)
{
        bool has_place = transport == NULL || strcmp(transport, "docker") == 0;
        g_autofree char *key = NULL, *place = NULL;
        if (has_place)
                g_hash_table_steal_extended(rows->lookasides, scope, (gpointer *)&key, (gpointer *)&place);
        sc_table_add(rows->table, transport != NULL ? transport : "*");
        sc_table_add(rows->table, *scope == '\0' ? "*" : scope);
        sc_table_add(rows->table, type);
        sc_table_add(rows->table, identity);
        sc_table_add(rows->table, place);
}

static void add_rows(const char *transport, const char *scope, JsonArray *requirements, gpointer data)
{
        /* The transport's default: registries.d has one for all. */
        for (guint i = 0; i < json_array_get_length(requirements); i++)
                add_row(data, transport, scope != NULL ? scope : "", sc_trust_type(requirements, i), identity_of(requirements, i));
}

/* What has a place and no rule of its own. */
static void add_other_places(Rows *rows)
{
        g_autoptr(GList) scopes = g_list_sort(g_hash_table_get_keys(rows->lookasides), (GCompareFunc)strcmp);
        for (const GList *scope = scopes; scope != NULL; scope = scope->next) {
                g_autofree char *copy = g_strdup(scope->data);
                add_row(rows, "docker", copy, NULL, NULL);
        }
}

static void print_json(const ScTrust *trust)
{
        if (g_hash_table_size(trust->lookasides) > 0)
                sc_json_set_string_map(trust->policy, "lookaside", trust->lookasides);
        g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
        json_node_set_object(node, trust->policy);
        sc_client_print_json(node);
}

static bool show(ScClient *client, GError **error)
{
        static const ScColumn columns[] = {
                {"TRANSPORT"}, {"SCOPE", SC_COLUMN_SHRINK}, {"REQUIREMENT"}, {"IDENTITY"}, {"SIGNATURES", SC_COLUMN_SHRINK}};
        g_auto(ScTrust) trust = {0};
        if (!sc_trust_get_all(client, &trust, error))
                return false;
        if (client->json) {
                print_json(&trust);
                return true;
        }
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        Rows rows = {table, trust.lookasides};
        sc_trust_for_each(trust.policy, add_rows, &rows);
        add_other_places(&rows);
        sc_client_print_table(table, false, false);
        return true;
}

static bool add(ScClient *client, const TrustOptions *options, const char *scope, GError **error)
{
        const ScTrustRule rule = {
                .transport = options->transport != NULL ? options->transport : "docker",
                .scope = scope,
                .type = options->type != NULL ? options->type : types[0],
                .identity = options->identity,
                .keys = options->keys,
        };
        g_auto(ScTrust) trust = {.scope = options->sigstore != NULL ? scope : NULL, .lookaside = options->sigstore};
        return sc_options_choice("type", options->type, types, error) &&
               sc_options_choice("identity", options->identity, identities, error) &&
               sc_trust_check_place(rule.transport, options->sigstore, error) && sc_trust_get(client, &trust, error) &&
               sc_trust_add(trust.policy, &rule, error) && sc_trust_set(client, &trust, error);
}

static bool delete_scope(ScClient *client, const TrustOptions *options, const char *scope, GError **error)
{
        const char *transport = options->transport != NULL ? options->transport : "docker";
        g_auto(ScTrust) trust = {0};
        if (!sc_trust_get_all(client, &trust, error))
                return false;
        bool had_rule = sc_trust_delete(trust.policy, transport, scope);
        if (strcmp(transport, "docker") == 0 && g_hash_table_contains(trust.lookasides, scope) && *scope != '\0')
                trust.scope = scope;
        if (!had_rule && trust.scope == NULL)
                return sc_exit_throw(error, SC_EXIT_NOT_FOUND, "There is no rule for %s, %s", transport, scope);
        return sc_trust_set(client, &trust, error);
}

static bool set_default(ScClient *client, const char *word, GError **error)
{
        bool accept = strcmp(word, "accept") == 0;
        if (!accept && strcmp(word, "reject") != 0)
                return sc_exit_throw(error, SC_EXIT_USAGE, "trust default: accept or reject, and not '%s'", word);
        g_auto(ScTrust) trust = {0};
        if (!sc_trust_get(client, &trust, error))
                return false;
        sc_trust_set_default(trust.policy, accept ? "insecureAcceptAnything" : "reject");
        return sc_trust_set(client, &trust, error);
}

static bool dispatch(ScClient *client, const TrustOptions *options, char *const *arguments, GError **error)
{
        const char *action = arguments[0], *argument = arguments[1];
        bool adds = strcmp(action, "add") == 0, deletes = strcmp(action, "delete") == 0, shows = strcmp(action, "show") == 0;
        if (!adds && !deletes && !shows && strcmp(action, "default") != 0)
                return sc_exit_throw(error, SC_EXIT_USAGE, "trust: show, add, delete or default, and not '%s'", action);
        if (shows != (argument == NULL))
                return sc_exit_throw(error, SC_EXIT_USAGE, "trust %s takes %s", action, shows ? "no argument" : "one argument");
        if ((!adds && (options->type != NULL || options->identity != NULL || options->sigstore != NULL || options->keys != NULL)) ||
            (!adds && !deletes && options->transport != NULL))
                return sc_exit_throw(error, SC_EXIT_USAGE, "trust %s does not take that option", action);
        return adds      ? add(client, options, argument, error)
               : deletes ? delete_scope(client, options, argument, error)
               : shows   ? show(client, error)
                         : set_default(client, argument, error);
}

bool sc_verb_trust(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(TrustOptions) options = {NULL};
        const GOptionEntry entries[] = {
                {"key", 'k', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.keys,
                 "A file with public keys, of which one must have signed (may be repeated: one of each)", "FILE"},
                {"type", 't', 0, G_OPTION_ARG_FILENAME, &options.type,
                 "signedBy (the default: GPG), sigstoreSigned, insecureAcceptAnything, reject", "TYPE"},
                {"identity", 0, 0, G_OPTION_ARG_FILENAME, &options.identity,
                 "Which name must be signed: matchRepoDigestOrExact (the default), matchExact, matchRepository", "HOW"},
                {"sigstore", 's', 0, G_OPTION_ARG_FILENAME, &options.sigstore,
                 "Where signatures by GPG lie: https://HOST/PATH, http:// or file:///PATH (in registries.d)", "URL"},
                {"transport", 0, 0, G_OPTION_ARG_FILENAME, &options.transport, "docker (a registry, the default), oci-archive ...",
                 "NAME"},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                .name = argv[0],
                .synopsis = "show|add SCOPE|delete SCOPE|default accept|default reject",
                .summary =
                        "Show or change which images are trusted: policy.json and registries.d, for sysconsd, podman and skopeo.",
                .details =
                        "SCOPE is HOST[:PORT][/PATH[:TAG]] in full, or *.DOMAIN. What a key file holds becomes part of the policy.",
                .entries = entries,
                .min = 1,
                .max = 2,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        return dispatch(client, &options, arguments, error);
}
