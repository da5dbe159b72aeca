/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "wait.h"
#include "base/path.h"
#include "interrupt.h"
#include "screen.h"
#include "value.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* Signals of the job that overtake the answer with its path are kept until it is here; more than these cannot be. */
#define MAX_EARLY 1024
/* How often the line on the terminal is drawn again when nothing comes. */
#define REDRAW_USEC (G_USEC_PER_SEC / 2)

typedef struct {
        ScClient *client;
        ScScreen *screen;
        const char *actions; /* of the call */
        ScWaitFlags flags;
        ScStreams *streams; /* NULL: none */
        int undecided;      /* a signal that came before it was known whether the command runs; 0: none */
        GPtrArray *slots;   /* matches and calls on their way */
        char *daemon;       /* its unique name; NULL until it has answered. Others may send signals, too, and are not heard. */
        GQueue early;       /* of sd_bus_message */
        JsonObject *properties;
        ScOutcome *outcome;
        unsigned interrupts;
        bool ended; /* the outcome is complete, or there is an error */
        GError *error;
} Wait;

typedef sd_bus_message Message;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, sd_bus_message_unref)

static void slot_destroy(gpointer slot)
{
        sd_bus_slot_unref(slot);
}

static Wait *wait_new(ScClient *client, const char *actions, ScWaitFlags flags)
{
        Wait *wait = g_new0(Wait, 1);
        wait->client = client;
        wait->actions = actions;
        wait->flags = flags;
        wait->screen = sc_screen_new(client);
        wait->slots = g_ptr_array_new_with_free_func(slot_destroy);
        g_queue_init(&wait->early);
        wait->properties = json_object_new();
        wait->outcome = g_new0(ScOutcome, 1);
        wait->outcome->details = json_object_new();
        return wait;
}

static void message_destroy(gpointer message)
{
        sd_bus_message_unref(message);
}

static void wait_free(Wait *wait)
{
        g_ptr_array_unref(wait->slots);
        g_queue_clear_full(&wait->early, message_destroy);
        json_object_unref(wait->properties);
        sc_outcome_free(wait->outcome);
        sc_screen_free(wait->screen);
        g_clear_error(&wait->error);
        g_free(wait->daemon);
        g_free(wait);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wait, wait_free)

/* The first error counts. */
static void fail(Wait *wait, GError *error)
{
        if (wait->error == NULL)
                wait->error = error;
        else
                g_error_free(error);
        wait->ended = true;
}

static void fail_on(Wait *wait, int r, const char *what)
{
        GError *error = NULL;
        if (!sc_bus_check(r, what, &error))
                fail(wait, error);
}

static bool is_final(const char *state)
{
        static const char *const states[] = {"done", "failed", "cancelled", NULL};
        return g_strv_contains(states, state);
}

static void end(Wait *wait, const char *result)
{
        g_free(wait->outcome->result);
        wait->outcome->result = g_strdup(result);
        wait->ended = true;
}

/* The phase of a job whose command has its input and output. */
static bool is_command_running(Wait *wait)
{
        return wait->streams != NULL && strcmp(sc_value_string(wait->properties, "Phase"), "Running") == 0;
}

static void show_progress(Wait *wait)
{
        if (is_command_running(wait)) {
                sc_screen_leave(wait->screen);
                sc_streams_started(wait->streams);
        }
        sc_screen_progress(wait->screen, sc_value_string(wait->properties, "Phase"),
                           (guint64)sc_value_int(wait->properties, "Done"), (guint64)sc_value_int(wait->properties, "Total"));
        /* The caller may leave once the job has started; nobody waits for more. */
        const char *state = sc_value_string(wait->properties, "State");
        if (wait->client->no_wait && state[0] != '\0' && strcmp(state, "queued") != 0 && !is_final(state))
                wait->ended = true;
}

