/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "logins.h"
#include "ask.h"
#include "base/path.h"
#include "base/reference.h"
#include "helper.h"
#include "login-store.h"
#include "value.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char **sc_logins_places(const ScClient *client)
{
        if (client->authfile != NULL)
                return g_strdupv((char *[]){client->authfile, NULL});
        const char *runtime = g_getenv("XDG_RUNTIME_DIR");
        g_autofree char *folder = runtime != NULL && *runtime != '\0' ? g_build_filename(runtime, "containers", NULL)
                                                                      : g_strdup_printf("/run/containers/%u", (unsigned)getuid());
        return sc_auth_file_places(folder);
}

static bool add_file(ScKeyring *keyring, const char *path, bool must_be_there, GError **error)
{
        sc_autofd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return (!must_be_there && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) ||
                       sc_exit_throw(error, SC_EXIT_FAILED, "Cannot open %s: %s", path, g_strerror(errno));
        ScAuthFile *file = sc_auth_file_read(fd, path, error);
        if (file != NULL)
                sc_keyring_add_file(keyring, file, SC_KEYRING_HELPERS_RUN);
        return file != NULL;
}

static bool find_stores(gpointer client, char ***ret, GError **error)
{
        *ret = sc_login_stores(client, error);
        return *ret != NULL;
}

ScKeyring *sc_logins_keyring(const ScClient *client, GError **error)
{
        g_autoptr(ScKeyring) keyring = sc_keyring_new(sc_helper_get, (gpointer)client);
        sc_keyring_set_stores(keyring, find_stores);
        g_auto(GStrv) places = sc_logins_places(client);
        for (char **place = places; *place != NULL; place++)
                if (!add_file(keyring, *place, client->authfile != NULL, error))
                        return NULL;
        return g_steal_pointer(&keyring);
}

bool sc_logins_append_one(sd_bus_message *call, const ScLogin *login, GError **error)
{
        sc_autosecret char *text = sc_login_to_text(login);
        sd_bus_message_sensitive(call);
        return sc_call_option_string(call, "credentials", text, error);
}

/* ---- --creds ---- */

static bool read_creds(ScClient *client, ScLogin *ret, GError **error)
{
        sc_autosecret char *text = NULL;
        if (strcmp(client->creds, "-") == 0) {
                if (!sc_ask_stdin(&text, error))
                        return false;
        } else if (strchr(client->creds, ':') != NULL) {
                fprintf(stderr, "Warning: everybody on this machine can read the password in the list of processes; give the user "
                                "alone, and it is asked for\n");
                text = g_strdup(client->creds);
        } else {
                sc_autosecret char *password = NULL;
                if (!sc_ask_secret("Password: ", "write --creds=-, and USER:PASSWORD to standard input", &password, error))
                        return false;
                text = g_strconcat(client->creds, ":", password, NULL);
        }
        g_autoptr(GError) local = NULL;
        return sc_login_parse(text, "--creds", ret, &local) || sc_exit_throw(error, SC_EXIT_USAGE, "%s", local->message);
}

static bool append_creds(ScClient *client, sd_bus_message *call, GError **error)
{
        if (client->login == NULL) {
                g_auto(ScLogin) login = {};
                if (!read_creds(client, &login, error))
                        return false;
                client->login = sc_login_to_text(&login);
        }
        sd_bus_message_sensitive(call);
        return sc_call_option_string(call, "credentials", client->login, error);
}

/* ---- files ---- */

static bool append_file(ScClient *client, sd_bus_message *call, GError **error)
{
        if (client->authfile == NULL)
                return true;
        sc_autofd fd = open(client->authfile, O_RDONLY | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot open %s: %s", client->authfile, g_strerror(errno));
        if (client->host != NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE,
                                     "--authfile: put the registry in front of the image's name; a whole file of logins is not "
                                     "handed to another host");
        return sc_call_option_fd(client, call, "authfile", fd, error);
}

static bool is_of_registry(const ScReference *reference)
{
        return reference != NULL && reference->host != NULL &&
               (reference->source == SC_SOURCE_REGISTRY || reference->source == SC_SOURCE_REGISTRY_INSECURE);
}

/* What is wrong with a file that nobody has named is no reason not to do what may need no login. */
static bool go_on_without(const ScClient *client, GError **problem, GError **error)
{
        if (client->authfile != NULL) {
                g_propagate_error(error, g_steal_pointer(problem));
                return false;
        }
        g_prefix_error(problem, "Going on without your login: ");
        sc_client_report(client, *problem);
        return true;
}

bool sc_logins_append(ScClient *client, sd_bus_message *call, const char *image, GError **error)
{
        if (client->creds != NULL)
                return append_creds(client, call, error);
        g_autoptr(ScReference) reference = image != NULL ? sc_reference_parse(image, NULL) : NULL;
        if (!is_of_registry(reference))
                return append_file(client, call, error);
        g_autoptr(GError) problem = NULL;
        g_auto(ScLogin) login = {};
        g_autoptr(ScKeyring) keyring = sc_logins_keyring(client, &problem);
        g_autofree char *repository = sc_reference_repository(reference);
        if (keyring == NULL || !sc_keyring_find(keyring, reference->host, repository, &login, &problem))
                return go_on_without(client, &problem, error);
        return !sc_login_is_set(&login) || sc_logins_append_one(call, &login, error);
}

bool sc_logins_append_for_container(ScClient *client, sd_bus_message *call, const char *container, GError **error)
{
        g_autofree char *path = NULL;
        g_autoptr(ScObject) object = NULL;
        return sc_object_find(client, SC_OBJECT_CONTAINER, container, &path, error) &&
               sc_object_get(client, SC_OBJECT_CONTAINER, path, &object, error) &&
               sc_logins_append(client, call, sc_value_string(object->properties, "Image"), error);
}
