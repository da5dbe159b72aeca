/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/path.h"
#include "image-name.h"
#include "logins.h"
#include "options.h"
#include "plan.h"
#include "pull-file.h"
#include "run.h"
#include "verbs.h"

typedef struct {
        gboolean replace;
        char *name;       /* that an image from a file gets; NULL: what the file says */
        GPtrArray *files; /* ScPullFile, until all is pulled */
} PullOptions;

static void pull_options_clear(PullOptions *options)
{
        g_free(options->name);
        g_ptr_array_unref(options->files);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PullOptions, pull_options_clear)

static bool make_name_call(ScClient *client, const char *name, bool replace, sd_bus_message **ret, GError **error)
{
        sd_bus_message *call = NULL;
        if (sc_plannable_call(client, "Pull", name, &call, error) && sc_logins_append(client, call, name, error) &&
            sc_call_option_string(call, "replace", replace ? "yes" : NULL, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_pull_call(ScClient *client, const char *name, gconstpointer data G_GNUC_UNUSED, sd_bus_message **ret, GError **error)
{
        return make_name_call(client, name, false, ret, error);
}

static bool make_file_call(ScClient *client, ScPullFile *file, const PullOptions *options, sd_bus_message **ret, GError **error)
{
        sd_bus_message *call = NULL;
        if (client->host != NULL)
                return sc_exit_throw(
                        error, SC_EXIT_USAGE,
                        "A file of this host cannot be handed to another: give it through ssh, as in ssh %s sysconsctl "
                        "pull docker-archive:- <FILE",
                        client->host);
        if (file->is_folder && client->no_wait)
                return sc_exit_throw(error, SC_EXIT_USAGE, "A folder is shown to sysconsd until the end: no --no-wait");
        if (sc_plannable_call(client, "Pull", file->subject, &call, error) &&
            sc_call_option_fd(client, call, "file", file->fd, error) && sc_call_option_string(call, "name", options->name, error) &&
            sc_call_option_string(call, "file-name", file->file_name, error) &&
            sc_call_option_string(call, "replace", options->replace ? "yes" : NULL, error) &&
            (!file->is_folder || client->display || sc_call_option_string(call, "cancel-on-disconnect", "yes", error)) &&
            sc_call_close_options(call, error)) {
                /* The end of a pipe, or a door, is seen when nobody has it any more: the call has it now. */
                sc_close(&file->fd);
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

static bool make_pull_call(ScClient *client, const char *text, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const PullOptions *options = data;
        ScPullFile *file;
        if (!sc_pull_file_open(text, &file, error))
                return false;
        if (file == NULL)
                return options->name == NULL
                               ? make_name_call(client, text, options->replace, ret, error)
                               : sc_exit_throw(error, SC_EXIT_USAGE,
                                               "--name is for an image from a file; `sysconsctl tag` gives an image one more name");
        g_ptr_array_add(options->files, file);
        return make_file_call(client, file, options, ret, error);
}

bool sc_verb_pull(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(PullOptions) options = {.files = g_ptr_array_new_with_free_func((GDestroyNotify)sc_pull_file_free)};
        const GOptionEntry entries[] = {
                {"replace", 0, 0, G_OPTION_ARG_NONE, &options.replace,
                 "Also from where nobody vouches for it, in place of what came from a registry", NULL},
                {"name", 0, 0, G_OPTION_ARG_STRING, &options.name, "Of an image from a file: what it is called here", "NAME[:TAG]"},
                SC_LOGIN_ENTRIES(client),
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "[SOURCE:]IMAGE...",
                "Fetch images into the repository, from their registries or from files.",
                "SOURCE: oci or docker:// a registry over https, which is the default; http a registry without TLS.\n"
                "From files, docker-archive:PATH[:NAME], or dockertar, what `docker save` and `podman save` write; "
                "oci-archive:PATH[:REF]\n"
                "and oci-layout:FOLDER[:REF] an OCI image layout. The path - is standard input.\n"
                "On this host, docker:NAME of a Docker engine or podman's service, containers-storage:NAME of podman's storage;\n"
                "ostree:NAME@PATH of another OSTree repository.\n"
                "dir:FOLDER, sif:FILE, tarball:FILE, or skopeo: and any name that skopeo(1) takes: skopeo reads it, as you.",
                entries,
                1,
                SC_ARGUMENTS_ANY,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (options.name != NULL && arguments[1] != NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE, "--name is for one image");
        const ScTask task = {make_pull_call, &options, SC_PULL_ACTIONS};
        return sc_run_each(client, &task, arguments, arguments[1] != NULL, error);
}

static bool make_prune_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        sd_bus_message *call = NULL;
        if (sc_plannable_call(client, "Prune", NULL, &call, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_prune(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {
                argv[0], "", "Remove layers that no image holds, and what interrupted operations left.", NULL, NULL, 0, 0};
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        const ScTask task = {make_prune_call, NULL, "org.sysconsd1.manage-images"};
        return sc_run_each(client, &task, (char *[]){(char *)"prune", NULL}, false, error);
}

static bool make_delete_call(ScClient *client, const char *text, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const gboolean *force = data;
        sd_bus_message *call = NULL;
        if (sc_image_call(client, text, "Delete", NULL, &call, error) &&
            sc_call_option_string(call, "force", *force ? "yes" : NULL, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_delete_image(ScClient *client, int argc, char **argv, GError **error)
{
        gboolean force = FALSE;
        const GOptionEntry entries[] = {
                {"force", 'f', 0, G_OPTION_ARG_NONE, &force, "Also an image that a container is made of", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "IMAGE...",
                "Drop the name of an image; the start of its id drops all its names, a digest those that have it.",
                "Its layers stay until `sysconsctl prune`.",
                entries,
                1,
                SC_ARGUMENTS_ANY,
        };
        const ScTask task = {make_delete_call, &force, "org.sysconsd1.manage-images"};
        return sc_run_arguments(client, &syntax, &task, argc, argv, error);
}

typedef struct {
        gboolean replace;
        const char *name;
} TagOptions;

static bool make_tag_call(ScClient *client, const char *text, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const TagOptions *options = data;
        sd_bus_message *call = NULL;
        if (sc_image_call(client, text, "Tag", options->name, &call, error) &&
            sc_call_option_string(call, "replace", options->replace ? "yes" : NULL, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_tag(ScClient *client, int argc, char **argv, GError **error)
{
        TagOptions options = {FALSE};
        const GOptionEntry entries[] = {
                {"replace", 0, 0, G_OPTION_ARG_NONE, &options.replace, "Also a name that means another image", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "IMAGE NAME[:TAG]",
                "Give an image one more name.",
                "A name without a registry is this host's own: an update of a container that was installed by it fetches nothing.",
                entries,
                2,
                2,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        options.name = arguments[1];
        const ScTask task = {make_tag_call, &options,
                             "org.sysconsd1.manage-images, and org.sysconsd1.import for a name of another registry", false};
        return sc_run_each(client, &task, (char *[]){arguments[0], NULL}, false, error);
}