static void take_properties(Wait *wait, sd_bus_message *message)
{
        JsonObject *changed;
        int r = sc_value_read_object(message, &changed);
        if (r < 0) {
                fail_on(wait, r, "The properties of the job cannot be read");
                return;
        }
        JsonObjectIter iter;
        const char *name;
        JsonNode *node;
        json_object_iter_init(&iter, changed);
        while (json_object_iter_next(&iter, &name, &node))
                json_object_set_member(wait->properties, name, json_node_copy(node));
        json_object_unref(changed);
        show_progress(wait);
}

static void on_finished(Wait *wait, sd_bus_message *message)
{
        const char *result;
        int r = sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &result);
        JsonObject *details = NULL;
        if (r > 0)
                r = sc_value_read_object(message, &details);
        if (r < 0) {
                fail_on(wait, r, "The result of the job cannot be read");
                return;
        }
        json_object_unref(wait->outcome->details);
        wait->outcome->details = details;
        end(wait, result);
}

static void on_job_signal(Wait *wait, sd_bus_message *message)
{
        if (wait->ended || g_strcmp0(sd_bus_message_get_sender(message), wait->daemon) != 0 ||
            g_strcmp0(sd_bus_message_get_path(message), wait->outcome->path) != 0)
                return;
        if (sd_bus_message_is_signal(message, SC_BUS_JOB, "Log")) {
                const char *line;
                if (sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &line) > 0)
                        sc_screen_message(wait->screen, line);
        } else if (sd_bus_message_is_signal(message, SC_BUS_JOB, "Finished")) {
                on_finished(wait, message);
        } else if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Properties", "PropertiesChanged")) {
                if (sd_bus_message_skip(message, "s") > 0)
                        take_properties(wait, message);
        }
}

static int receive_signal(sd_bus_message *message, void *data, sd_bus_error *bus_error)
{
        Wait *wait = data;
        if (wait->daemon != NULL)
                on_job_signal(wait, message);
        else if (g_queue_get_length(&wait->early) < MAX_EARLY)
                g_queue_push_tail(&wait->early, sd_bus_message_ref(message));
        return 0;
}

static int receive_owner(sd_bus_message *message, void *data, sd_bus_error *bus_error)
{
        Wait *wait = data;
        const char *name, *old_owner, *new_owner;
        /* Anybody may send such a signal to us, and sd-bus takes it for the bus's. */
        if (g_strcmp0(sd_bus_message_get_sender(message), "org.freedesktop.DBus") != 0)
                return 0;
        if (sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) < 0 || wait->daemon == NULL || wait->ended ||
            strcmp(old_owner, wait->daemon) != 0)
                return 0;
        GError *error = NULL;
        sc_exit_throw(&error, SC_EXIT_GONE,
                      "sysconsd went away while job %" G_GUINT64_FORMAT
                      " was running; ask for it with `sysconsctl show --type=job %" G_GUINT64_FORMAT "` or `sysconsctl jobs`",
                      wait->outcome->number, wait->outcome->number);
        fail(wait, error);
        return 0;
}

static void fail_by_reply(Wait *wait, sd_bus_message *reply, const char *actions)
{
        GError *error = NULL;
        sc_bus_throw(sd_bus_message_get_error(reply), actions, &error);
        fail(wait, error);
}

/* What the signal Finished would have told. */
static void take_error_property(Wait *wait)
{
        JsonNode *node = json_object_get_member(wait->properties, "Error");
        if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node) || json_array_get_length(json_node_get_array(node)) != 2)
                return;
        static const char *const keys[] = {"error-name", "error-message"};
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                const char *text = json_array_get_string_element(json_node_get_array(node), i);
                if (text != NULL && text[0] != '\0')
                        json_object_set_string_member(wait->outcome->details, keys[i], text);
        }
}

static void replay_early(Wait *wait)
{
        sd_bus_message *message;
        while (!wait->ended && (message = g_queue_pop_head(&wait->early)) != NULL) {
                on_job_signal(wait, message);
                sd_bus_message_unref(message);
        }
}

