/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/process.h"
#include "base/journal.h"
#include "base/path.h"
#include "base/proxy-variables.h"
#include "job/handover.h"
#include "job/protocol.h"
#include "job/sandbox.h"
#include "job/stage.h"
#include <errno.h>
#include <linux/sockios.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

/* What a worker says is taken in portions, so that one that never stops talking cannot keep the daemon from everybody else. */
#define PORTION_PACKETS 64
#define PORTION_INTERVAL_MS 100
/* After its last word a worker has this long to exit before it is stopped. */
#define EXIT_SECONDS 10
/* Once a worker is known to be gone, systemd's signal that says why follows at once, or never. */
#define REASON_SECONDS 5
/* A worker that is being stopped ends within its TimeoutStopSec=. */
#define STOP_SECONDS 120
/* How often it is tried whether a unit's name is free again. */
#define START_AGAIN_MS 100
/* systemd that could not be asked (it executes itself anew, say) is asked again. */
#define ASK_AGAIN_SECONDS 1

typedef struct {
        const ScWorkers *workers;
        sd_bus *bus;
        const ScJob *job; /* outlives it */
        char *unit;
        const ScStageSink *sink;
        gpointer sink_data;
        int socket_fd; /* -1: lost, or the worker is gone */
        int worker_fd; /* the other end, until systemd has it; -1: it has */
        guint read_source;
        bool is_pausing; /* read_source is the timer between two portions */
        bool is_hearing; /* packets are being taken */
        guint timer;
        gint64 start_until; /* monotonic */
        guint start_timer;  /* between two calls that start the unit */
        bool start_unsure;  /* it is looked for, to see whether the last one did */
        sd_bus_slot *start_slot;
        sd_bus_slot *probe_slot;
        guint probe_timer; /* until systemd is asked again for the unit */
        sd_bus_slot *stop_slot;
        guint stop_timer; /* until systemd is asked again to stop it */
        sd_bus_slot *changed_slot;
        sd_bus_slot *removed_slot;
        bool adopted_by_name;
        bool cancelled;
        bool hung_up;            /* long ago, and nobody has said that it ended */
        bool is_waiting;         /* for its request; there is no sink yet */
        bool is_spoilt;          /* while it waited: it is of no use any more */
        ScWorkerOptions options; /* with which it was started */
        char *unit_result;       /* the unit's Result, once it has one */
        GHashTable *details;     /* the last word: this alone, or ... */
        GError *error;           /* ... this, and maybe details besides */
} Process;

/* Anything else says nothing about the unit: systemd was not there to be asked, or the bus has its limits. */
static bool is_answer(const sd_bus_error *error)
{
        return error == NULL || sd_bus_error_has_name(error, SYSTEMD ".NoSuchUnit");
}

static void stop_unit(Process *process);

static gboolean on_stop_again(gpointer data)
{
        Process *process = data;
        process->stop_timer = 0;
        stop_unit(process);
        return G_SOURCE_REMOVE;
}

static int on_stopped(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        Process *process = data;
        process->stop_slot = sd_bus_slot_unref(process->stop_slot);
        if (!is_answer(sd_bus_message_get_error(reply)) && sd_bus_is_open(process->bus) > 0)
                process->stop_timer = g_timeout_add_seconds(ASK_AGAIN_SECONDS, on_stop_again, process);
        return 0;
}

/* That it has been asked is all that the reply says: the unit's end comes by other ways. */
static void stop_unit(Process *process)
{
        if (process->stop_slot == NULL && process->stop_timer == 0)
                sd_bus_call_method_async(process->bus, &process->stop_slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit",
                                         on_stopped, process, "ss", process->unit, "replace");
}

/* For one that is not there any more to hear of an answer. */
static void stop_unit_unheard(Process *process)
{
        sd_bus_call_method_async(process->bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit", NULL, NULL, "ss",
                                 process->unit, "replace");
}

