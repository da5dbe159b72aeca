/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image-name.h"
#include "options.h"
#include "plan.h"
#include "run.h"
#include "verbs.h"

typedef struct {
        gboolean replace;
} PullOptions;

static bool make_pull_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const PullOptions *options = data;
        sd_bus_message *call = NULL;
        if (sc_plannable_call(client, "Pull", name, &call, error) &&
            sc_call_option_string(call, "replace", options->replace ? "yes" : NULL, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_pull_call(ScClient *client, const char *name, gconstpointer data G_GNUC_UNUSED, sd_bus_message **ret, GError **error)
{
        return make_pull_call(client, name, &(PullOptions){FALSE}, ret, error);
}

bool sc_verb_pull(ScClient *client, int argc, char **argv, GError **error)
{
        PullOptions options = {FALSE};
        const GOptionEntry entries[] = {
                {"replace", 0, 0, G_OPTION_ARG_NONE, &options.replace,
                 "Also from where nobody vouches for it, in place of what came from a registry", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "[SOURCE:]IMAGE...",
                "Fetch images from their registries into the repository.",
                "SOURCE: oci or docker:// a registry over https, which is the default; http a registry without TLS.",
                entries,
                1,
                SC_ARGUMENTS_ANY,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
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
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        const ScTask task = {make_delete_call, &force, "org.sysconsd1.manage-images"};
        return sc_run_each(client, &task, arguments, arguments[1] != NULL, error);
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