static void call_job(Wait *wait, const char *interface, const char *member, const char *argument, sd_bus_message_handler_t handler)
{
        GError *error = NULL;
        sd_bus_message *call;
        if (!sc_call_new(wait->client, wait->outcome->path, interface, member, argument, &call, &error)) {
                fail(wait, error);
                return;
        }
        sd_bus_slot *slot = NULL;
        int r = argument == NULL ? sd_bus_message_append(call, "a{sv}", 0) : 0;
        if (r >= 0)
                r = sd_bus_call_async(wait->client->bus, &slot, call, handler, wait, SC_CALL_TIMEOUT_USEC);
        sd_bus_message_unref(call);
        if (slot != NULL)
                g_ptr_array_add(wait->slots, slot);
        fail_on(wait, r, member);
}

static int receive_cancel(sd_bus_message *reply, void *data, sd_bus_error *bus_error)
{
        Wait *wait = data;
        if (wait->ended || !sd_bus_message_is_method_error(reply, NULL))
                return 0;
        GError *error = NULL;
        sc_bus_throw(sd_bus_message_get_error(reply), "org.sysconsd1.cancel", &error);
        if (wait->flags == SC_WAIT_CANCEL) {
                fail(wait, error);
                return 0;
        }
        sc_screen_note(wait->screen, "Job %" G_GUINT64_FORMAT " cannot be cancelled: %s", wait->outcome->number, error->message);
        g_error_free(error);
        return 0;
}

/* By now every signal that the daemon sent before this answer is here, so a job that ended without one ended before the matches
 * were set. */
static int receive_properties(sd_bus_message *reply, void *data, sd_bus_error *bus_error)
{
        Wait *wait = data;
        if (wait->ended)
                return 0;
        if (sd_bus_message_is_method_error(reply, NULL)) {
                if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_OBJECT)) {
                        GError *error = NULL;
                        sc_job_throw_unknown(wait->outcome->path, &error);
                        fail(wait, error);
                } else {
                        fail_by_reply(wait, reply, NULL);
                }
                return 0;
        }
        if (wait->daemon == NULL) {
                wait->daemon = g_strdup(sd_bus_message_get_sender(reply));
                replay_early(wait);
        }
        if (!wait->ended)
                take_properties(wait, reply);
        if (wait->ended)
                return 0;
        const char *state = sc_value_string(wait->properties, "State");
        if (is_final(state)) {
                take_error_property(wait);
                end(wait, state);
        } else if (wait->flags == SC_WAIT_CANCEL) {
                call_job(wait, SC_BUS_JOB, "Cancel", NULL, receive_cancel);
        }
        return 0;
}

static void attach(Wait *wait, const char *path)
{
        wait->outcome->path = g_strdup(path);
        wait->outcome->number = sc_job_number(path);
        call_job(wait, "org.freedesktop.DBus.Properties", "GetAll", SC_BUS_JOB, receive_properties);
}

static int receive_job(sd_bus_message *reply, void *data, sd_bus_error *bus_error)
{
        Wait *wait = data;
        if (sd_bus_message_is_method_error(reply, NULL)) {
                fail_by_reply(wait, reply, wait->actions);
                return 0;
        }
        const char *path;
        int r = sd_bus_message_read_basic(reply, SD_BUS_TYPE_OBJECT_PATH, &path);
        if (r <= 0) {
                fail_on(wait, r < 0 ? r : -EBADMSG, "The answer of sysconsd cannot be read");
                return 0;
        }
        wait->daemon = g_strdup(sd_bus_message_get_sender(reply));
        attach(wait, path);
        replay_early(wait);
        return 0;
}

static bool add_match(Wait *wait, const char *match, sd_bus_message_handler_t handler, GError **error)
{
        sd_bus_slot *slot = NULL;
        /* The bus works through what it is sent in turn: the call goes behind the match. */
        int r = sd_bus_add_match_async(wait->client->bus, &slot, match, handler, NULL, wait);
        if (r >= 0)
                g_ptr_array_add(wait->slots, slot);
        return sc_bus_check(r, "Cannot listen to sysconsd", error);
}

