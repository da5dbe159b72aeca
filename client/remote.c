/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "remote.h"
#include "base/path.h"
#include "exit.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

static bool is_port(const char *text)
{
        guint64 port;
        return g_ascii_string_to_unsigned(text, 10, 1, 65535, &port, NULL);
}

bool sc_remote_argv(const char *host, ScRemoteBus bus, char ***ret, GError **error)
{
        const char *at = strrchr(host, '@');
        const char *address = at != NULL ? at + 1 : host;
        const char *bracket = address[0] == '[' ? strchr(address, ']') : NULL;
        const char *colon = bracket != NULL ? (bracket[1] == ':' ? bracket + 1 : NULL) : strchr(address, ':');
        g_autofree char *name = NULL;
        if (bracket != NULL)
                name = g_strndup(address + 1, (gsize)(bracket - address - 1));
        else
                name = colon != NULL ? g_strndup(address, (gsize)(colon - address)) : g_strdup(address);
        if (name[0] == '\0' || at == host || host[0] == '-' || (colon != NULL && !is_port(colon + 1)) ||
            (bracket != NULL && colon == NULL && bracket[1] != '\0'))
                return sc_exit_throw(error, SC_EXIT_USAGE, "--host '%s': this is not [USER@]HOST[:PORT]", host);

        g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(argv, g_strdup("ssh"));
        g_ptr_array_add(argv, g_strdup("-xT"));
        if (colon != NULL) {
                g_ptr_array_add(argv, g_strdup("-p"));
                g_ptr_array_add(argv, g_strdup(colon + 1));
        }
        g_ptr_array_add(argv, g_strdup("--"));
        g_ptr_array_add(argv, at != NULL ? g_strdup_printf("%.*s%s", (int)(address - host), host, name) : g_strdup(name));
        g_ptr_array_add(argv, g_strdup("systemd-stdio-bridge"));
        /* The shell at the other end knows where that user's bus is. */
        if (bus == SC_REMOTE_USER)
                g_ptr_array_add(argv, g_strdup("--bus-path=unix:path=\"$XDG_RUNTIME_DIR\"/bus"));
        g_ptr_array_add(argv, NULL);
        *ret = (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
        return true;
}

/* Ctrl-C goes to every process of the terminal: ssh must outlive it, or the job could not be cancelled through it. It runs in the
 * child between fork and exec; ssh keeps an ignored signal ignored. This is why sd_bus_open_system_remote() does not do. */
static void ignore_interrupt(gpointer data)
{
        signal(SIGINT, SIG_IGN);
}

static bool start_ssh(const char *host, ScRemoteBus bus, int fd, GError **error)
{
        g_auto(GStrv) argv = NULL;
        if (!sc_remote_argv(host, bus, &argv, error))
                return false;
        g_autoptr(GError) local = NULL;
        if (!g_spawn_async_with_fds(NULL, argv, NULL, G_SPAWN_SEARCH_PATH, ignore_interrupt, NULL, NULL, fd, fd, -1, &local))
                return sc_exit_throw(error, SC_EXIT_GONE, "Cannot run ssh to reach %s: %s", host, local->message);
        return true;
}

bool sc_remote_open(const char *host, ScRemoteBus which, sd_bus **ret, GError **error)
{
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot make a socket for ssh: %s", g_strerror(errno));
        sc_autofd here = ends[0], there = ends[1];
        if (!start_ssh(host, which, there, error))
                return false;

        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_fd(bus, here, here);
        if (r >= 0) {
                here = -1; /* the connection closes it */
                r = sd_bus_set_bus_client(bus, 1);
        }
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0) {
                sd_bus_close_unref(bus);
                return sc_exit_throw(error, SC_EXIT_GONE, "Cannot reach the bus of %s: %s", host, g_strerror(-r));
        }
        *ret = bus;
        return true;
}
