/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "bus.h"
#include "options.h"
#include "verbs.h"
#include <stdio.h>
#include <string.h>

static bool check_installed(ScClient *client, const char *name, GError **error)
{
        g_autofree char *path = NULL;
        g_autoptr(GError) local = NULL;
        if (sc_object_find(client, SC_OBJECT_CONTAINER, name, &path, &local))
                return true;
        if (sc_exit_code(local) == SC_EXIT_NOT_FOUND)
                return sc_exit_throw(error, SC_EXIT_NOT_FOUND, "System container '%s' is not installed", name);
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

static bool has_option(char *const *argv, const char *start)
{
        for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
                if (g_str_has_prefix(*argv, start))
                        return true;
        return false;
}

/* What stands behind "--". */
static char *const *arguments_of(char *const *argv)
{
        while (strcmp(*argv, "--") != 0)
                argv++;
        return argv + 1;
}

/* The atomic command made a package wherever it could. */
bool sc_atomic_install(ScClient *client, int argc, char **argv, GError **error)
{
        if (has_option(argv, "--system-package="))
                return sc_verb_install(client, argc, argv, error);
        g_autoptr(GPtrArray) line = g_ptr_array_new();
        g_ptr_array_add(line, argv[0]);
        g_ptr_array_add(line, (gpointer) "--system-package=auto");
        for (int i = 1; i <= argc; i++)
                g_ptr_array_add(line, argv[i]);
        return sc_verb_install(client, argc + 1, (char **)line->pdata, error);
}

bool sc_atomic_containers_update(ScClient *client, int argc, char **argv, GError **error)
{
        const char *name = arguments_of(argv)[0];
        bool all = has_option(argv, "--all");
        if (all && name != NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED,
                                     "Incompatible options specified.  --all doesn't support a container name");
        if (all && (has_option(argv, "--set=") || has_option(argv, "--rebase=")))
                return sc_exit_throw(error, SC_EXIT_FAILED,
                                     "Incompatible options specified.  --all doesn't support --set or --rebase");
        if (!all && name == NULL)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Too few arguments.  Please specify the container");
        return (all || check_installed(client, name, error)) && sc_verb_update(client, argc, argv, error);
}

bool sc_atomic_containers_rollback(ScClient *client, int argc, char **argv, GError **error)
{
        const char *name = arguments_of(argv)[0];
        g_autofree char *line = g_strdup_printf("Attempting to roll back system container: %s", name);
        sc_client_message(client, line);
        return check_installed(client, name, error) && sc_verb_rollback(client, argc, argv, error);
}