static bool add_matches(Wait *wait, GError **error)
{
        return add_match(wait, "type='signal',sender='" SC_BUS_NAME "',interface='" SC_BUS_JOB "'", receive_signal, error) &&
               add_match(wait,
                         "type='signal',sender='" SC_BUS_NAME
                         "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
                         "path_namespace='" SC_BUS_ROOT "/job',arg0='" SC_BUS_JOB "'",
                         receive_signal, error) &&
               add_match(
                       wait,
                       "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                       "member='NameOwnerChanged',arg0='" SC_BUS_NAME "'",
                       receive_owner, error);
}

static void left(Wait *wait)
{
        GError *error = NULL;
        sc_exit_throw(&error, SC_EXIT_INTERRUPTED, "Left job %" G_GUINT64_FORMAT " to itself; `sysconsctl jobs` shows it",
                      wait->outcome->number);
        fail(wait, error);
}

static void interrupted(Wait *wait)
{
        GError *error = NULL;
        wait->interrupts++;
        if (wait->outcome->path == NULL) {
                sc_exit_throw(&error, SC_EXIT_INTERRUPTED, "Interrupted before sysconsd had answered");
                fail(wait, error);
                return;
        }
        if (wait->interrupts > 1 || wait->flags == SC_WAIT_CANCEL) {
                left(wait);
                return;
        }
        sc_screen_note(wait->screen, "Cancelling job %" G_GUINT64_FORMAT "; once more, and it is left to itself",
                       wait->outcome->number);
        call_job(wait, SC_BUS_JOB, "Cancel", NULL, receive_cancel);
}

static void take_signal(Wait *wait, int number)
{
        bool cancels = number == SIGINT || number == SIGTERM;
        /* Before it is known that the command runs, what does not cancel the job waits for it: left alone, it would have nobody to
         * talk to. */
        if (wait->streams != NULL && (sc_streams_are_started(wait->streams) || !cancels) &&
            sc_streams_signal(wait->streams, number))
                return;
        if (cancels)
                interrupted(wait);
        else
                left(wait);
}

static int receive_phase(sd_bus_message *reply, void *data, sd_bus_error *bus_error)
{
        Wait *wait = data;
        int number = wait->undecided;
        wait->undecided = 0;
        if (wait->ended)
                return 0;
        if (!sd_bus_message_is_method_error(reply, NULL))
                take_properties(wait, reply);
        if (!wait->ended)
                take_signal(wait, number);
        return 0;
}

/* What sysconsd tells of progress comes a tenth of a second late at times: a signal that comes in between is for the command. */
static void decide(Wait *wait, int number)
{
        if (wait->streams == NULL || sc_streams_are_started(wait->streams) || wait->outcome->path == NULL || wait->undecided != 0) {
                take_signal(wait, number);
                return;
        }
        wait->undecided = number;
        call_job(wait, "org.freedesktop.DBus.Properties", "GetAll", SC_BUS_JOB, receive_phase);
}

static void take_signals(Wait *wait, ScInterrupt *interrupt)
{
        int number;
        for (;;) {
                switch (sc_interrupt_read(interrupt, &number)) {
                case SC_INTERRUPT_NONE:
                        return;
                case SC_INTERRUPT_LEAVE:
                        if (!wait->ended)
                                decide(wait, number);
                        break;
                case SC_INTERRUPT_RESIZED:
                        sc_screen_redraw(wait->screen);
                        if (wait->streams != NULL)
                                sc_streams_resized(wait->streams);
                        break;
                }
        }
}

static int poll_timeout(Wait *wait)
{
        guint64 until;
        if (sd_bus_get_timeout(wait->client->bus, &until) < 0)
                until = 0;
        gint64 now = g_get_monotonic_time();
        gint64 left = until >= (guint64)G_MAXINT64 ? G_MAXINT64 : MAX((gint64)until - now, 0);
        if (sc_screen_is_live(wait->screen))
                left = MIN(left, REDRAW_USEC);
        return left == G_MAXINT64 ? -1 : (int)MIN((left + 999) / 1000, G_MAXINT);
}

