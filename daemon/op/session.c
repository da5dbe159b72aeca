/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "options.h"
#include "store/deployment.h"
#include "store/run-folder.h"
#include "unit/run-config.h"
#include "unit/run-service.h"
#include <sys/ioctl.h>
#include <unistd.h>

#define HELPER LIBEXECDIR "/sysconsd-exec"
#define TMPFILES "tmpfiles.conf"
#define PROCESS "process.json"
#define PID_FILE "pid"
/* PID 1 of a container ignores SIGTERM unless it has a handler. */
#define STOP_SECONDS 10

/* ---- what is asked for ---- */

static bool take_streams(ScSession *session, GError **error)
{
        int terminal;
        if (!sc_option_fd(session->context, "terminal", &terminal, error))
                return false;
        sc_autofd owned = terminal;
        if (!sc_option_fd(session->context, "stdin", &session->stdin_fd, error) ||
            !sc_option_fd(session->context, "stdout", &session->stdout_fd, error) ||
            !sc_option_fd(session->context, "stderr", &session->stderr_fd, error) ||
            !sc_option_fd(session->context, "signals", &session->signals_fd, error))
                return false;
        if (terminal < 0)
                return true;
        if (session->stdin_fd >= 0 || session->stdout_fd >= 0 || session->stderr_fd >= 0)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "A command has a terminal, or stdin, stdout and stderr, not both");
        if (!isatty(terminal))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The option terminal is no terminal");
        session->has_terminal = true;
        /* see daemon/exec.c for what becomes of it */
        session->stdout_fd = sc_steal_fd(&owned);
        return true;
}

static bool take_command(ScSession *session, GError **error)
{
        if (!sc_option_strv(session->context, "argv", &session->argv, error))
                return false;
        if (session->argv != NULL && session->argv[0] == NULL)
                g_clear_pointer(&session->argv, g_strfreev);
        return session->argv == NULL || session->argv[0][0] != '\0' ||
               sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A command cannot be empty");
}

static char *make_id(const ScOpContext *context)
{
        g_autofree char *random = sc_random_name(6);
        return context->job != 0 ? g_strdup_printf("sysconsd-run-%" G_GUINT64_FORMAT, context->job)
                                 : g_strconcat("sysconsd-run-", random, NULL);
}

static bool make_folder(ScSession *session, GError **error)
{
        session->checkout_fd = sc_checkout_open(session->context->config, true, error);
        if (session->checkout_fd < 0 || !sc_session_sweep(session->context, error))
                return false;
        session->folder_fd = sc_run_folder_new(session->checkout_fd, session->id, &session->lock_fd, error);
        return session->folder_fd >= 0 && sc_failpoint("run-folder", error);
}

ScSession *sc_session_begin(ScOpContext *context, GError **error)
{
        g_autoptr(ScSession) session = g_new0(ScSession, 1);
        session->context = context;
        session->checkout_fd = session->folder_fd = session->lock_fd = -1;
        session->stdin_fd = session->stdout_fd = session->stderr_fd = session->signals_fd = -1;
        session->id = make_id(context);
        session->folder = g_build_filename(context->config->checkout_path, SC_RUN_DIR, session->id, NULL);
        if (!take_streams(session, error) || !take_command(session, error))
                return NULL;
        session->systemd = sc_systemd_open(context->config->scope, error);
        return session->systemd != NULL && make_folder(session, error) ? g_steal_pointer(&session) : NULL;
}

static void close_streams(ScSession *session)
{
        sc_close(&session->stdin_fd);
        sc_close(&session->stdout_fd);
        sc_close(&session->stderr_fd);
        sc_close(&session->signals_fd);
}

void sc_session_end(ScSession *session)
{
        if (session == NULL)
                return;
        g_autoptr(GError) error = NULL;
        if (session->folder_fd >= 0 && !sc_run_folder_remove(session->checkout_fd, session->id, &error))
                sc_report_message(session->context->report, "%s is left, to be removed with the next command: %s", session->folder,
                                  error->message);
        close_streams(session);
        sc_close(&session->folder_fd);
        sc_close(&session->lock_fd);
        sc_close(&session->checkout_fd);
        sc_systemd_close(session->systemd);
        g_strfreev(session->argv);
        g_free(session->id);
        g_free(session->folder);
        g_free(session);
}

/* ---- its unit ---- */

/* The unit of the worker ends with the worker, and the session's with that. One that is run by hand has none. */
static char *worker_unit(const ScOpContext *context)
{
        return context->job != 0 ? g_strdup_printf("sysconsd-job-%" G_GUINT64_FORMAT ".service", context->job) : NULL;
}

static bool carry_out(ScSession *session, ScRunService *service, GError **error)
{
        g_autofree char *unit = g_strconcat(session->id, ".service", NULL);
        g_autofree char *bound_to = worker_unit(session->context);
        g_autofree char *description = g_strdup_printf("A command in %s", session->context->subject);
        service->unit = unit;
        service->description = description;
        service->bound_to = bound_to;
        service->stdin_fd = session->stdin_fd;
        service->stdout_fd = session->stdout_fd;
        service->stderr_fd = session->has_terminal ? session->stdout_fd : session->stderr_fd;
        service->signals_fd = session->signals_fd;
        service->stop_seconds = STOP_SECONDS;
        int status;
        sc_report_phase(session->context->report, "Running", 0);
        bool ok = sc_failpoint("run-start", error) &&
                  sc_run_service(session->systemd, service, session->context->cancellable, &status, error) &&
                  sc_failpoint("run-ended", error);
        /* Before the job tells its end: who reads at the other end has heard all then. */
        close_streams(session);
        if (!ok)
                return false;
        g_autofree char *text = g_strdup_printf("%d", status);
        sc_detail(session->context, "exit-status", text);
        return true;
}

