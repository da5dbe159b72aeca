/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"
#include "run.h"
#include "verbs.h"

static bool make_mount_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const char *where = data;
        sd_bus_message *call = NULL;
        if (!sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "Mount", name, &call, error))
                return false;
        if (sc_bus_check(sd_bus_message_append_basic(call, SD_BUS_TYPE_STRING, where), "Mount", error) &&
            sc_call_open_options(call, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

static bool make_unmount_call(ScClient *client, const char *where, gconstpointer data, sd_bus_message **ret, GError **error)
{
        sd_bus_message *call = NULL;
        if (sc_call_new(client, SC_BUS_ROOT, SC_BUS_MANAGER, "Unmount", where, &call, error) && sc_call_open_options(call, error) &&
            sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

/* The daemon has no working directory of ours; on another host there is none that could be meant. */
static char *absolute(const ScClient *client, const char *path, GError **error)
{
        if (client->host != NULL && !g_path_is_absolute(path)) {
                sc_exit_throw(error, SC_EXIT_USAGE, "%s: on another host it must be an absolute path", path);
                return NULL;
        }
        return g_canonicalize_filename(path, NULL);
}

bool sc_verb_mount(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean live = FALSE;
        const GOptionEntry entries[] = {
                {"live", 0, 0, G_OPTION_ARG_NONE, &live, "Is refused: what is mounted cannot be written to", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "CONTAINER|IMAGE DIR",
                "Show the files of a container, or of an image that is here, in a folder, read-only.",
                "The folder must be there, be empty, and lie in folders that only root can change. `sysconsctl umount DIR` ends "
                "it, and so "
                "does a reboot.",
                entries,
                2,
                2,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (live)
                return sc_exit_throw(error, SC_EXIT_FAILED, "do not support --live");
        g_autofree char *where = absolute(client, arguments[1], error);
        if (where == NULL)
                return false;
        const ScTask task = {make_mount_call, where, "org.sysconsd1.mount, and org.sysconsd1.configure outside of /mnt and /media",
                             NULL};
        return sc_run_each(client, &task, (char *[]){arguments[0], NULL}, false, error);
}

bool sc_verb_umount(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0], "DIR", "Unmount what `sysconsctl mount` has mounted on a folder.", NULL, NULL, 1, 1};
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        g_autofree char *where = absolute(client, arguments[0], error);
        if (where == NULL)
                return false;
        const ScTask task = {make_unmount_call, NULL, "org.sysconsd1.mount", NULL};
        return sc_run_each(client, &task, (char *[]){where, NULL}, false, error);
}
