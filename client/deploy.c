/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "logins.h"
#include "options.h"
#include "plan.h"
#include "package-output.h"
#include "run.h"
#include "update-summary.h"
#include "value.h"
#include "verbs.h"
#include <string.h>

static const char *const package_choices[] = {"no", "yes", "auto", "build", NULL};
static const char *const pull_choices[] = {"missing", "always", "never", NULL};

typedef struct {
        char *name, *runtime, *rootfs, *pull, *system_package, *output;
        char **set;
        gboolean start;
        int package_fd; /* gets the package that is built; -1: none is */
        GHashTable *values;
        ScStreams *streams; /* for an image that is run once instead; NULL: none */
} InstallOptions;

static void install_options_clear(InstallOptions *options)
{
        g_free(options->name);
        g_free(options->runtime);
        g_free(options->rootfs);
        g_free(options->pull);
        g_free(options->system_package);
        g_free(options->output);
        g_strfreev(options->set);
        g_clear_pointer(&options->values, g_hash_table_unref);
        sc_streams_free(options->streams);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(InstallOptions, install_options_clear)

static bool make_install_call(ScClient *client, const char *image, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const InstallOptions *options = data;
        sd_bus_message *call = NULL;
        if (sc_plannable_call(client, "Install", image, &call, error) &&
            sc_call_option_string(call, "name", options->name, error) &&
            sc_call_option_map(call, "values", options->values, error) &&
            sc_call_option_string(call, "runtime", options->runtime, error) &&
            sc_call_option_string(call, "rootfs", options->rootfs, error) &&
            sc_call_option_string(call, "start", options->start ? "now" : NULL, error) &&
            sc_call_option_string(call, "pull", options->pull, error) &&
            sc_call_option_string(call, "system-package", options->system_package, error) &&
            sc_call_option_fd(client, call, "output", options->package_fd, error) && sc_logins_append(client, call, image, error) &&
            (options->streams == NULL || sc_streams_append(options->streams, client, call, error)) &&
            sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

static bool check_build(ScClient *client, const InstallOptions *options, bool *ret, GError **error)
{
        *ret = g_strcmp0(options->system_package, "build") == 0;
        if (!*ret && options->output != NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE, "--output is for --system-package=build");
        if (*ret && (client->no_wait || client->display || options->start))
                return sc_exit_throw(error, SC_EXIT_USAGE,
                                     "--system-package=build installs nothing, and is waited for: it does not go with --display, "
                                     "--no-wait and --start");
        return true;
}

/* The container as a package in a file of ours. */
static bool build_package(ScClient *client, const char *image, InstallOptions *options, const char *actions, GError **error)
{
        g_auto(ScPackageOutput) output = {.fd = -1};
        g_autoptr(ScOutcome) outcome = NULL;
        g_autofree char *path = NULL;
        sd_bus_message *call;
        if (!sc_package_output_open(options->output, &output, error))
                return false;
        options->package_fd = output.fd;
        if (!make_install_call(client, image, options, &call, error))
                return false;
        bool waited = sc_wait_call(client, call, actions, NULL, &outcome, error);
        if (!waited)
                return false;
        if (client->json) {
                g_autoptr(JsonNode) node = sc_outcome_to_json(outcome);
                sc_client_print_json(node);
        }
        if (!sc_outcome_check(outcome, error) ||
            !sc_package_output_keep(&output, sc_value_string(outcome->details, "package"), &path, error))
                return false;
        const char *suffix = strrchr(sc_value_string(outcome->details, "package"), '.');
        g_autofree char *line = g_strdup_printf("Generated %s %s", suffix != NULL ? suffix + 1 : "package", path);
        sc_client_message(client, line);
        return true;
}

/* Whether an image is one to be run once instead is only known where it is. Without streams its output is in the journal. */
static bool can_have_streams(const ScClient *client)
{
        return client->host == NULL && !client->json && !client->no_wait && !client->display;
}

bool sc_verb_install(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(InstallOptions) options = {.package_fd = -1};
        const GOptionEntry entries[] = {
                {"name", 0, 0, G_OPTION_ARG_FILENAME, &options.name, "Name of the container; else the last part of the image's",
                 "NAME"},
                {"set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.set,
                 "Set a variable of the image's templates (may be repeated)", "NAME=VALUE"},
                {"runtime", 0, 0, G_OPTION_ARG_FILENAME, &options.runtime, "The OCI runtime that runs it", "PATH"},
                {"rootfs", 0, 0, G_OPTION_ARG_FILENAME, &options.rootfs, "Use the root file system below this folder of the host",
                 "PATH"},
                {"pull", 0, 0, G_OPTION_ARG_FILENAME, &options.pull,
                 "Whether to pull the image first: missing (the default), always, never", "WHEN"},
                {"display", 0, 0, G_OPTION_ARG_NONE, &client->display, "Show what would be done, and do nothing", NULL},
                {"system-package", 0, 0, G_OPTION_ARG_FILENAME, &options.system_package,
                 "Whether its files on the host come in a system package: no (the default), yes, auto; build: only make a package "
                 "of the whole container",
                 "HOW"},
                {"output", 0, 0, G_OPTION_ARG_FILENAME, &options.output, "Where to write the package that is built", "FILE"},
                SC_LOGIN_ENTRIES(client),
                {"start", 0, 0, G_OPTION_ARG_NONE, &options.start, "Start it, too; else it starts with the next boot", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "IMAGE",
                "Make a container of an image, and enable its unit.",
                "`sysconsctl info IMAGE` shows the variables of an image that is here already.",
                entries,
                1,
                1,
        };
        char **arguments;
        bool builds;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (!sc_options_assignments(options.set, &options.values, error) ||
            !sc_options_choice("pull", options.pull, pull_choices, error) ||
            !sc_options_choice("system-package", options.system_package, package_choices, error) ||
            !check_build(client, &options, &builds, error))
                return false;
        bool configures = g_hash_table_size(options.values) > 0 || options.runtime != NULL || options.rootfs != NULL;
        const char *actions = configures ? "org.sysconsd1.install and org.sysconsd1.configure" : "org.sysconsd1.install";
        if (builds)
                return build_package(client, arguments[0], &options, actions, error);
        if (can_have_streams(client) && !sc_streams_new(SC_TERMINAL_AUTO, &options.streams, error))
                return false;
        const ScTask task = {
                .make_call = make_install_call,
                .data = &options,
                .actions = actions,
                .streams = options.streams,
        };
        return sc_run_each(client, &task, arguments, false, error);
}

typedef struct {
        ScSummary *summary; /* NULL: of one container there is none; the first member, for sc_summary_show() */
        char *image, *pull, *health_timeout;
        char **set, **unset;
        gboolean all;
        GHashTable *values;
        guint seconds;
} UpdateOptions;

static void update_options_clear(UpdateOptions *options)
{
        sc_summary_free(options->summary);
        g_free(options->image);
        g_free(options->pull);
        g_free(options->health_timeout);
        g_strfreev(options->set);
        g_strfreev(options->unset);
        g_clear_pointer(&options->values, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UpdateOptions, update_options_clear)

static bool append_login(ScClient *client, sd_bus_message *call, const char *name, const UpdateOptions *options, GError **error)
{
        return options->image != NULL ? sc_logins_append(client, call, options->image, error)
                                      : sc_logins_append_for_container(client, call, name, error);
}

static bool make_update_call(ScClient *client, const char *name, gconstpointer data, sd_bus_message **ret, GError **error)
{
        const UpdateOptions *options = data;
        sd_bus_message *call = NULL;
        if (options->summary != NULL) {
                g_autofree char *line = g_strdup_printf("Checking container %s...", name);
                sc_client_message(client, line);
        }
        if (sc_container_call(client, name, "Update", &call, error) && sc_call_option_map(call, "values", options->values, error) &&
            sc_call_option_strv(call, "unset-values", options->unset, error) &&
            sc_call_option_string(call, "image", options->image, error) &&
            sc_call_option_string(call, "pull", options->pull, error) &&
            sc_call_option_uint(call, "health-timeout", options->seconds, error) &&
            append_login(client, call, name, options, error) && sc_call_close_options(call, error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}

static bool check_update(ScClient *client, UpdateOptions *options, char **arguments, GError **error)
{
        if (options->all ? arguments[0] != NULL : arguments[0] == NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE, "update: name the containers, or say --all; see `%s update --help`",
                                     sc_client_program(client));
        if (options->image != NULL && (options->all || arguments[1] != NULL))
                return sc_exit_throw(error, SC_EXIT_USAGE, "--rebase is for one container");
        return sc_options_assignments(options->set, &options->values, error) &&
               sc_options_choice("pull", options->pull, pull_choices, error) &&
               sc_options_seconds("health-timeout", options->health_timeout, &options->seconds, error);
}

bool sc_verb_update(ScClient *client, int argc, char **argv, GError **error)
{
        g_auto(UpdateOptions) options = {NULL};
        const GOptionEntry entries[] = {
                {"all", 'a', 0, G_OPTION_ARG_NONE, &options.all, "Every container, one after the other; ends with a summary", NULL},
                {"set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.set,
                 "Set a variable of the image's templates (may be repeated)", "NAME=VALUE"},
                {"unset", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.unset, "Give a variable its default again (may be repeated)",
                 "NAME"},
                {"rebase", 0, 0, G_OPTION_ARG_FILENAME, &options.image, "Go over to another image", "IMAGE"},
                {"pull", 0, 0, G_OPTION_ARG_FILENAME, &options.pull,
                 "Whether to pull the image first: always (the default), missing, never", "WHEN"},
                {"health-timeout", 0, 0, G_OPTION_ARG_STRING, &options.health_timeout, "How long the service has to prove itself",
                 "SECONDS"},
                SC_LOGIN_ENTRIES(client),
                {"display", 0, 0, G_OPTION_ARG_NONE, &client->display, "Show what would be done, and do nothing", NULL},
                G_OPTION_ENTRY_NULL,
        };
        const ScSyntax syntax = {
                argv[0],
                "CONTAINER...|--all",
                "Bring containers to the newest version of their images.",
                "A container whose new version does not come up goes back to the old one by itself, and its update has failed.",
                entries,
                0,
                SC_ARGUMENTS_ANY,
        };
        char **arguments;
        ScParsed parsed = sc_options_parse(client, &syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED)
                return parsed == SC_PARSED_HELP;
        if (!check_update(client, &options, arguments, error))
                return false;
        bool many = options.all || arguments[1] != NULL;
        if (many && (options.summary = sc_summary_new(client, error)) == NULL)
                return false;
        char *const *names = options.all ? sc_summary_updatable(options.summary) : arguments;
        bool configures = g_hash_table_size(options.values) > 0 || options.unset != NULL || options.image != NULL;
        const ScTask task = {
                make_update_call,
                &options,
                configures ? "org.sysconsd1.update and org.sysconsd1.configure" : "org.sysconsd1.update",
                many ? sc_summary_show : NULL,
        };
        return sc_run_each(client, &task, names, many, error);
}
