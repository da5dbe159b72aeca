/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "base/journal.h"
#include "bus/service.h"
#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

typedef struct {
        GMainLoop *loop;
        int status;
} Program;

typedef struct {
        gboolean user;
        gboolean version;
        char *config;
        int idle_timeout;
} Options;

static void on_ready(gpointer data)
{
        sd_notify(false, "READY=1\nSTATUS=Ready");
}

static void on_ended(gpointer data, const GError *error)
{
        Program *program = data;
        if (error != NULL) {
                sc_journal(LOG_ERR, error->message, NULL);
                program->status = EXIT_FAILURE;
        }
        g_main_loop_quit(program->loop);
}

static const ScServiceSink service_sink = {.ready = on_ready, .ended = on_ended};

static gboolean on_signal(gpointer data)
{
        Program *program = data;
        g_main_loop_quit(program->loop);
        return G_SOURCE_CONTINUE;
}

static bool read_options(int argc, char **argv, Options *options, GError **error)
{
        const GOptionEntry entries[] = {
                {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version and exit", NULL},
                {"user", 0, 0, G_OPTION_ARG_NONE, &options->user, "Serve this user on the bus of his sessions, not the system",
                 NULL},
                {"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config,
                 "Read FILE instead of " SYSCONFDIR "/sysconsd.conf or ~/.config/sysconsd.conf", "FILE"},
                {"idle-timeout", 0, 0, G_OPTION_ARG_INT, &options->idle_timeout,
                 "Exit after SECONDS without a call or a job (0: never)", "SECONDS"},
                {NULL},
        };
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);
        g_option_context_set_summary(context,
                                     "Manages system containers: the D-Bus service org.sysconsd1. Started by systemd on demand.");
        g_option_context_add_main_entries(context, entries, NULL);
        if (!g_option_context_parse(context, &argc, &argv, error))
                return false;
        if (argc > 1)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "Unknown argument %s", argv[1]);
        return true;
}

static int open_bus(const ScScope *scope, sd_bus **ret)
{
        return scope->kind == SC_SCOPE_USER ? sd_bus_open_user_with_description(ret, "sysconsd")
                                            : sd_bus_open_system_with_description(ret, "sysconsd");
}

static int run(const ScConfig *config, const char *config_path)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        Program program = {.loop = loop, .status = EXIT_SUCCESS};
        const ScServicePaths paths = {.worker = LIBEXECDIR "/sysconsd-worker", .config_path = config_path};
        sd_bus *bus = NULL;
        int r = open_bus(config->scope, &bus);
        if (r < 0) {
                sc_journal(LOG_ERR, "Cannot connect to the bus", SC_FIELD_ERROR, g_strerror(-r), NULL);
                return EXIT_FAILURE;
        }
        g_autoptr(ScService) service = sc_service_new(bus, config, &paths, &service_sink, &program, &error);
        sd_bus_unref(bus);
        if (service == NULL) {
                sc_journal(LOG_ERR, error->message, NULL);
                return EXIT_FAILURE;
        }
        g_unix_signal_add(SIGTERM, on_signal, &program);
        g_unix_signal_add(SIGINT, on_signal, &program);
        g_main_loop_run(loop);
        sd_notify(false, "STOPPING=1");
        return program.status;
}

/* Above this, memory comes from the kernel by itself and goes back to it at once. glibc would raise the threshold to the largest
 * message that was ever freed, and keep so much: one call of anybody's would make the daemon large for good. */
#define LARGE_BYTES (128 * 1024)

int main(int argc, char **argv)
{
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
        g_autoptr(GError) error = NULL;
        Options options = {.idle_timeout = -1};
        setlocale(LC_ALL, "");
        if (!read_options(argc, argv, &options, &error)) {
                fprintf(stderr, "sysconsd: %s\n", error->message);
                return 2;
        }
        g_autofree char *path = options.config;
        if (options.version) {
                puts("sysconsd " VERSION);
                return EXIT_SUCCESS;
        }
        g_autoptr(ScConfig) config = sc_config_load_for(options.user ? SC_SCOPE_USER : SC_SCOPE_SYSTEM, path, &error);
        if (config == NULL) {
                sc_journal(LOG_ERR, error->message, NULL);
                return EXIT_FAILURE;
        }
        if (options.idle_timeout >= 0)
                config->idle_timeout = (guint)options.idle_timeout;
        return run(config, path);
}
