/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image-name.h"
#include "logins.h"
#include "options.h"
#include "run.h"
#include "verbs.h"

typedef struct {
        gboolean repair;
        gboolean newer;
} VerifyOptions;

static bool make_verify_call(ScClient *client, const char *text, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const VerifyOptions *options = data;
        sd_bus_message *call = NULL;
        if (sc_image_call(client, text, "Verify", NULL, &call, error) &&
            sc_call_option_string(call, "repair", options->repair ? "yes" : NULL, error) &&
            sc_call_option_string(call, "newer", options->newer ? "ask" : NULL, error) &&
            ((!options->repair && !options->newer) || sc_logins_append(client, call, text, error)) &&
            sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

bool sc_verb_verify(ScClient *client, int argc, char **argv, GError **error)
{
        VerifyOptions options = {FALSE};
        const GOptionEntry entries[] = {
                {"repair", 0, 0, G_OPTION_ARG_NONE, &options.repair, "Fetch damaged layers again, and nothing else", NULL},
                {"newer", 0, 0, G_OPTION_ARG_NONE, &options.newer, "Ask the registry whether its tag means a newer image now",
                 NULL},
                SC_LOGIN_ENTRIES(client),
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "IMAGE...",
                "Hash every file of an image again, and name those that were changed.",
                "Containers share the files: those that have a damaged one are named, and get the whole one by --repair. Restart "
                "them then.",
                entries,
                1,
                SC_ARGUMENTS_ANY,
        };
        const ScTask task = {make_verify_call, &options,
                             "org.sysconsd1.manage-images, and org.sysconsd1.pull for --repair and --newer", false};
        return sc_run_arguments(client, &syntax, &task, argc, argv, error);
}
