/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus.h"
#include "agent.h"
#include "remote.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool connect_user(ScClient *client, GError **error)
{
        int r = sd_bus_open_user(&client->bus);
        if (r < 0)
                return sc_exit_throw(
                        error, SC_EXIT_GONE,
                        "Cannot connect to the bus of your sessions: %s; log in, or have `loginctl enable-linger` said "
                        "for you",
                        g_strerror(-r));
        return true;
}

bool sc_client_connect(ScClient *client, GError **error)
{
        if (client->bus != NULL)
                return true;
        if (client->host != NULL)
                return sc_remote_open(client->host, client->user ? SC_REMOTE_USER : SC_REMOTE_SYSTEM, &client->bus, error);
        if (client->user)
                return connect_user(client, error);
        int r = sd_bus_open_system(&client->bus);
        if (r < 0)
                return sc_exit_throw(error, SC_EXIT_GONE, "Cannot connect to the system bus: %s; is it running?", g_strerror(-r));
        return true;
}

void sc_client_prepare_authorization(ScClient *client)
{
        if (client->agent != NULL || client->user || client->no_ask_password || client->host != NULL || geteuid() == 0 ||
            !isatty(STDIN_FILENO))
                return;
        client->agent = sc_agent_start();
}

static bool is_lost(int r)
{
        return r == -ECONNRESET || r == -ECONNREFUSED || r == -ENOTCONN || r == -EPIPE || r == -ESHUTDOWN;
}

bool sc_bus_check(int r, const char *what, GError **error)
{
        if (r >= 0)
                return true;
        if (is_lost(r))
                return sc_exit_throw(error, SC_EXIT_GONE, "%s: the connection to the bus is lost", what);
        return sc_exit_throw(error, SC_EXIT_FAILED, "%s: %s", what, g_strerror(-r));
}

static bool is_one_of(const char *name, const char *const *names)
{
        return name != NULL && g_strv_contains(names, name);
}

static const char *const unreachable[] = {SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER, NULL};
static const char *const gone[] = {SD_BUS_ERROR_NO_REPLY,
                                   SD_BUS_ERROR_DISCONNECTED,
                                   SD_BUS_ERROR_TIMEOUT,
                                   SD_BUS_ERROR_NO_SERVER,
                                   "org.freedesktop.DBus.Error.TimedOut",
                                   NULL};
static const char *const refused[] = {SD_BUS_ERROR_ACCESS_DENIED, "org.sysconsd1.Error.AccessDenied", NULL};
static const char *const cancelled[] = {"org.sysconsd1.Error.Cancelled", NULL};
static const char *const not_found[] = {"org.sysconsd1.Error.NotFound", SD_BUS_ERROR_UNKNOWN_OBJECT, NULL};

#define WHAT_SYSTEMD_SAYS "see `systemctl status sysconsd`, or `systemctl --user status sysconsd` for your own"

bool sc_bus_throw(const sd_bus_error *bus_error, const char *actions, GError **error)
{
        const char *name = bus_error->name;
        const char *message = bus_error->message != NULL && bus_error->message[0] != '\0' ? bus_error->message : name;
        if (g_strcmp0(name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) == 0)
                return sc_exit_throw(error, SC_EXIT_REFUSED,
                                     "Not authorized: polkit wants to ask first (%s), and nobody can be asked here; run sysconsctl "
                                     "as root or on a "
                                     "terminal without --no-ask-password, or have a polkit rule made that allows it",
                                     actions != NULL ? actions : message);
        if (is_one_of(name, refused))
                return actions != NULL ? sc_exit_throw(error, SC_EXIT_REFUSED, "Not authorized (%s): %s", actions, message)
                                       : sc_exit_throw(error, SC_EXIT_REFUSED, "Not authorized: %s", message);
        if (is_one_of(name, unreachable))
                return sc_exit_throw(error, SC_EXIT_GONE, "sysconsd cannot be reached: %s; is it installed on this host?", message);
        if (g_str_has_prefix(name, "org.freedesktop.DBus.Error.Spawn.") || g_str_has_prefix(name, "org.freedesktop.systemd1."))
                return sc_exit_throw(error, SC_EXIT_GONE, "sysconsd could not be started: %s; " WHAT_SYSTEMD_SAYS, message);
        if (is_one_of(name, gone))
                return sc_exit_throw(error, SC_EXIT_GONE, "sysconsd gave no answer: %s; " WHAT_SYSTEMD_SAYS, message);
        if (is_one_of(name, not_found))
                return sc_exit_throw(error, SC_EXIT_NOT_FOUND, "%s", message);
        if (is_one_of(name, cancelled))
                return sc_exit_throw(error, SC_EXIT_INTERRUPTED, "%s", message);
        return sc_exit_throw(error, SC_EXIT_FAILED, "%s", message);
}

