/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/worker-unit.h"
#include "base/error.h"
#include "job/sandbox.h"
#include <errno.h>
#include <string.h>

ScWorkerOptions sc_worker_options(const ScWorkers *workers, const ScJob *job)
{
        const char *name = sc_sandbox_name(job);
        return (ScWorkerOptions){
                .opens_sysroot = sc_sandbox_opens_sysroot(name, workers->config, workers->repository),
                .hides_homes = sc_sandbox_hides_homes(name, workers->config, workers->repository),
        };
}

static int append_command(sd_bus_message *m, const ScWorkers *workers, const ScWorkerOptions *options)
{
        const char *argv[7] = {workers->worker};
        unsigned n = 1;
        if (workers->config->scope->option != NULL)
                argv[n++] = workers->config->scope->option;
        if (workers->config_path != NULL) {
                argv[n++] = "--config";
                argv[n++] = workers->config_path;
        }
        if (options->opens_sysroot)
                argv[n++] = "--sysroot";
        if (options->hides_homes)
                argv[n++] = "--without-homes";
        int r;
        if ((r = sd_bus_message_open_container(m, 'r', "sv")) < 0 || (r = sd_bus_message_append(m, "s", "ExecStart")) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "a(sasb)")) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "(sasb)")) < 0 || (r = sd_bus_message_open_container(m, 'r', "sasb")) < 0 ||
            (r = sd_bus_message_append(m, "s", workers->worker)) < 0 || (r = sd_bus_message_append_strv(m, (char **)argv)) < 0 ||
            (r = sd_bus_message_append(m, "b", 0)) < 0)
                return r;
        for (unsigned i = 0; i < 4; i++)
                if ((r = sd_bus_message_close_container(m)) < 0)
                        return r;
        return 0;
}

int sc_worker_unit_append(sd_bus_message *m, const ScWorkers *workers, const ScJob *job, const ScWorkerOptions *options,
                          int worker_fd, GError **error)
{
        g_autofree char *name = sc_worker_unit_name(job);
        g_autofree char *description = sc_worker_unit_description(job);
        int r;
        if ((r = sd_bus_message_append(m, "ss", name, "fail")) < 0 || (r = sd_bus_message_open_container(m, 'a', "(sv)")) < 0 ||
            (r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)", "Description", "s", description, "Type", "s", "exec",
                                       "CollectMode", "s", "inactive-or-failed", "KillMode", "s", "mixed",
                                       "StandardInputFileDescriptor", "h", worker_fd, "StandardOutput", "s", "journal",
                                       "StandardError", "s", "journal")) < 0 ||
            (r = sd_bus_message_append(m, "(sv)", "SyslogIdentifier", "s", "sysconsd-worker")) < 0 ||
            (r = append_command(m, workers, options)) < 0)
                return r;
        if (!sc_sandbox_append(m, sc_sandbox_name(job), workers->config, workers->repository, error))
                return -EINVAL;
        if ((r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_append(m, "a(sa(sv))", 0);
}

char *sc_worker_unit_name(const ScJob *job)
{
        return g_strdup_printf("sysconsd-job-%" G_GUINT64_FORMAT "%s.service", job->id,
                               job->stage == SC_STAGE_PULL && job->pull != NULL ? "-pull" : "");
}

bool sc_worker_unit_parse_name(const char *unit, guint64 *ret_id, ScJobStage *ret_stage)
{
        const char prefix[] = "sysconsd-job-";
        if (!g_str_has_prefix(unit, prefix) || !g_ascii_isdigit(unit[strlen(prefix)]))
                return false;
        char *end;
        guint64 id = g_ascii_strtoull(unit + strlen(prefix), &end, 10);
        bool pulling = strcmp(end, "-pull.service") == 0;
        if (id == 0 || id > G_MAXUINT32 || (!pulling && strcmp(end, ".service") != 0))
                return false;
        *ret_id = id;
        *ret_stage = pulling ? SC_STAGE_PULL : SC_STAGE_MAIN;
        return true;
}

char *sc_worker_unit_description(const ScJob *job)
{
        return g_strdup_printf("sysconsd %s %s", sc_job_stage_operation(job), sc_job_stage_subject(job));
}

bool sc_worker_unit_parse_description(const char *text, char **ret_operation, char **ret_subject)
{
        g_auto(GStrv) words = g_strsplit(text, " ", 3);
        if (g_strv_length(words) < 2 || strcmp(words[0], "sysconsd") != 0 || *words[1] == '\0')
                return false;
        *ret_operation = g_strdup(words[1]);
        *ret_subject = g_strdup(words[2] != NULL ? words[2] : "");
        return true;
}
