/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/process.h"
#include "base/journal.h"
#include "base/path.h"
#include "base/proxy-variables.h"
#include "job/handover.h"
#include "job/protocol.h"
#include "job/running-unit.h"
#include "job/sandbox.h"
#include "job/stage.h"
#include <errno.h>
#include <glib-unix.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <syslog.h>

/* What a worker says is taken in portions, so that one that never stops talking cannot keep the daemon from everybody else. */
#define PORTION_PACKETS 64
#define PORTION_INTERVAL_MS 100
/* After its last word a worker has this long to exit before it is stopped. */
#define EXIT_SECONDS 10
/* Once a worker is known to be gone, systemd's signal that says why follows at once, or never. */
#define REASON_SECONDS 5
/* A worker that is being stopped ends within its TimeoutStopSec=. */
#define STOP_SECONDS 120

typedef struct {
        const ScWorkers *workers;
        const ScJob *job; /* outlives it */
        ScRunningUnit *unit;
        const ScStageSink *sink;
        gpointer sink_data;
        int socket_fd; /* -1: lost, or the worker is gone */
        guint read_source;
        bool is_pausing; /* read_source is the timer between two portions */
        bool is_hearing; /* packets are being taken */
        guint timer;
        bool adopted_by_name;
        bool cancelled;
        bool is_waiting;     /* for its request; there is no sink yet */
        bool is_spoilt;      /* while it waited: it is of no use any more */
        GHashTable *details; /* the last word: this alone, or ... */
        GError *error;       /* ... this, and maybe details besides */
} Process;

static void process_free(gpointer data)
{
        Process *process = data;
        /* It would see its socket end; but it may have been stopped, or not have come so far. */
        if (process->is_waiting)
                sc_running_unit_stop_unheard(process->unit);
        g_clear_handle_id(&process->read_source, g_source_remove);
        g_clear_handle_id(&process->timer, g_source_remove);
        sc_running_unit_free(process->unit);
        sc_close(&process->socket_fd);
        g_clear_pointer(&process->details, g_hash_table_unref);
        g_clear_error(&process->error);
        g_free(process);
}

/* The stage is over; the process is freed by its owner in here. One that still waits for its request has nobody to tell, and is
 * only marked. */
static void conclude(Process *process)
{
        if (process->is_waiting) {
                process->is_spoilt = true;
                return;
        }
        const char *result = sc_running_unit_result(process->unit);
        if (process->adopted_by_name && process->error == NULL && g_strcmp0(result, "success") == 0)
                process->details = sc_string_map_new();
        if (process->details == NULL && process->error == NULL) {
                if (process->cancelled)
                        g_set_error(&process->error, SC_ERROR, SC_ERROR_CANCELLED, "Cancelled");
                else
                        g_set_error(&process->error, SC_ERROR, SC_ERROR_FAILED,
                                    "The worker ended without a result (%s): see %s -u %s",
                                    result != NULL ? result : "for an unknown reason", process->workers->config->scope->journalctl,
                                    sc_running_unit_name(process->unit));
        }
        process->sink->ended(process->sink_data, process->details, process->error);
}

static gboolean on_patience_over(gpointer data)
{
        Process *process = data;
        process->timer = 0;
        conclude(process);
        return G_SOURCE_REMOVE;
}

static void conclude_within(Process *process, guint seconds)
{
        g_clear_handle_id(&process->timer, g_source_remove);
        process->timer = g_timeout_add_seconds(seconds, on_patience_over, process);
}

static gboolean on_exit_overdue(gpointer data)
{
        Process *process = data;
        process->timer = 0;
        sc_running_unit_stop(process->unit);
        conclude_within(process, STOP_SECONDS);
        return G_SOURCE_REMOVE;
}

static bool has_last_word(const Process *process)
{
        return process->details != NULL || process->error != NULL;
}

static void take_last_word(Process *process, const ScPacket *packet)
{
        if (packet->type == SC_PACKET_ERROR)
                process->error = g_error_new_literal(SC_ERROR, packet->code, packet->text);
        process->details = sc_string_map_copy(packet->details);
        g_clear_handle_id(&process->timer, g_source_remove);
        process->timer = g_timeout_add_seconds(EXIT_SECONDS, on_exit_overdue, process);
}

