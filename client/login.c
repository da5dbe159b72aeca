/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs that keep logins: in the user's own files, which sysconsd does not see. It only says whether a login is good. */

#include "ask.h"
#include "base/reference.h"
#include "login-store.h"
#include "logins.h"
#include "options.h"
#include "outcome.h"
#include "verbs.h"
#include "wait.h"
#include <stdio.h>
#include <string.h>

#define DEFAULT_REGISTRY "docker.io"

typedef struct {
        char *username;
        gboolean password_stdin, get_login, no_verify;
        ScReference *registry;
} LoginOptions;

static void login_options_clear(LoginOptions *options)
{
        g_free(options->username);
        g_clear_pointer(&options->registry, sc_reference_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LoginOptions, login_options_clear)

static ScReference *parse_registry(const char *text, GError **error)
{
        g_autoptr(GError) local = NULL;
        ScReference *registry = sc_reference_parse_registry(text != NULL ? text : DEFAULT_REGISTRY, &local);
        if (registry == NULL)
                sc_exit_throw(error, SC_EXIT_USAGE, "%s", local->message);
        return registry;
}

/* ---- login ---- */

static bool show_login(ScClient *client, const LoginOptions *options, GError **error)
{
        g_auto(ScLogin) login = {};
        g_autoptr(ScKeyring) keyring = sc_logins_keyring(client, error);
        if (keyring == NULL || !sc_keyring_find(keyring, options->registry->host, options->registry->path, &login, error))
                return false;
        if (!sc_login_is_set(&login))
                return sc_exit_throw(error, SC_EXIT_FAILED, "not logged into %s", options->registry->name);
        puts(login.user);
        return true;
}

static bool read_login(const LoginOptions *options, ScLogin *ret, GError **error)
{
        g_autofree char *user = g_strdup(options->username);
        sc_autosecret char *password = NULL;
        if (options->password_stdin && user == NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE, "--password-stdin needs --username");
        if (options->password_stdin) {
                if (!sc_ask_stdin(&password, error))
                        return false;
        } else if ((user == NULL && !sc_ask_line("Username: ", "give --username and --password-stdin", &user, error)) ||
                   !sc_ask_secret("Password: ", "give --password-stdin, and the password to standard input", &password, error))
                return false;
        if (strchr(user, ':') != NULL || *user == '\0' || *password == '\0')
                return sc_exit_throw(error, SC_EXIT_USAGE, "A user's name has no colon, and neither it nor the password is empty");
        sc_autosecret char *text = g_strconcat(user, ":", password, NULL);
        g_autoptr(GError) local = NULL;
        return sc_login_parse(text, "the command line", ret, &local) || sc_exit_throw(error, SC_EXIT_USAGE, "%s", local->message);
}

static bool check_login(ScClient *client, const ScReference *registry, const ScLogin *login, GError **error)
{
        sd_bus_message *call;
        g_autoptr(ScOutcome) outcome = NULL;
        if (!sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "CheckLogin", registry->name, &call, error))
                return false;
        if (!sc_call_open_options(call, error) || !sc_logins_append_one(call, login, error) ||
            !sc_call_close_options(call, error)) {
                sd_bus_message_unref(call);
                return false;
        }
        client->no_wait = FALSE;
        return sc_wait_call(client, call, "org.sysconsd1.pull", NULL, &outcome, error) && sc_outcome_check(outcome, error);
}

bool sc_verb_login(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(LoginOptions) options = {NULL};
        const GOptionEntry entries[] = {
                {"username", 'u', 0, G_OPTION_ARG_STRING, &options.username, "Who you are there; else it is asked for", "USER"},
                {"password-stdin", 0, 0, G_OPTION_ARG_NONE, &options.password_stdin, "Read the password from standard input", NULL},
                {"authfile", 0, 0, G_OPTION_ARG_FILENAME, &client->authfile, "Keep it in this file", "FILE"},
                {"get-login", 0, 0, G_OPTION_ARG_NONE, &options.get_login, "Only print as whom you are logged in", NULL},
                {"no-verify", 0, 0, G_OPTION_ARG_NONE, &options.no_verify, "Do not ask the registry whether it is good", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "[REGISTRY[/NAMESPACE]]",
                "Keep a login for a registry, for yourself: podman, skopeo and docker have it, too.",
                "Without a registry: docker.io. Without --authfile it is gone after a reboot, as podman's; sysconsd(8) says whose "
                "logins "
                "updates go by.",
                entries,
                0,
                1,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        options.registry = parse_registry(arguments[0], error);
        if (options.registry == NULL)
                return false;
        if (options.get_login)
                return show_login(client, &options, error);
        g_auto(ScLogin) login = {};
        if (!read_login(&options, &login, error) || (!options.no_verify && !check_login(client, options.registry, &login, error)) ||
            !sc_login_stores_set(client, options.registry->name, &login, error))
                return false;
        sc_client_message(client, "Login Succeeded!");
        return true;
}

/* ---- logout ---- */

/* What another tool has put into another file is its. */
static void tell_of_others(ScClient *client, const ScReference *registry)
{
        g_auto(ScLogin) login = {};
        g_autoptr(ScKeyring) keyring = sc_logins_keyring(client, NULL);
        if (keyring == NULL || !sc_keyring_find(keyring, registry->host, registry->path, &login, NULL) || !sc_login_is_set(&login))
                return;
        g_autofree char *line = g_strdup_printf("A login for %s is still kept by %s", registry->name, login.origin);
        sc_client_message(client, line);
}

static bool log_out(ScClient *client, const ScReference *registry, GError **error)
{
        bool removed;
        bool ok = sc_login_stores_remove(client, registry->name, &removed, error);
        if (removed) {
                g_autofree char *line = g_strdup_printf("Removed login credentials for %s", registry->name);
                sc_client_message(client, line);
        }
        if (!ok)
                return false;
        if (client->authfile == NULL)
                tell_of_others(client, registry);
        return removed || sc_exit_throw(error, SC_EXIT_FAILED, "Not logged into %s", registry->name);
}

bool sc_verb_logout(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean all = FALSE;
        const GOptionEntry entries[] = {
                {"all", 'a', 0, G_OPTION_ARG_NONE, &all, "Of all registries", NULL},
                {"authfile", 0, 0, G_OPTION_ARG_FILENAME, &client->authfile, "It is in this file", "FILE"},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "[REGISTRY[/NAMESPACE]]|--all",
                "Forget a login for a registry.",
                "Without a registry: docker.io.",
                entries,
                0,
                1,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (all && arguments[0] != NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE, "name a registry, or say --all; see `sysconsctl logout --help`");
        g_autoptr(ScReference) registry = parse_registry(arguments[0], error);
        if (registry == NULL)
                return false;
        if (!all)
                return log_out(client, registry, error);
        if (!sc_login_stores_remove_all(client, error))
                return false;
        sc_client_message(client, "Removed login credentials for all registries");
        return true;
}
