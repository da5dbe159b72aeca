/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "listing.h"
#include "options.h"
#include "progress.h"
#include "text.h"
#include "value.h"
#include "verbs.h"
#include "wait.h"
#include <pwd.h>
#include <string.h>

static const ScColumn job_columns[] = {
        {"JOB", SC_COLUMN_RIGHT},        {"OPERATION"}, {"SUBJECT", SC_COLUMN_SHRINK}, {"STATE"}, {"PHASE", SC_COLUMN_SHRINK},
        {"DONE/TOTAL", SC_COLUMN_RIGHT}, {"USER"},
};
static const char *const job_properties[] = {"Job", "Operation", "Subject", "State", "Phase", "StartedBy", NULL};

static char *job_number(JsonObject *properties, ScListFlags flags)
{
        return g_strdup_printf("%" G_GINT64_FORMAT, sc_value_int(properties, "Job"));
}

static char *format_done(JsonObject *properties)
{
        guint64 done = (guint64)sc_value_int(properties, "Done"), total = (guint64)sc_value_int(properties, "Total");
        bool bytes = sc_progress_counts_bytes(sc_value_string(properties, "Phase"));
        if (total > 0)
                return bytes ? sc_format_size_of(done, total)
                             : g_strdup_printf("%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, done, total);
        if (done > 0)
                return bytes ? sc_format_size(done) : g_strdup_printf("%" G_GUINT64_FORMAT, done);
        return NULL;
}

/* Numbers of users mean nothing on another host. */
static char *format_user(ScClient *client, gint64 uid)
{
        const struct passwd *user = client->host == NULL ? getpwuid((uid_t)uid) : NULL;
        return user != NULL ? g_strdup(user->pw_name) : g_strdup_printf("%" G_GINT64_FORMAT, uid);
}

static void add_job(ScClient *client, ScTable *table, JsonObject *properties, ScListFlags flags)
{
        g_autofree char *number = job_number(properties, flags);
        g_autofree char *done = format_done(properties);
        g_autofree char *user = format_user(client, sc_value_int(properties, "StartedBy"));
        sc_table_add(table, number);
        sc_table_add(table, sc_value_string(properties, "Operation"));
        sc_table_add(table, sc_value_string(properties, "Subject"));
        sc_table_add(table, sc_value_string(properties, "State"));
        sc_table_add(table, sc_value_string(properties, "Phase"));
        sc_table_add(table, done);
        sc_table_add(table, user);
}

static const ScListing job_listing = {
        .kind = SC_OBJECT_JOB,
        .summary = "List the jobs that wait, run, or ended less than a minute ago.",
        .details = "A filter names a property: State=running, or Operation=pull.",
        .properties = job_properties,
        .columns = job_columns,
        .n_columns = G_N_ELEMENTS(job_columns),
        .add_rows = add_job,
        .id = job_number,
};

bool sc_verb_jobs(ScClient *client, int argc, char **argv, GError **error)
{
        return sc_listing_run(client, &job_listing, argc, argv, error);
}

static bool wait_for(ScClient *client, const ScSyntax *syntax, ScWaitFlags flags, int argc, char **argv, ScOutcome **ret,
                     bool *ret_help, GError **error)
{
        char **arguments;
        ScParsed parsed = sc_options_parse(client, syntax, argc, argv, &arguments, error);
        if (parsed != SC_PARSED) {
                *ret_help = parsed == SC_PARSED_HELP;
                return parsed == SC_PARSED_HELP;
        }
        g_autofree char *path = NULL;
        if (!sc_job_path(arguments[0], &path, error) || !sc_wait_job(client, path, flags, ret, error))
                return false;
        if (client->json) {
                g_autoptr(JsonNode) node = sc_outcome_to_json(*ret);
                sc_client_print_json(node);
        }
        return true;
}

bool sc_verb_wait(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0],
                                 "JOB",
                                 "Wait for the end of a job, and end as if it had been started here.",
                                 "Ctrl-C cancels the job.",
                                 NULL,
                                 1,
                                 1};
        g_autoptr(ScOutcome) outcome = NULL;
        bool help = false;
        if (!wait_for(client, &syntax, SC_WAIT_ONLY, argc, argv, &outcome, &help, error))
                return false;
        return help || sc_outcome_check(outcome, error);
}

bool sc_verb_cancel(ScClient *client, int argc, char **argv, GError **error)
{
        const ScSyntax syntax = {argv[0], "JOB", "Cancel a job, and wait for its end.", NULL, NULL, 1, 1};
        g_autoptr(ScOutcome) outcome = NULL;
        bool help = false;
        if (!wait_for(client, &syntax, SC_WAIT_CANCEL, argc, argv, &outcome, &help, error))
                return false;
        if (help || outcome->result == NULL || strcmp(outcome->result, "cancelled") == 0)
                return true;
        /* It may have failed on its way back, and then the container is not as it was. */
        const char *message = sc_value_string(outcome->details, "error-message");
        return sc_exit_throw(error, SC_EXIT_FAILED, "Job %" G_GUINT64_FORMAT " was not cancelled: %s%s%s", outcome->number,
                             outcome->result, message[0] != '\0' ? ": " : "", message);
}