/* False: a packet that has no place here. */
static bool take_packet(Process *process, const ScPacket *packet)
{
        if (has_last_word(process))
                return false;
        switch (packet->type) {
        case SC_PACKET_PROGRESS:
                process->sink->progress(process->sink_data, packet->phase, packet->done, packet->total);
                return true;
        case SC_PACKET_MESSAGE:
                process->sink->message(process->sink_data, packet->text);
                return true;
        case SC_PACKET_RESULT:
        case SC_PACKET_ERROR:
                sc_handover_keep_last_word(process->job->id, packet);
                take_last_word(process, packet);
                return true;
        case SC_PACKET_REQUEST:
                break;
        }
        return false;
}

/* A worker that does not keep to the protocol is not listened to any more. */
static void give_up(Process *process, const char *why)
{
        g_clear_pointer(&process->details, g_hash_table_unref);
        g_clear_error(&process->error);
        g_set_error(&process->error, SC_ERROR, SC_ERROR_FAILED, "The worker of job %" G_GUINT64_FORMAT " broke the protocol: %s",
                    process->job->id, why);
        sc_close(&process->socket_fd);
        sc_running_unit_stop(process->unit);
        conclude_within(process, STOP_SECONDS);
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer data);

static gboolean on_next_portion(gpointer data)
{
        Process *process = data;
        process->is_pausing = false;
        process->read_source = g_unix_fd_add(process->socket_fd, G_IO_IN, on_readable, process);
        return G_SOURCE_REMOVE;
}

/* One that has hung up and goes on must not do so unseen. */
static gboolean on_reason_overdue(gpointer data)
{
        Process *process = data;
        process->timer = 0;
        if (sc_running_unit_look(process->unit, SC_LOOK_AND_STOP) < 0)
                conclude(process);
        else
                conclude_within(process, STOP_SECONDS);
        return G_SOURCE_REMOVE;
}

typedef enum { MORE_LATER, PORTION_FULL, OVER } Heard;

/* OVER: the socket is done with, and the process may be freed already. */
static Heard take_packets(Process *process)
{
        for (unsigned i = 0; i < PORTION_PACKETS; i++) {
                g_autoptr(ScPacket) packet = NULL;
                g_autoptr(GError) error = NULL;
                bool again;
                int r = sc_packet_receive(process->socket_fd, &packet, &again, &error);
                if (r == 0 && again)
                        return MORE_LATER;
                if (r < 0 || (r > 0 && !take_packet(process, packet))) {
                        process->read_source = 0;
                        give_up(process, error != NULL ? error->message : "a packet out of order");
                        return OVER;
                }
                if (r == 0) {
                        process->read_source = 0;
                        sc_close(&process->socket_fd);
                        if (has_last_word(process)) {
                                conclude(process);
                        } else {
                                g_clear_handle_id(&process->timer, g_source_remove);
                                process->timer = g_timeout_add_seconds(REASON_SECONDS, on_reason_overdue, process);
                        }
                        return OVER;
                }
        }
        return PORTION_FULL;
}

static gboolean on_readable(int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
        Process *process = data;
        /* A worker that waits for its request has nothing to say but why it cannot, or that it is gone. */
        if (process->is_waiting) {
                process->is_spoilt = true;
                process->read_source = 0;
                sc_close(&process->socket_fd);
                return G_SOURCE_REMOVE;
        }
        process->is_hearing = true;
        Heard heard = take_packets(process);
        if (heard == OVER)
                return G_SOURCE_REMOVE;
        process->is_hearing = false;
        if (heard == MORE_LATER)
                return G_SOURCE_CONTINUE;
        process->is_pausing = true;
        process->read_source = g_timeout_add(PORTION_INTERVAL_MS, on_next_portion, process);
        return G_SOURCE_REMOVE;
}

static void process_hear(gpointer data)
{
        Process *process = data;
        /* A portion a turn, whoever asks; and what is said of a packet may make somebody ask. */
        if (process->read_source == 0 || process->is_pausing || process->is_hearing)
                return;
        guint source = process->read_source;
        if (on_readable(process->socket_fd, G_IO_IN, process) == G_SOURCE_REMOVE)
                g_source_remove(source);
}

