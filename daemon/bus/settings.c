/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/settings.h"
#include "base/error.h"
#include "base/registries-files.h"
#include <string.h>

/* Local files of some kilobytes take some milliseconds. */
#define PARSER_SECONDS 10
/* A parser that was killed has said nothing about the files. */
#define AGAIN_SECONDS 10

/* One run of the parser. It outlives the settings, if it must. */
typedef struct {
        ScSettings *settings; /* NULL: gone */
        ScRegistriesFiles files;
        char *stamp;
        GSubprocess *process;
        guint timer;
} Parse;

typedef struct {
        void (*ready)(gpointer data);
        gpointer data;
} Waiter;

struct ScSettings {
        const ScScope *scope;
        char *stamp; /* of the files that were read; NULL: none yet */
        ScRegistries *registries;
        GError *error; /* instead */
        gint64 again;  /* monotonic time from which on they are read again, though they are the same; G_MAXINT64: never */
        Parse *parse;  /* that is running; NULL: none */
        GArray *waiters;
};

ScSettings *sc_settings_new(const ScScope *scope)
{
        ScSettings *settings = g_new0(ScSettings, 1);
        settings->scope = scope;
        settings->again = G_MAXINT64;
        settings->waiters = g_array_new(FALSE, FALSE, sizeof(Waiter));
        return settings;
}

static void parse_free(Parse *parse)
{
        g_clear_handle_id(&parse->timer, g_source_remove);
        sc_registries_files_clear(&parse->files);
        g_free(parse->stamp);
        g_clear_object(&parse->process);
        g_free(parse);
}

static void forget_what_is_known(ScSettings *settings)
{
        g_clear_pointer(&settings->stamp, g_free);
        g_clear_pointer(&settings->registries, sc_registries_free);
        g_clear_error(&settings->error);
        settings->again = G_MAXINT64;
}

void sc_settings_free(ScSettings *settings)
{
        if (settings == NULL)
                return;
        if (settings->parse != NULL)
                settings->parse->settings = NULL;
        forget_what_is_known(settings);
        g_array_unref(settings->waiters);
        g_free(settings);
}

/* Takes over registries or error, and the stamp. */
static void know(ScSettings *settings, char *stamp, ScRegistries *registries, GError *error)
{
        forget_what_is_known(settings);
        settings->stamp = stamp;
        settings->registries = registries;
        settings->error = error;
}

/* Whoever waits has come before the files were read, or while they were, and looks at them again himself. */
static void wake_waiters(ScSettings *settings)
{
        for (guint left = settings->waiters->len; left > 0 && settings->waiters->len > 0; left--) {
                Waiter waiter = g_array_index(settings->waiters, Waiter, 0);
                g_array_remove_index(settings->waiters, 0);
                waiter.ready(waiter.data);
        }
}

static void on_parsed(GObject *source, GAsyncResult *result, gpointer data)
{
        Parse *parse = data;
        ScSettings *settings = parse->settings;
        g_autofree char *output = NULL, *complaint = NULL;
        GError *error = NULL;
        ScRegistries *registries = NULL;
        bool is_over = g_subprocess_communicate_utf8_finish(parse->process, result, &output, &complaint, &error);
        if (is_over)
                registries = sc_registries_files_take(&parse->files, g_subprocess_get_successful(parse->process), output, complaint,
                                                      &error);
        else
                sc_prefix(&error, "Cannot read the settings of registries");
        if (settings != NULL) {
                know(settings, g_steal_pointer(&parse->stamp), registries, error);
                if (!is_over || !g_subprocess_get_if_exited(parse->process))
                        settings->again = g_get_monotonic_time() + AGAIN_SECONDS * G_TIME_SPAN_SECOND;
                settings->parse = NULL;
        } else {
                sc_registries_free(registries);
                g_clear_error(&error);
        }
        parse_free(parse);
        if (settings != NULL)
                wake_waiters(settings);
}

static gboolean on_overdue(gpointer data)
{
        Parse *parse = data;
        parse->timer = 0;
        g_subprocess_force_exit(parse->process);
        return G_SOURCE_REMOVE;
}

/* True: it is known already, or cannot be. */
static bool start(ScSettings *settings)
{
        Parse *parse = g_new0(Parse, 1);
        GError *error = NULL;
        bool found = sc_registries_files_find(settings->scope, &parse->files, &error);
        parse->stamp = found ? sc_registries_files_stamp(&parse->files) : NULL;
        bool same = found && g_strcmp0(parse->stamp, settings->stamp) == 0 && g_get_monotonic_time() < settings->again;
        parse->process = found && !same ? sc_registries_files_parse(&parse->files, &error) : NULL;
        if (parse->process != NULL) {
                parse->settings = settings;
                settings->parse = parse;
                parse->timer = g_timeout_add_seconds(PARSER_SECONDS, on_overdue, parse);
                g_subprocess_communicate_utf8_async(parse->process, NULL, NULL, on_parsed, parse);
                return false;
        }
        if (!same) {
                know(settings, g_steal_pointer(&parse->stamp), error == NULL ? sc_registries_new() : NULL, error);
                /* A parser that could not be started says nothing of the files, either. */
                settings->again = error == NULL ? G_MAXINT64 : 0;
        }
        parse_free(parse);
        return true;
}

bool sc_settings_refresh(ScSettings *settings, void (*ready)(gpointer data), gpointer data)
{
        if (settings->parse == NULL && start(settings))
                return true;
        g_array_append_val(settings->waiters, ((Waiter){ready, data}));
        return false;
}

void sc_settings_forget(ScSettings *settings, gpointer data)
{
        for (guint i = settings->waiters->len; i > 0; i--)
                if (g_array_index(settings->waiters, Waiter, i - 1).data == data)
                        g_array_remove_index(settings->waiters, i - 1);
}

const ScRegistries *sc_settings_get(const ScSettings *settings, GError **error)
{
        if (settings->registries == NULL && settings->error != NULL)
                g_propagate_error(error, g_error_copy(settings->error));
        else if (settings->registries == NULL)
                sc_throw(error, SC_ERROR_FAILED, "The settings of registries were not read yet");
        return settings->registries;
}