static void wait_for_more(Wait *wait, ScInterrupt *interrupt)
{
        int events = sd_bus_get_events(wait->client->bus), fd = sd_bus_get_fd(wait->client->bus);
        if (events < 0 || fd < 0) {
                fail_on(wait, events < 0 ? events : fd, "The bus");
                return;
        }
        struct pollfd fds[2 + SC_STREAMS_MAX_FDS] = {{.fd = fd, .events = (short)events},
                                                     {.fd = sc_interrupt_fd(interrupt), .events = POLLIN}};
        nfds_t n_fds = 2;
        if (wait->streams != NULL) {
                sc_streams_poll(wait->streams, fds + n_fds);
                n_fds += SC_STREAMS_MAX_FDS;
        }
        int n = poll(fds, n_fds, poll_timeout(wait));
        if (n < 0 && errno != EINTR)
                fail_on(wait, -errno, "Cannot wait for the job");
        if (n == 0)
                sc_screen_redraw(wait->screen);
        if (n > 0 && wait->streams != NULL)
                sc_streams_advance(wait->streams, fds + 2);
        take_signals(wait, interrupt);
}

static void lost(Wait *wait)
{
        GError *error = NULL;
        if (wait->outcome->path != NULL)
                sc_exit_throw(&error, SC_EXIT_GONE,
                              "The connection to the bus is lost; job %" G_GUINT64_FORMAT
                              " goes on: ask for it with `sysconsctl jobs`",
                              wait->outcome->number);
        else
                sc_exit_throw(&error, SC_EXIT_GONE, "The connection to the bus%s%s is lost",
                              wait->client->host != NULL ? " of " : "", wait->client->host != NULL ? wait->client->host : "");
        fail(wait, error);
}

static bool run(Wait *wait, ScInterrupt *interrupt, ScOutcome **ret, GError **error)
{
        while (!wait->ended) {
                int r = sd_bus_process(wait->client->bus, NULL);
                if (r < 0)
                        lost(wait);
                else if (r == 0)
                        wait_for_more(wait, interrupt);
        }
        if (wait->streams != NULL)
                sc_streams_finish(wait->streams);
        if (wait->error != NULL) {
                g_propagate_error(error, g_steal_pointer(&wait->error));
                return false;
        }
        wait->outcome->operation = g_strdup(sc_value_string(wait->properties, "Operation"));
        wait->outcome->subject = g_strdup(sc_value_string(wait->properties, "Subject"));
        *ret = g_steal_pointer(&wait->outcome);
        return true;
}

bool sc_wait_call(ScClient *client, sd_bus_message *call, const char *actions, ScStreams *streams, ScOutcome **ret, GError **error)
{
        g_autoptr(Message) taken = call;
        sc_client_prepare_authorization(client);
        g_autoptr(ScInterrupt) interrupt = sc_interrupt_new(streams != NULL ? SC_INTERRUPT_OF_COMMAND : SC_INTERRUPT_OWN, error);
        if (interrupt == NULL)
                return false;
        g_autoptr(Wait) wait = wait_new(client, actions, SC_WAIT_ONLY);
        wait->streams = streams;
        if (!add_matches(wait, error))
                return false;
        sd_bus_slot *slot = NULL;
        int r = sd_bus_call_async(client->bus, &slot, call, receive_job, wait, SC_CALL_TIMEOUT_USEC);
        if (!sc_bus_check(r, sd_bus_message_get_member(call), error))
                return false;
        /* Its descriptors are the command's: as long as it is here they do not end. */
        g_clear_pointer(&taken, sd_bus_message_unref);
        g_ptr_array_add(wait->slots, slot);
        return run(wait, interrupt, ret, error);
}

bool sc_wait_job(ScClient *client, const char *path, ScWaitFlags flags, ScOutcome **ret, GError **error)
{
        if (!sc_client_connect(client, error))
                return false;
        if (flags == SC_WAIT_CANCEL)
                sc_client_prepare_authorization(client);
        g_autoptr(ScInterrupt) interrupt = sc_interrupt_new(SC_INTERRUPT_OWN, error);
        if (interrupt == NULL)
                return false;
        g_autoptr(Wait) wait = wait_new(client, NULL, flags);
        if (!add_matches(wait, error))
                return false;
        attach(wait, path);
        return run(wait, interrupt, ret, error);
}