static ScWorkerTrace trace(gpointer data)
{
        const Process *process = data;
        if (has_last_word(process))
                return SC_WORKER_DONE;
        int unread = 0;
        bool is_unread = ioctl(process->socket_fd, SIOCOUTQ, &unread) == 0 && unread > 0;
        return is_unread ? SC_WORKER_UNSEEN : SC_WORKER_BEGUN;
}

static void on_not_started(gpointer data, const char *why)
{
        Process *process = data;
        if (why != NULL && process->error == NULL)
                g_set_error(&process->error, SC_ERROR, SC_ERROR_FAILED, "systemd does not start %s: %s",
                            sc_running_unit_name(process->unit), why);
        conclude(process);
}

static void on_gone(gpointer data)
{
        Process *process = data;
        /* What the worker said last may still lie in the socket; its end follows there. */
        if (process->socket_fd >= 0)
                conclude_within(process, REASON_SECONDS);
        else
                conclude(process);
}

static const ScUnitOwner unit_owner = {.trace = trace, .not_started = on_not_started, .gone = on_gone};

static Process *process_new(const ScWorkers *workers, const ScJob *job)
{
        Process *process = g_new0(Process, 1);
        process->workers = workers;
        process->job = job;
        process->unit = sc_running_unit_new(workers, job, &unit_owner, process);
        process->socket_fd = -1;
        return process;
}

static bool listen_to(Process *process, int socket_fd, GError **error)
{
        process->socket_fd = socket_fd;
        if (!g_unix_set_fd_nonblocking(socket_fd, TRUE, error))
                return sc_prefix(error, "Cannot listen to %s", sc_running_unit_name(process->unit));
        process->read_source = g_unix_fd_add(socket_fd, G_IO_IN, on_readable, process);
        return true;
}

/* Not in the unit's environment, which everybody may read. */
static void pass_proxies_on(ScPacket *request)
{
        for (const char *const *name = sc_proxy_variables; *name != NULL; name++) {
                const char *value = g_getenv(*name);
                if (value != NULL && g_utf8_validate(value, -1, NULL))
                        g_hash_table_insert(request->environment, g_strdup(*name), g_strdup(value));
        }
}

static bool send_request(Process *process, const ScJob *job, GError **error)
{
        if (job->stage == SC_STAGE_MAIN && job->fds_lost)
                return sc_throw(error, SC_ERROR_FAILED,
                                "The file descriptors of job %" G_GUINT64_FORMAT
                                " were lost when sysconsd was restarted while it waited: ask again",
                                job->id);
        g_autoptr(ScPacket) request = sc_packet_new(SC_PACKET_REQUEST);
        g_autoptr(GArray) fds = NULL;
        g_clear_pointer(&request->options, json_object_unref);
        if (!sc_stage_request(job, process->workers->config->scope, &request->options, &fds, error)) {
                request->options = json_object_new();
                return false;
        }
        request->job = job->id;
        request->operation = g_strdup(sc_job_stage_operation(job));
        request->subject = g_strdup(sc_job_stage_subject(job));
        if (sc_sandbox_has_network(sc_sandbox_name(job)))
                pass_proxies_on(request);
        request->fds = (int *)(gpointer)fds->data;
        request->n_fds = fds->len;
        bool ok = sc_packet_send(process->socket_fd, request, error);
        request->fds = NULL; /* the array's */
        request->n_fds = 0;
        return ok;
}

/* Before the worker is started with the other end, *ret_worker_fd, as its standard input. */
static Process *open_process(const ScWorkers *workers, const ScJob *job, int *ret_worker_fd, GError **error)
{
        int fds[2];
        if (!sc_packet_socketpair(fds, error))
                return NULL;
        Process *process = process_new(workers, job);
        if (listen_to(process, fds[0], error) && sc_running_unit_watch(process->unit, error)) {
                *ret_worker_fd = fds[1];
                return process;
        }
        sc_close(&fds[1]);
        process_free(process);
        return NULL;
}

