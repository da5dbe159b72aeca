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

static bool make_set_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const ScTrust *trust = data;
        sd_bus_message *call = NULL;
        ScDigest digest;
        sc_digest_of(trust->text, strlen(trust->text), &digest);
        g_autofree char *expected = sc_digest_to_string(&digest), *text = sc_json_to_string(trust->policy, true);
        if (sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "SetPolicy", text, &call, error) &&
            sc_call_open_options(call, error) && sc_call_option_string(call, "expected-digest", expected, error) &&
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
        char *type, *transport, *identity;
        char **keys;
} TrustOptions;

static void trust_options_clear(TrustOptions *options)
{
        g_free(options->type);
        g_free(options->transport);
        g_free(options->identity);
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

static void add_rows(const char *transport, const char *scope, JsonArray *requirements, gpointer data)
{
        for (guint i = 0; i < json_array_get_length(requirements); i++) {
                sc_table_add(data, transport != NULL ? transport : "*");
                sc_table_add(data, scope == NULL || *scope == '\0' ? "*" : scope);
                sc_table_add(data, sc_trust_type(requirements, i));
                sc_table_add(data, identity_of(requirements, i));
        }
}

static bool show(ScClient *client, GError **error)
{
        static const ScColumn columns[] = {{"TRANSPORT"}, {"SCOPE", SC_COLUMN_SHRINK}, {"REQUIREMENT"}, {"IDENTITY"}};
        g_auto(ScTrust) trust = {0};
        if (!sc_trust_get(client, &trust, error))
                return false;
        if (client->json) {
                g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
                json_node_set_object(node, trust.policy);
                sc_client_print_json(node);
                return true;
        }
        g_autoptr(ScTable) table = sc_table_new(columns, G_N_ELEMENTS(columns));
        sc_trust_for_each(trust.policy, add_rows, table);
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
        g_auto(ScTrust) trust = {0};
        return sc_options_choice("type", options->type, types, error) &&
               sc_options_choice("identity", options->identity, identities, error) && sc_trust_get(client, &trust, error) &&
               sc_trust_add(trust.policy, &rule, error) && sc_trust_set(client, &trust, error);
}

static bool delete_scope(ScClient *client, const TrustOptions *options, const char *scope, GError **error)
{
        const char *transport = options->transport != NULL ? options->transport : "docker";
        g_auto(ScTrust) trust = {0};
        if (!sc_trust_get(client, &trust, error))
                return false;
        if (!sc_trust_delete(trust.policy, transport, scope))
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
        if ((!adds && (options->type != NULL || options->identity != NULL || options->keys != NULL)) ||
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
                {"transport", 0, 0, G_OPTION_ARG_FILENAME, &options.transport, "docker (a registry, the default), oci-archive ...",
                 "NAME"},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                .name = argv[0],
                .synopsis = "show|add SCOPE|delete SCOPE|default accept|default reject",
                .summary = "Show or change which images are trusted: policy.json, for sysconsd, podman and skopeo.",
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