static void process_free(gpointer data)
{
        Process *process = data;
        /* It would see its socket end; but it may have been stopped, or not have come so far. */
        if (process->is_waiting)
                stop_unit_unheard(process);
        g_clear_handle_id(&process->probe_timer, g_source_remove);
        g_clear_handle_id(&process->stop_timer, g_source_remove);
        sd_bus_slot_unref(process->stop_slot);
        g_clear_handle_id(&process->read_source, g_source_remove);
        g_clear_handle_id(&process->timer, g_source_remove);
        g_clear_handle_id(&process->start_timer, g_source_remove);
        sd_bus_slot_unref(process->start_slot);
        sd_bus_slot_unref(process->probe_slot);
        sd_bus_slot_unref(process->changed_slot);
        sd_bus_slot_unref(process->removed_slot);
        sc_close(&process->socket_fd);
        sc_close(&process->worker_fd);
        sd_bus_unref(process->bus);
        g_free(process->unit);
        g_free(process->unit_result);
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
        if (process->adopted_by_name && process->error == NULL && g_strcmp0(process->unit_result, "success") == 0)
                process->details = sc_string_map_new();
        if (process->details == NULL && process->error == NULL) {
                if (process->cancelled)
                        g_set_error(&process->error, SC_ERROR, SC_ERROR_CANCELLED, "Cancelled");
                else
                        g_set_error(&process->error, SC_ERROR, SC_ERROR_FAILED,
                                    "The worker ended without a result (%s): see %s -u %s",
                                    process->unit_result != NULL ? process->unit_result : "for an unknown reason",
                                    process->workers->config->scope->journalctl, process->unit);
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
        stop_unit(process);
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
        stop_unit(process);
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

static int probe_unit(Process *process);

/* One that has hung up and goes on must not do so unseen. */
static gboolean on_reason_overdue(gpointer data)
{
        Process *process = data;
        process->timer = 0;
        process->hung_up = true;
        if (probe_unit(process) < 0)
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

/* Reads the unit's Result out of PropertiesChanged(s interface, a{sv} changed, as invalidated). */
static int on_unit_changed(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        Process *process = data;
        if (sd_bus_message_skip(message, "s") < 0 || sd_bus_message_enter_container(message, 'a', "{sv}") < 0)
                return 0;
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                const char *name, *value;
                if (sd_bus_message_read(message, "s", &name) < 0)
                        return 0;
                if (strcmp(name, "Result") == 0) {
                        if (sd_bus_message_read(message, "v", "s", &value) < 0)
                                return 0;
                        g_free(process->unit_result);
                        process->unit_result = g_strdup(value);
                } else if (sd_bus_message_skip(message, "v") < 0) {
                        return 0;
                }
                sd_bus_message_exit_container(message);
        }
        return 0;
}

static gboolean on_probe_again(gpointer data)
{
        Process *process = data;
        process->probe_timer = 0;
        (void)probe_unit(process);
        return G_SOURCE_REMOVE;
}

static bool is_request_unread(const Process *process)
{
        int unread = 0;
        return ioctl(process->socket_fd, SIOCOUTQ, &unread) == 0 && unread > 0;
}

static gboolean on_start_again(gpointer data);

static void probe_later(Process *process)
{
        if (process->probe_timer == 0)
                process->probe_timer = g_timeout_add_seconds(ASK_AGAIN_SECONDS, on_probe_again, process);
}

/* Who has taken the request along was started, whether it is there or gone: how it ends, the socket tells. While nobody has, what
 * is there may be whoever had the name before. */
static void settle_start(Process *process, bool is_there)
{
        bool is_open = !has_last_word(process) && is_request_unread(process) && g_get_monotonic_time() <= process->start_until;
        if (is_open && is_there) {
                probe_later(process);
                return;
        }
        process->start_unsure = false;
        g_clear_handle_id(&process->probe_timer, g_source_remove);
        if (is_open)
                process->start_timer = g_timeout_add(START_AGAIN_MS, on_start_again, process);
        else
                sc_close(&process->worker_fd);
}

static int on_probed(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        Process *process = data;
        const sd_bus_error *error = sd_bus_message_get_error(reply);
        process->probe_slot = sd_bus_slot_unref(process->probe_slot);
        /* The unit that had its name is gone; its own is yet to come. */
        if (process->start_slot != NULL || process->start_timer != 0)
                return 0;
        if (process->start_unsure && is_answer(error)) {
                settle_start(process, error == NULL);
                return 0;
        }
        /* A daemon that has lost the bus ends: the next one takes the worker over. */
        if (!is_answer(error)) {
                if (sd_bus_is_open(process->bus) > 0)
                        probe_later(process);
                return 0;
        }
        if (error == NULL) {
                if (process->hung_up)
                        stop_unit(process);
                return 0;
        }
        /* What the worker said last may still lie in the socket; its end follows there. */
        if (process->socket_fd >= 0)
                conclude_within(process, REASON_SECONDS);
        else
                conclude(process);
        return 0;
}

/* Asks whether the unit is there at all. */
static int probe_unit(Process *process)
{
        if (process->probe_slot != NULL || process->probe_timer != 0)
                return 0;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(process->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "GetUnit");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", process->unit);
        if (r >= 0)
                r = sd_bus_call_async(process->bus, &process->probe_slot, call, on_probed, process, SC_SYSTEMD_PATIENCE);
        sd_bus_message_unref(call);
        return r;
}

/* systemd says so of every unit, too, when it reloads its configuration. */
static int on_unit_removed(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        probe_unit(data);
        return 0;
}

/* The bus may refuse a match; without a function here sd-bus would give up the whole connection. The worker's socket tells its end,
 * too. */
static int on_watched(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        const Process *process = data;
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        if (refused == NULL)
                return 1;
        g_autofree char *line = g_strdup_printf("Cannot watch %s", process->unit);
        sc_journal(LOG_WARNING, line, SC_FIELD_ERROR, refused->message, NULL);
        return 1;
}

static bool watch_unit(Process *process, GError **error)
{
        g_autofree char *path = NULL;
        int r = sd_bus_path_encode(SYSTEMD_PATH "/unit", process->unit, &path);
        g_autofree char *changed = g_strdup_printf("type='signal',sender='" SYSTEMD
                                                   "',path='%s',interface='org.freedesktop.DBus.Properties',"
                                                   "member='PropertiesChanged',arg0='org.freedesktop.systemd1.Service'",
                                                   path);
        g_autofree char *removed = g_strdup_printf("type='signal',sender='" SYSTEMD "',path='" SYSTEMD_PATH
                                                   "',interface='" SYSTEMD_MANAGER "',"
                                                   "member='UnitRemoved',arg0='%s'",
                                                   process->unit);
        if (r >= 0)
                r = sd_bus_add_match_async(process->bus, &process->changed_slot, changed, on_unit_changed, on_watched, process);
        if (r >= 0)
                r = sd_bus_add_match_async(process->bus, &process->removed_slot, removed, on_unit_removed, on_watched, process);
        errno = -r;
        return r >= 0 || sc_throw_errno(error, "Cannot watch %s", process->unit);
}

static bool start_unit(Process *process, GError **error);

static void fail_start(Process *process, const char *why)
{
        g_set_error(&process->error, SC_ERROR, SC_ERROR_FAILED, "systemd does not start %s: %s", process->unit, why);
        stop_unit_unheard(process); /* where the answer only came too late */
        conclude(process);
}

static gboolean on_start_again(gpointer data)
{
        Process *process = data;
        process->start_timer = 0;
        g_autoptr(GError) error = NULL;
        if (process->cancelled)
                conclude(process);
        else if (!start_unit(process, &error))
                fail_start(process, error->message);
        return G_SOURCE_REMOVE;
}

/* A worker that was prepared for this stage, and is of no use, or that an earlier daemon has left, has its name until it has ended.
 */
static bool start_when_it_is_gone(Process *process, const sd_bus_error *refused)
{
        if (process->is_waiting || !sd_bus_error_has_name(refused, SYSTEMD ".UnitExists") ||
            g_get_monotonic_time() > process->start_until)
                return false;
        stop_unit_unheard(process); /* said again with each attempt, and not behind the one that succeeds */
        process->start_timer = g_timeout_add(START_AGAIN_MS, on_start_again, process);
        return true;
}

/* Whether it was started is not known: systemd was not there, or its answer was lost. */
static bool is_silence(const sd_bus_error *error)
{
        static const char *const names[] = {"NoReply",        "Timeout",      "TimedOut",      "ServiceUnknown",
                                            "NameHasNoOwner", "Disconnected", "LimitsExceeded"};
        static const char prefix[] = "org.freedesktop.DBus.Error.";
        if (!g_str_has_prefix(error->name, prefix))
                return false;
        const char *name = error->name + strlen(prefix);
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return g_str_has_prefix(name, "Spawn.");
}

static bool look_whether_it_started(Process *process, const sd_bus_error *refused)
{
        if (process->is_waiting || !is_silence(refused))
                return false;
        process->start_unsure = true;
        probe_later(process);
        return true;
}

static int on_started(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        Process *process = data;
        process->start_slot = sd_bus_slot_unref(process->start_slot);
        const sd_bus_error *refused = sd_bus_message_get_error(reply);
        if (refused != NULL && sd_bus_is_open(process->bus) <= 0)
                return 0; /* the daemon ends, and the next one takes the worker over, if there is one */
        if (refused != NULL && !has_last_word(process) &&
            (start_when_it_is_gone(process, refused) || look_whether_it_started(process, refused)))
                return 0;
        sc_close(&process->worker_fd);
        if (refused != NULL && !has_last_word(process))
                fail_start(process, refused->message);
        return 0;
}

static Process *process_new(const ScWorkers *workers, const ScJob *job)
{
        Process *process = g_new0(Process, 1);
        process->workers = workers;
        process->job = job;
        process->worker_fd = -1;
        process->bus = sd_bus_ref(workers->bus);
        process->unit = sc_worker_unit_name(job);
        process->socket_fd = -1;
        return process;
}

static bool listen_to(Process *process, int socket_fd, GError **error)
{
        process->socket_fd = socket_fd;
        if (!g_unix_set_fd_nonblocking(socket_fd, TRUE, error))
                return sc_prefix(error, "Cannot listen to %s", process->unit);
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

static bool start_unit(Process *process, GError **error)
{
        g_autoptr(GError) local_error = NULL;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(process->bus, &call, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sc_worker_unit_append(call, process->workers, process->job, &process->options, process->worker_fd,
                                          &local_error);
        if (r >= 0)
                r = sd_bus_call_async(process->bus, &process->start_slot, call, on_started, process, SC_SYSTEMD_PATIENCE);
        sd_bus_message_unref(call);
        if (local_error != NULL) {
                g_propagate_error(error, g_steal_pointer(&local_error));
                return false;
        }
        errno = -r;
        return r >= 0 || sc_throw_errno(error, "Cannot ask systemd to start %s", process->unit);
}

/* Before the worker is started with the other end as its standard input. */
static Process *open_process(const ScWorkers *workers, const ScJob *job, GError **error)
{
        int fds[2];
        if (!sc_packet_socketpair(fds, error))
                return NULL;
        Process *process = process_new(workers, job);
        process->worker_fd = fds[1];
        process->start_until = g_get_monotonic_time() + STOP_SECONDS * G_USEC_PER_SEC;
        process->options = sc_worker_options(workers, job);
        if (listen_to(process, fds[0], error) && watch_unit(process, error))
                return process;
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
        Process *process = open_process(workers, job, &error);
        if (process != NULL && start_unit(process, &error)) {
                process->is_waiting = true;
                return process;
        }
        sc_journal(LOG_INFO, "Cannot prepare a worker", SC_FIELD_ERROR, error->message, NULL);
        g_clear_pointer(&process, process_free);
        return NULL;
}

static bool is_as_if_new(const Process *process)
{
        ScWorkerOptions options = sc_worker_options(process->workers, process->job);
        /* The timer: systemd does not know the unit any more. */
        return !process->is_spoilt && process->timer == 0 && options.opens_sysroot == process->options.opens_sysroot &&
               options.hides_homes == process->options.hides_homes;
}

static void set_off(Process *process, const ScStageSink *sink, gpointer sink_data)
{
        process->is_waiting = false;
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
        Process *process = open_process(data, job, error);
        if (process == NULL)
                return NULL;
        if (!send_request(process, job, error) || !start_unit(process, error)) {
                process_free(process);
                return NULL;
        }
        set_off(process, sink, sink_data);
        return process;
}

static void cancel(Process *process)
{
        process->cancelled = true;
        stop_unit(process);
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
        bool ok = (adoption->socket_fd < 0 || listen_to(process, adoption->socket_fd, error)) && watch_unit(process, error);
        /* It may have ended before its unit was watched. */
        int r = ok && process->adopted_by_name ? probe_unit(process) : 0;
        if (r < 0) {
                errno = -r;
                ok = sc_throw_errno(error, "Cannot ask systemd for %s", process->unit);
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
