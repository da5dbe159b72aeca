/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysconsd-worker: carries out one operation and exits. Started by sysconsd with one end of a socket pair as its standard input
 * (see job/protocol.h), or by hand with a request on the command line, when packets go to standard output as text. */

#include "base/config.h"
#include "base/error.h"
#include "base/journal.h"
#include "base/path.h"
#include "base/slice.h"
#include "base/sysroot.h"
#include "job/protocol.h"
#include "op/op.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

/* Exit statuses: the daemon reads packets, systemd and people read these. */
enum { EXIT_USAGE = 2 };

typedef struct {
        int socket;      /* -1: none */
        bool by_hand;    /* text on standard output */
        bool is_unheard; /* the daemon has not listened for a while */
} Channel;

/* Contents and what is fetched of a blob come and go in pieces of up to 8 MiB, a few of them at once: memory that was given back to
 * the kernel each time would have to be cleared by it each time. Each thread that allocates may keep so much. */
#define KEPT_MEMORY (32 * 1024 * 1024)

static void keep_memory(void)
{
        if (mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY) == 1)
                mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
}

/* Who gives way to others (by a nice value, see job/sandbox.c) does so at once, and not only at the end of its slice. */
#define LONG_SLICE (20 * 1000 * 1000)

/* ---- what goes out ---- */

/* Seconds for a daemon that does not listen: nobody's service stays stopped for it; and when nothing is left to do. */
#define PATIENCE 30
#define PATIENCE_AT_LAST 600

static void set_patience(int socket_fd, time_t seconds)
{
        const struct timeval patience = {.tv_sec = seconds};
        setsockopt(socket_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static bool is_last_word(const ScPacket *packet)
{
        return packet->type == SC_PACKET_RESULT || packet->type == SC_PACKET_ERROR;
}

static bool takes_more(int socket_fd)
{
        struct pollfd listener = {.fd = socket_fd, .events = POLLOUT};
        return poll(&listener, 1, 0) != 0;
}

static void send_packet(Channel *channel, const ScPacket *packet)
{
        if (channel->socket < 0)
                return;
        /* How far it is, nobody has to know; how it ended, somebody will. */
        if (channel->is_unheard && !is_last_word(packet) && !takes_more(channel->socket))
                return;
        if (is_last_word(packet))
                set_patience(channel->socket, PATIENCE_AT_LAST);
        g_autoptr(GError) error = NULL;
        channel->is_unheard = false;
        if (sc_packet_send(channel->socket, packet, &error))
                return;
        if (g_error_matches(error, SC_ERROR, SC_ERROR_BUSY) && !is_last_word(packet)) {
                channel->is_unheard = true;
                sc_journal(LOG_INFO, "sysconsd does not listen, going on without it", NULL);
                return;
        }
        /* A daemon that is gone (restarted, upgraded) must not end the operation: it finds us again by name. */
        sc_journal(LOG_INFO, "sysconsd is gone, going on without it", SC_FIELD_ERROR, error->message, NULL);
        sc_close(&channel->socket);
}

static void send_progress(gpointer data, const char *phase, guint64 done, guint64 total)
{
        Channel *channel = data;
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_PROGRESS);
        packet->phase = g_strdup(phase);
        packet->done = done;
        packet->total = total;
        send_packet(channel, packet);
        if (channel->by_hand && isatty(STDERR_FILENO))
                fprintf(stderr, "%s %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "\n", phase, done, total);
}

static void send_message(gpointer data, const char *line)
{
        Channel *channel = data;
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_MESSAGE);
        packet->text = g_strdup(line);
        send_packet(channel, packet);
        if (channel->by_hand)
                printf("%s\n", line);
}

static void send_result(Channel *channel, GHashTable *details)
{
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_RESULT);
        packet->details = sc_string_map_copy(details);
        send_packet(channel, packet);
        if (!channel->by_hand)
                return;
        GHashTableIter iter;
        gpointer key, value;
        g_hash_table_iter_init(&iter, details);
        while (g_hash_table_iter_next(&iter, &key, &value))
                printf("%s: %s\n", (char *)key, (char *)value);
}

static void send_error(Channel *channel, const GError *error, GHashTable *details)
{
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_ERROR);
        packet->code = error->domain == SC_ERROR ? error->code : (int)SC_ERROR_FAILED;
        packet->text = g_strdup(error->message);
        g_hash_table_unref(packet->details);
        packet->details = sc_string_map_copy(details);
        send_packet(channel, packet);
        fprintf(stderr, "%s: %s\n", sc_error_to_string((ScError)packet->code), error->message);
}