bool sc_call_new(ScClient *client, const char *path, const char *interface, const char *member, const char *argument,
                 sd_bus_message **ret, GError **error)
{
        if (!sc_client_connect(client, error))
                return false;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(client->bus, &call, SC_BUS_NAME, path, interface, member);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(call, !client->no_ask_password);
        if (r >= 0 && argument != NULL)
                r = sd_bus_message_append_basic(call, SD_BUS_TYPE_STRING, argument);
        if (r < 0) {
                sd_bus_message_unref(call);
                return sc_bus_check(r, member, error);
        }
        *ret = call;
        return true;
}

bool sc_call_open_options(sd_bus_message *call, GError **error)
{
        return sc_bus_check(sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "{sv}"), "options", error);
}

bool sc_call_close_options(sd_bus_message *call, GError **error)
{
        return sc_bus_check(sd_bus_message_close_container(call), "options", error);
}

bool sc_call_option_string(sd_bus_message *call, const char *key, const char *value, GError **error)
{
        return value == NULL || sc_bus_check(sd_bus_message_append(call, "{sv}", key, "s", value), key, error);
}

bool sc_call_option_uint(sd_bus_message *call, const char *key, guint value, GError **error)
{
        return value == 0 || sc_bus_check(sd_bus_message_append(call, "{sv}", key, "u", value), key, error);
}

bool sc_call_option_fd(ScClient *client, sd_bus_message *call, const char *key, int fd, GError **error)
{
        if (fd < 0)
                return true;
        if (client->host != NULL)
                return sc_exit_throw(
                        error, SC_EXIT_USAGE,
                        "Input, output and terminals cannot be handed to another host with --host; log in there: ssh -t "
                        "%s sysconsctl %s",
                        client->host, sd_bus_message_get_member(call));
        return sc_bus_check(sd_bus_message_append(call, "{sv}", key, "h", fd), key, error);
}

static int open_option(sd_bus_message *call, const char *key, const char *type)
{
        int r = sd_bus_message_open_container(call, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(call, SD_BUS_TYPE_STRING, key);
        if (r >= 0)
                r = sd_bus_message_open_container(call, SD_BUS_TYPE_VARIANT, type);
        return r;
}

static int close_option(sd_bus_message *call)
{
        int r = sd_bus_message_close_container(call);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

static int append_map(sd_bus_message *call, GHashTable *map)
{
        int r = sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "{ss}");
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, map);
        while (r >= 0 && g_hash_table_iter_next(&iter, &key, &value))
                r = sd_bus_message_append(call, "{ss}", key, value);
        return r < 0 ? r : sd_bus_message_close_container(call);
}

bool sc_call_option_map(sd_bus_message *call, const char *key, GHashTable *map, GError **error)
{
        if (map == NULL || g_hash_table_size(map) == 0)
                return true;
        int r = open_option(call, key, "a{ss}");
        if (r >= 0)
                r = append_map(call, map);
        if (r >= 0)
                r = close_option(call);
        return sc_bus_check(r, key, error);
}

bool sc_call_option_strv(sd_bus_message *call, const char *key, char *const *strv, GError **error)
{
        if (strv == NULL || strv[0] == NULL)
                return true;
        int r = open_option(call, key, "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(call, (char **)strv);
        if (r >= 0)
                r = close_option(call);
        return sc_bus_check(r, key, error);
}

bool sc_call(ScClient *client, sd_bus_message *call, const char *actions, sd_bus_message **ret, GError **error)
{
        sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        int r = sd_bus_call(client->bus, call, SC_CALL_TIMEOUT_USEC, &bus_error, &reply);
        if (r >= 0) {
                *ret = reply;
                return true;
        }
        if (is_lost(r) && client->host != NULL)
                sc_exit_throw(error, SC_EXIT_GONE,
                              "The system bus of %s cannot be reached: does ssh work, and is systemd-stdio-bridge there?",
                              client->host);
        else if (is_lost(r) || !sd_bus_error_is_set(&bus_error))
                sc_bus_check(r, sd_bus_message_get_member(call), error);
        else
                sc_bus_throw(&bus_error, actions, error);
        sd_bus_error_free(&bus_error);
        return false;
}