static char **helper_command(const ScSession *session, const char *runtime, const char *verb)
{
        g_autoptr(GStrvBuilder) words = g_strv_builder_new();
        g_strv_builder_add(words, HELPER);
        if (session->has_terminal)
                g_strv_builder_add(words, "--terminal");
        g_strv_builder_add_many(words, runtime, verb, NULL);
        return g_strv_builder_end(words);
}

static char **join(char **first, const char *const *rest)
{
        g_autoptr(GStrvBuilder) words = g_strv_builder_new();
        g_strv_builder_addv(words, (const char **)first);
        g_strv_builder_addv(words, (const char **)rest);
        return g_strv_builder_end(words);
}

static ScRunConfigInput describe(const ScSession *session, const char *runtime, const char *place)
{
        struct winsize size = {0};
        if (session->has_terminal)
                ioctl(session->stdout_fd, TIOCGWINSZ, &size);
        return (ScRunConfigInput){
                .scope = session->context->config->scope,
                .id = session->id,
                .argv = session->argv,
                .terminal = session->has_terminal,
                .rows = size.ws_row,
                .columns = size.ws_col,
                .place = place,
                .runtime = runtime,
        };
}

bool sc_session_exec(ScSession *session, const char *runtime, const char *container, const char *config, GError **error)
{
        ScRunConfigInput input = describe(session, runtime, NULL);
        g_autofree char *process = sc_run_config_process(config, &input, error);
        if (process == NULL || !sc_write_file(session->folder_fd, PROCESS, process, -1, 0600, SC_WRITE_NEW, error))
                return false;
        g_autofree char *process_file = g_build_filename(session->folder, PROCESS, NULL);
        g_autofree char *pid_file = g_build_filename(session->folder, PID_FILE, NULL);
        g_auto(GStrv) start = helper_command(session, runtime, "exec");
        const char *const with_terminal[] = {"--tty", "--process", process_file, "--pid-file", pid_file, container, NULL};
        g_auto(GStrv) argv = join(start, session->has_terminal ? with_terminal : with_terminal + 1);
        const char *const end[] = {HELPER, "--end", pid_file, NULL};
        ScRunService service = {.argv = argv, .after = (char **)end};
        return carry_out(session, &service, error);
}

/* "systemd-tmpfiles --create FILE", with its path in full. */
static char **tmpfiles_command(const ScSession *session, const char *verb, GError **error)
{
        g_autofree char *file = g_build_filename(session->folder, TMPFILES, NULL);
        const char *const arguments[] = {verb, file, NULL};
        g_auto(GStrv) argv = sc_scope_command(session->context->config->scope->tmpfiles, arguments);
        g_autofree char *program = g_find_program_in_path(argv[0]);
        if (program == NULL) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "%s is not installed", argv[0]);
                return NULL;
        }
        g_free(argv[0]);
        argv[0] = g_steal_pointer(&program);
        return g_steal_pointer(&argv);
}

bool sc_session_run(ScSession *session, const char *runtime, const char *config, const char *place, const char *tmpfiles,
                    GError **error)
{
        ScRunConfigInput input = describe(session, runtime, place);
        g_autofree char *text = sc_run_config_make(config, &input, error);
        g_auto(GStrv) make = tmpfiles_command(session, "--create", error);
        g_auto(GStrv) remove = make != NULL ? tmpfiles_command(session, "--remove", error) : NULL;
        if (text == NULL || remove == NULL ||
            !sc_write_file(session->folder_fd, "config.json", text, -1, 0600, SC_WRITE_NEW, error) ||
            !sc_write_file(session->folder_fd, TMPFILES, tmpfiles, -1, 0600, SC_WRITE_NEW, error))
                return false;
        g_auto(GStrv) start = helper_command(session, runtime, "run");
        const char *const arguments[] = {"--bundle", session->folder, session->id, NULL};
        g_auto(GStrv) argv = join(start, arguments);
        const char *const delete[] = {runtime, "delete", "--force", session->id, NULL};
        bool has_tmpfiles = tmpfiles[0] != '\0';
        ScRunService service = {
                .before = has_tmpfiles ? make : NULL,
                .argv = argv,
                .after = (char **)delete,
                .after_that = has_tmpfiles ? remove : NULL,
        };
        return carry_out(session, &service, error);
}

/* ---- what was abandoned ---- */

bool sc_session_sweep(ScOpContext *context, GError **error)
{
        sc_autofd checkout = sc_checkout_open(context->config, false, error);
        g_auto(GStrv) ids = checkout >= 0 ? sc_run_folder_abandoned(checkout, error) : NULL;
        if (ids == NULL)
                return false;
        if (ids[0] == NULL)
                return true;
        g_autoptr(ScSystemd) systemd = sc_systemd_open(context->config->scope, error);
        if (systemd == NULL)
                return false;
        for (char **id = ids; *id != NULL; id++) {
                g_autofree char *unit = g_strconcat(*id, ".service", NULL);
                if (!sc_systemd_stop(systemd, unit, context->cancellable, error) || !sc_run_folder_remove(checkout, *id, error))
                        return false;
        }
        return true;
}
