/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "options.h"
#include "trust-edit.h"
#include "trust.h"
#include <stdio.h>
#include <string.h>

/* What atomic called a kind of store of signatures, policy.json calls a transport. */
static bool get_transport(const char *kind, const char **ret, GError **error)
{
        static const char *const kinds[] = {"atomic", "local", "web", NULL};
        if (!sc_options_choice("sigstoretype", kind, kinds, error))
                return false;
        *ret = kind == NULL || strcmp(kind, "web") == 0 ? "docker" : strcmp(kind, "local") == 0 ? "dir" : "atomic";
        return true;
}

static const char *short_type(const char *type)
{
        static const struct {
                const char *type, *word;
        } words[] = {{"insecureAcceptAnything", "accept"}, {"signedBy", "signed"}, {"sigstoreSigned", "signed"}};
        for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
                if (strcmp(words[i].type, type) == 0)
                        return words[i].word;
        return type;
}

static void print_line(const char *transport, const char *scope, JsonArray *requirements, gpointer data)
{
        const char *place = g_hash_table_lookup(data, scope != NULL ? scope : "");
        const char *type = short_type(sc_trust_type(requirements, 0));
        if (transport == NULL)
                printf("%-35s %-8s %s\n", "* (default)", type, place != NULL ? place : "");
        else if (strcmp(transport, "docker") == 0 || strcmp(transport, "atomic") == 0)
                printf("%-35s %-8s %s\n", scope, type, place != NULL ? place : "");
}

bool sc_atomic_trust_show(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0], "", "", NULL, NULL, 0, 0};
        char **arguments;
        g_auto(ScTrust) trust = {0};
        if (sc_options_parse(client, &syntax, argc, argv, &arguments, error) != SC_PARSED ||
            !sc_trust_get_all(client, &trust, error))
                return false;
        if (!client->json) {
                sc_trust_for_each(trust.policy, print_line, trust.lookasides);
                return true;
        }
        g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
        json_node_set_object(node, trust.policy);
        sc_client_print_json(node);
        return true;
}

static bool may_overwrite(const ScClient *client, const char *kind, const char *scope)
{
        char answer[64] = "";
        if (client->assume_yes)
                return true;
        printf("Trust policy already defined for %s:%s\nDo you want to overwrite? (y/N) ", kind != NULL ? kind : "web", scope);
        fflush(stdout);
        return fgets(answer, sizeof answer, stdin) != NULL && strpbrk(answer, "yY") != NULL;
}

typedef struct {
        char *kind, *type, *key_type, *sigstore;
        char **keys;
} AddOptions;

static void add_options_clear(AddOptions *options)
{
        g_free(options->kind);
        g_free(options->type);
        g_free(options->key_type);
        g_free(options->sigstore);
        g_strfreev(options->keys);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AddOptions, add_options_clear)

static bool add(ScClient *client, const AddOptions *options, const char *scope, GError **error)
{
        static const char *const types[] = {"insecureAcceptAnything", "reject", "signedBy", NULL};
        static const char *const key_types[] = {"GPGKeys", NULL};
        ScTrustRule rule = {
                .scope = scope,
                .type = options->type != NULL ? options->type : "signedBy",
                .keys = options->keys,
                .by_path = true,
        };
        g_auto(ScTrust) trust = {.scope = options->sigstore != NULL ? scope : NULL, .lookaside = options->sigstore};
        if (!sc_options_choice("type", options->type, types, error) ||
            !sc_options_choice("keytype", options->key_type, key_types, error) ||
            !get_transport(options->kind, &rule.transport, error) ||
            !sc_trust_check_place(rule.transport, options->sigstore, error) || !sc_trust_get(client, &trust, error))
                return false;
        if (sc_trust_has(trust.policy, rule.transport, scope) && !may_overwrite(client, options->kind, scope))
                return true;
        return sc_trust_add(trust.policy, &rule, error) && sc_trust_set(client, &trust, error);
}

bool sc_atomic_trust_add(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(AddOptions) options = {NULL};
        const GOptionEntry entries[] = {
                {"pubkeys", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.keys, NULL, NULL},
                {"sigstoretype", 0, 0, G_OPTION_ARG_FILENAME, &options.kind, NULL, NULL},
                {"type", 0, 0, G_OPTION_ARG_FILENAME, &options.type, NULL, NULL},
                {"keytype", 0, 0, G_OPTION_ARG_FILENAME, &options.key_type, NULL, NULL},
                {"sigstore", 0, 0, G_OPTION_ARG_FILENAME, &options.sigstore, NULL, NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {argv[0], "", "", NULL, entries, 1, 1};
        char **arguments;
        return sc_options_parse(client, &syntax, argc, argv, &arguments, error) == SC_PARSED &&
               add(client, &options, arguments[0], error);
}

bool sc_atomic_trust_delete(ScClient *client, int argc, char **argv, GError **error)
{
        g_autofree char *kind = NULL;
        const GOptionEntry entries[] = {
                {"sigstoretype", 0, 0, G_OPTION_ARG_FILENAME, &kind, NULL, NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {argv[0], "", "", NULL, entries, 1, 1};
        char **arguments;
        const char *transport;
        g_auto(ScTrust) trust = {0};
        if (sc_options_parse(client, &syntax, argc, argv, &arguments, error) != SC_PARSED ||
            !get_transport(kind, &transport, error) || !sc_trust_get_all(client, &trust, error))
                return false;
        if (!sc_trust_delete(trust.policy, transport, arguments[0]))
                return sc_exit_throw(error, SC_EXIT_FAILED, "Could not find trust policy defined for %s transport %s",
                                     kind != NULL ? kind : "web", arguments[0]);
        if (strcmp(transport, "docker") == 0 && g_hash_table_contains(trust.lookasides, arguments[0]))
                trust.scope = arguments[0];
        return sc_trust_set(client, &trust, error);
}

bool sc_atomic_trust_default(ScClient *client, int argc, char **argv, GError **error)
{
        static const char *const words[] = {"reject", "accept", NULL};
        const ScSyntax syntax = {argv[0], "", "", NULL, NULL, 1, 1};
        char **arguments;
        g_auto(ScTrust) trust = {0};
        if (sc_options_parse(client, &syntax, argc, argv, &arguments, error) != SC_PARSED)
                return false;
        if (!g_strv_contains(words, arguments[0]))
                return sc_exit_throw(error, SC_EXIT_USAGE, "trust default: reject or accept, and not '%s'", arguments[0]);
        if (!sc_trust_get(client, &trust, error))
                return false;
        sc_trust_set_default(trust.policy, strcmp(arguments[0], "accept") == 0 ? "insecureAcceptAnything" : "reject");
        return sc_trust_set(client, &trust, error);
}