static gpointer process_prepare(gpointer data, const ScJob *job)
{
        const ScWorkers *workers = data;
        /* Its sandbox would depend on where the pull puts the repository. */
        if (job->fds_lost || !sc_sandbox_is_settled(workers->config, workers->repository))
                return NULL;
        g_autoptr(GError) error = NULL;
        int worker_fd = -1;
        Process *process = open_process(workers, job, &worker_fd, &error);
        if (process != NULL && sc_running_unit_start(process->unit, worker_fd, &error)) {
                process->is_waiting = true;
                return process;
        }
        sc_journal(LOG_INFO, "Cannot prepare a worker", SC_FIELD_ERROR, error->message, NULL);
        g_clear_pointer(&process, process_free);
        return NULL;
}

static bool is_as_if_new(const Process *process)
{
        const ScWorkerOptions *started = sc_running_unit_options(process->unit);
        ScWorkerOptions options = sc_worker_options(process->workers, process->job);
        /* The timer: systemd does not know the unit any more. */
        return !process->is_spoilt && process->timer == 0 && options.opens_sysroot == started->opens_sysroot &&
               options.hides_homes == started->hides_homes;
}

static void set_off(Process *process, const ScStageSink *sink, gpointer sink_data)
{
        process->is_waiting = false;
        sc_running_unit_insist(process->unit);
        process->sink = sink;
        process->sink_data = sink_data;
        (void)sc_handover_save(process->job, process->socket_fd);
        if (process->job->stage == SC_STAGE_MAIN)
                sc_handover_drop_pull(process->job->id);
}

static bool process_go(gpointer stage, const ScStageSink *sink, gpointer sink_data)
{
        Process *process = stage;
        g_autoptr(GError) error = NULL;
        if (!is_as_if_new(process) || !send_request(process, process->job, &error)) {
                sc_journal(LOG_INFO, "The worker that was prepared is of no use, starting another", SC_FIELD_ERROR,
                           error != NULL ? error->message : "it has ended, or its sandbox would be another now", NULL);
                return false;
        }
        set_off(process, sink, sink_data);
        return true;
}

static gpointer process_start(gpointer data, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error)
{
        int worker_fd = -1;
        Process *process = open_process(data, job, &worker_fd, error);
        if (process == NULL)
                return NULL;
        if (!send_request(process, job, error)) {
                sc_close(&worker_fd);
                process_free(process);
                return NULL;
        }
        if (!sc_running_unit_start(process->unit, worker_fd, error)) {
                process_free(process);
                return NULL;
        }
        set_off(process, sink, sink_data);
        return process;
}

static void cancel(Process *process)
{
        process->cancelled = true;
        sc_running_unit_stop(process->unit);
}

gpointer sc_process_adopt(gpointer data, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error)
{
        const ScAdoption *adoption = data;
        Process *process = process_new(adoption->workers, job);
        if (adoption->last_word != NULL)
                take_last_word(process, adoption->last_word);
        process->sink = sink;
        process->sink_data = sink_data;
        process->adopted_by_name = adoption->socket_fd < 0;
        bool ok = (adoption->socket_fd < 0 || listen_to(process, adoption->socket_fd, error)) &&
                  sc_running_unit_watch(process->unit, error);
        /* It may have ended before its unit was watched. */
        int r = ok && process->adopted_by_name ? sc_running_unit_look(process->unit, SC_LOOK_AND_LEAVE) : 0;
        if (r < 0) {
                errno = -r;
                ok = sc_throw_errno(error, "Cannot ask systemd for %s", sc_running_unit_name(process->unit));
        }
        /* Whether the one before came to ask systemd for it is not known. */
        if (ok && job->state == SC_JOB_CANCELLING)
                cancel(process);
        if (ok)
                return process;
        process_free(process);
        return NULL;
}

static void process_cancel(gpointer data)
{
        cancel(data);
}

const ScStageRunner sc_process_runner = {
        .start = process_start,
        .prepare = process_prepare,
        .go = process_go,
        .cancel = process_cancel,
        .hear = process_hear,
        .free = process_free,
};