/* ---- cancelling ---- */

static int cancel_pipe[2] = {-1, -1};

static void on_signal(int number G_GNUC_UNUSED)
{
        int saved = errno;
        ssize_t written = write(cancel_pipe[1], "", 1);
        (void)written;
        errno = saved;
}

static gpointer watch_cancel(gpointer cancellable)
{
        char byte;
        while (read(cancel_pipe[0], &byte, 1) < 0 && errno == EINTR)
                continue;
        g_cancellable_cancel(cancellable);
        return NULL;
}

/* A handler, not a blocked signal: blocked ones would be inherited by the programs that we start. */
static bool watch_signals(GCancellable *cancellable, GError **error)
{
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
        if (pipe2(cancel_pipe, O_CLOEXEC) < 0)
                return sc_throw_errno(error, "Cannot make a pipe");
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        signal(SIGPIPE, SIG_IGN);
        g_thread_unref(g_thread_new("cancel", watch_cancel, cancellable));
        return true;
}

/* ---- the request ---- */

static ScPacket *request_by_hand(const char *text, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, -1, SC_PROTOCOL_MAX_PACKET, "request", error);
        const char *operation, *subject;
        JsonObject *options;
        if (object == NULL || !sc_json_get_string(object, "operation", SC_JSON_REQUIRED, &operation, error) ||
            !sc_json_get_string(object, "subject", SC_JSON_OPTIONAL, &subject, error) ||
            !sc_json_get_object(object, "options", SC_JSON_OPTIONAL, &options, error))
                return NULL;
        ScPacket *packet = sc_packet_new(SC_PACKET_REQUEST);
        packet->operation = g_strdup(operation);
        packet->subject = g_strdup(subject != NULL ? subject : "");
        /* {"fd":0} to {"fd":2} are ours. */
        packet->fds = g_new(int, STDERR_FILENO + 1);
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                packet->fds[packet->n_fds++] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (options != NULL) {
                g_clear_pointer(&packet->options, json_object_unref);
                packet->options = json_object_ref(options);
        }
        return packet;
}

/* One that was started before there is anything to do may wait for it, and be told to go instead. */
static bool wait_for_request(int socket, GCancellable *cancellable, GError **error)
{
        struct pollfd fds[] = {{.fd = socket, .events = POLLIN}, {.fd = g_cancellable_get_fd(cancellable), .events = POLLIN}};
        int r;
        do
                r = poll(fds, G_N_ELEMENTS(fds), -1);
        while (r < 0 && errno == EINTR);
        g_cancellable_release_fd(cancellable);
        return r < 0 ? sc_throw_errno(error, "Cannot wait for a request") : !sc_cancelled(cancellable, error);
}

static ScPacket *request_from_daemon(Channel *channel, GCancellable *cancellable, GError **error)
{
        int socket = channel->socket;
        struct stat st;
        if (fstat(socket, &st) < 0 || !S_ISSOCK(st.st_mode)) {
                sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                         "Standard input is no socket: sysconsd starts this program, or give a --request");
                return NULL;
        }
        if (!wait_for_request(socket, cancellable, error))
                return NULL;
        ScPacket *packet = NULL;
        bool again = false;
        int received = sc_packet_receive(socket, &packet, &again, error);
        if (received == 0) {
                sc_close(&channel->socket); /* nobody hears it */
                sc_throw(error, SC_ERROR_CANCELLED, "There is nothing to do: no request has come");
        }
        if (received > 0 && packet->type != SC_PACKET_REQUEST) {
                g_clear_pointer(&packet, sc_packet_free);
                sc_throw(error, SC_ERROR_CORRUPT, "The first packet is no request");
        }
        return packet;
}

static void take_environment(const ScPacket *request)
{
        GHashTableIter iter;
        gpointer name, value;
        g_hash_table_iter_init(&iter, request->environment);
        while (g_hash_table_iter_next(&iter, &name, &value))
                g_setenv(name, value, TRUE);
}

static bool run_request(ScOpContext *context, ScPacket *request, GError **error)
{
        take_environment(request);
        const ScOperation *operation = sc_operation_find(request->operation);
        if (operation == NULL)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "There is no operation '%.40s'", request->operation);
        context->job = request->job;
        context->subject = request->subject;
        context->options = request->options;
        context->fds = request->fds;
        context->n_fds = request->n_fds;
        g_autoptr(ScKeyring) keyring = sc_op_keyring(context, error);
        context->keyring = keyring;
        return keyring != NULL && operation->run(context, error);
}

static bool run(Channel *channel, const ScConfig *config, GCancellable *cancellable, const char *request_text, const char *recover,
                GHashTable *details, GError **error)
{
        ScReportSink sink = {.progress = send_progress, .message = send_message};
        g_autoptr(ScReport) report = sc_report_new(&sink, channel);
        g_autoptr(JsonObject) no_options = json_object_new();
        ScOpContext context = {
                .config = config,
                .report = report,
                .cancellable = cancellable,
                .subject = "",
                .options = no_options,
                .details = details,
        };
        if (recover != NULL)
                return sc_recover_all(&context, strcmp(recover, "boot") == 0 ? SC_RECOVER_BOOT : SC_RECOVER_NOW, error);
        g_autoptr(ScPacket) request = request_text != NULL ? request_by_hand(request_text, error)
                                                           : request_from_daemon(channel, cancellable, error);
        if (request == NULL || !run_request(&context, request, error))
                return false;
        send_result(channel, details);
        return true;
}

int main(int argc, char *argv[])
{
        g_autofree char *config_path = NULL;
        g_autofree char *request = NULL;
        g_autofree char *recover = NULL;
        gboolean user = FALSE, sysroot = FALSE, without_homes = FALSE, version = FALSE;
        const GOptionEntry entries[] = {
                {"user", 0, 0, G_OPTION_ARG_NONE, &user, "Work for this user, not for the system", NULL},
                {"config", 0, 0, G_OPTION_ARG_FILENAME, &config_path,
                 "Read this configuration instead of " SYSCONFDIR "/sysconsd.conf or ~/.config/sysconsd.conf", "FILE"},
                {"request", 0, 0, G_OPTION_ARG_STRING, &request, "Carry out this request, and print what comes of it", "JSON"},
                {"recover", 0, 0, G_OPTION_ARG_STRING, &recover, "Finish interrupted operations: at boot before services, or now",
                 "boot|now"},
                {"sysroot", 0, 0, G_OPTION_ARG_NONE, &sysroot, "Make a read-only /sysroot writable, for this process alone", NULL},
                {"without-homes", 0, 0, G_OPTION_ARG_NONE, &without_homes,
                 "Refuse what touches homes: they are hidden from this process", NULL},
                {"version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL},
                {0},
        };
        g_autoptr(GOptionContext) options = g_option_context_new(NULL);
        g_autoptr(GError) error = NULL;
        g_option_context_set_summary(options, "Carries out one operation of sysconsd; see sysconsd-worker(8).");
        g_option_context_add_main_entries(options, entries, NULL);
        if (!g_option_context_parse(options, &argc, &argv, &error) ||
            (recover != NULL && strcmp(recover, "boot") != 0 && strcmp(recover, "now") != 0)) {
                fprintf(stderr, "sysconsd-worker: %s\n", error != NULL ? error->message : "--recover is boot or now");
                return EXIT_USAGE;
        }
        if (version) {
                printf("sysconsd-worker " PACKAGE_VERSION "\n");
                return EXIT_SUCCESS;
        }

        umask(022);
        if (getpriority(PRIO_PROCESS, 0) > 0)
                sc_slice_set(LONG_SLICE);
        keep_memory();
        /* Each connection asks GIO's own resolver of proxies before it is given ours; the one of a desktop would load dconf and
         * libproxy, and end the process where it cannot read its schemas. */
        g_setenv("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);
        Channel channel = {.socket = -1, .by_hand = request != NULL || recover != NULL};
        if (!channel.by_hand) {
                /* Programs that we start must not inherit the socket as their standard input. */
                channel.socket = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
                sc_autofd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
                set_patience(channel.socket, PATIENCE);
                if (channel.socket < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0) {
                        fprintf(stderr, "sysconsd-worker: cannot take over standard input: %s\n", g_strerror(errno));
                        return EXIT_FAILURE;
                }
        }
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GHashTable) details = sc_string_map_new();
        g_autoptr(ScConfig) config = sc_config_load_for(user ? SC_SCOPE_USER : SC_SCOPE_SYSTEM, config_path, &error);
        if (config != NULL)
                config->homes_are_hidden = without_homes;
        /* before there are threads */
        bool ok = config != NULL && (!sysroot || sc_sysroot_open(&error)) && watch_signals(cancellable, &error) &&
                  run(&channel, config, cancellable, request, recover, details, &error);
        if (!ok)
                send_error(&channel, error, details);
        sc_close(&channel.socket);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
