/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for a job, on a real bus, with a stand-in for sysconsd that misbehaves in every way that a real one should not. The image
 * that is pulled says how. */

#include "test.h"
#include "interrupt.h"
#include "value.h"
#include "wait.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB "/org/sysconsd1/job/7"

typedef struct {
        char *folder;
        GPid bus;
        pid_t daemon;
        ScClient client;
} Fixture;

typedef struct {
        sd_bus *bus;
        char *client; /* its unique name */
        char *image;
        pid_t waits; /* the process in which the client is */
} Daemon;

static sd_bus *connect_bus(void)
{
        sd_bus *bus = NULL;
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_address(bus, g_getenv("DBUS_SYSTEM_BUS_ADDRESS")), 0);
        ck_assert_int_ge(sd_bus_set_bus_client(bus, 1), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        return bus;
}

static void emit_finished(sd_bus *bus, const char *destination, const char *result, const char *key, const char *value)
{
        sd_bus_message *signal_message = NULL;
        ck_assert_int_ge(sd_bus_message_new_signal(bus, &signal_message, JOB, SC_BUS_JOB, "Finished"), 0);
        if (destination != NULL)
                ck_assert_int_ge(sd_bus_message_set_destination(signal_message, destination), 0);
        ck_assert_int_ge(sd_bus_message_append(signal_message, "sa{sv}", result, 1, key, "s", value), 0);
        ck_assert_int_ge(sd_bus_send(bus, signal_message, NULL), 0);
        ck_assert_int_ge(sd_bus_flush(bus), 0);
        sd_bus_message_unref(signal_message);
}

/* As the bus would say that the daemon has gone. */
static void emit_owner_lost(sd_bus *bus, const Daemon *daemon)
{
        const char *owner;
        sd_bus_message *message = NULL;
        ck_assert_int_ge(sd_bus_get_unique_name(daemon->bus, &owner), 0);
        ck_assert_int_ge(
                sd_bus_message_new_signal(bus, &message, "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged"), 0);
        ck_assert_int_ge(sd_bus_message_set_destination(message, daemon->client), 0);
        ck_assert_int_ge(sd_bus_message_append(message, "sss", SC_BUS_NAME, owner, ""), 0);
        ck_assert_int_ge(sd_bus_send(bus, message, NULL), 0);
        ck_assert_int_ge(sd_bus_flush(bus), 0);
        sd_bus_message_unref(message);
}

static void emit_state(Daemon *daemon, const char *state)
{
        ck_assert_int_ge(sd_bus_emit_signal(daemon->bus, JOB, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                                            SC_BUS_JOB, 1, "State", "s", state, 0),
                         0);
}

static bool is(const Daemon *daemon, const char *image)
{
        return g_strcmp0(daemon->image, image) == 0;
}

/* Once it has ended its parent is somebody else. */
static void interrupt(const Daemon *daemon)
{
        if (getppid() == daemon->waits)
                kill(daemon->waits, SIGINT);
}

static int serve_pull(Daemon *daemon, sd_bus_message *call)
{
        const char *image;
        ck_assert_int_ge(sd_bus_message_read(call, "s", &image), 0);
        daemon->image = g_strdup(image);
        daemon->client = g_strdup(sd_bus_message_get_sender(call));
        if (is(daemon, "refused"))
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                                  "Interactive authentication required.");
        if (is(daemon, "early"))
                emit_finished(daemon->bus, NULL, "done", "image", "before the reply");
        if (is(daemon, "silent")) {
                interrupt(daemon);
                return 1; /* there is no answer */
        }
        return sd_bus_reply_method_return(call, "o", JOB);
}

/* The client asks for the properties once it knows the job's path: the moment at which things happen. */
static int serve_properties(Daemon *daemon, sd_bus_message *call)
{
        const char *state = is(daemon, "ended") || is(daemon, "missing") ? "failed" : is(daemon, "queued") ? "queued" : "running";
        const char *name = is(daemon, "ended")     ? "org.sysconsd1.Error.Network"
                           : is(daemon, "missing") ? "org.sysconsd1.Error.NotFound"
                                                   : "";
        const char *message = is(daemon, "ended") ? "it failed long ago" : is(daemon, "missing") ? "it is not in the registry" : "";
        int r = sd_bus_reply_method_return(call, "a{sv}", 4, "Operation", "s", "pull", "Subject", "s", "image", "State", "s", state,
                                           "Error", "(ss)", name, message);
        if (is(daemon, "steady")) {
                emit_state(daemon, "done");
                emit_finished(daemon->bus, NULL, "done", "image", "steady");
        } else if (is(daemon, "failing")) {
                emit_finished(daemon->bus, NULL, "failed", "error-message", "connection refused");
        } else if (is(daemon, "forged")) {
                sd_bus *stranger = connect_bus();
                emit_owner_lost(stranger, daemon);
                emit_finished(stranger, daemon->client, "done", "image", "forged");
                sd_bus_close_unref(stranger);
                emit_finished(daemon->bus, NULL, "failed", "error-message", "the truth");
        } else if (is(daemon, "vanishing")) {
                sd_bus_flush(daemon->bus);
                _exit(0);
        } else if (is(daemon, "queued")) {
                emit_state(daemon, "running");
        } else if (is(daemon, "cancelled") || is(daemon, "stubborn")) {
                ck_assert_int_ge(sd_bus_flush(daemon->bus), 0);
                interrupt(daemon);
        }
        return r;
}

static int serve_cancel(Daemon *daemon, sd_bus_message *call)
{
        int r = sd_bus_reply_method_return(call, NULL);
        if (is(daemon, "stubborn"))
                interrupt(daemon);
        else
                emit_finished(daemon->bus, NULL, "cancelled", "image", "cancelled");
        return r;
}

static int serve(sd_bus_message *call, void *data, sd_bus_error *error)
{
        Daemon *daemon = data;
        if (sd_bus_message_is_method_call(call, SC_BUS_MANAGER, "Pull"))
                return serve_pull(daemon, call);
        if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "GetAll"))
                return g_strcmp0(sd_bus_message_get_path(call), JOB) == 0 ? serve_properties(daemon, call) : 0;
        if (sd_bus_message_is_method_call(call, SC_BUS_JOB, "Cancel"))
                return serve_cancel(daemon, call);
        return 0;
}

static void run_daemon(int ready_fd, pid_t waits)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        Daemon daemon = {.bus = connect_bus(), .waits = waits};
        ck_assert_int_ge(sd_bus_add_filter(daemon.bus, NULL, serve, &daemon), 0);
        ck_assert_int_ge(sd_bus_request_name(daemon.bus, SC_BUS_NAME, 0), 0);
        ck_assert_int_eq(write(ready_fd, "", 1), 1);
        for (;;) {
                int r = sd_bus_process(daemon.bus, NULL);
                if (r < 0 || (r == 0 && sd_bus_wait(daemon.bus, UINT64_MAX) < 0))
                        _exit(1);
        }
}

static void start_bus(Fixture *fixture)
{
        fixture->folder = test_folder_new();
        g_autofree char *config = g_build_filename(fixture->folder, "bus.conf", NULL);
        g_autofree char *text = g_strdup_printf(
                "<busconfig><type>session</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
                "<policy context='default'><allow send_destination='*'/><allow eavesdrop='true'/><allow "
                "own='*'/></policy></busconfig>",
                fixture->folder);
        ck_assert(g_file_set_contents(config, text, -1, NULL));
        g_autofree char *option = g_strconcat("--config-file=", config, NULL);
        char *argv[] = {(char *)"dbus-daemon", option, (char *)"--nofork", (char *)"--nopidfile", (char *)"--print-address", NULL};
        int output;
        GError *error = NULL;
        ck_assert_msg(g_spawn_async_with_pipes(NULL, argv, NULL,
                                               G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                                               NULL, &fixture->bus, NULL, &output, NULL, &error),
                      "%s", error != NULL ? error->message : "");
        /* It listens when it has printed its address. */
        FILE *stream = fdopen(output, "r");
        char line[1024];
        ck_assert_ptr_nonnull(fgets(line, sizeof line, stream));
        fclose(stream);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_strchomp(line), TRUE);
}

static void start_daemon(Fixture *fixture)
{
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t test = getpid();
        fixture->daemon = fork();
        ck_assert_int_ge(fixture->daemon, 0);
        if (fixture->daemon == 0)
                run_daemon(ends[1], test);
        close(ends[1]);
        char byte;
        ck_assert_int_eq(read(ends[0], &byte, 1), 1);
        close(ends[0]);
}

static Fixture fixture;

static void set_up(void)
{
        fixture = (Fixture){.client = {.quiet = TRUE, .no_ask_password = TRUE}};
        start_bus(&fixture);
        start_daemon(&fixture);
}

static void stop_daemon(void)
{
        kill(fixture.daemon, SIGKILL);
        ck_assert_int_eq(waitpid(fixture.daemon, NULL, 0), fixture.daemon);
        fixture.daemon = 0;
}

static void tear_down(void)
{
        sc_client_close(&fixture.client);
        if (fixture.daemon != 0)
                stop_daemon();
        kill(fixture.bus, SIGKILL);
        ck_assert_int_eq(waitpid(fixture.bus, NULL, 0), fixture.bus);
        test_folder_remove(fixture.folder);
}

static ScOutcome *pull(const char *image, GError **error)
{
        sd_bus_message *call = NULL;
        ScOutcome *outcome = NULL;
        ck_assert(sc_call_new(&fixture.client, SC_BUS_ROOT, SC_BUS_MANAGER, "Pull", image, &call, error));
        ck_assert(sc_call_open_options(call, error) && sc_call_close_options(call, error));
        bool ok = sc_wait_call(&fixture.client, call, "org.sysconsd1.pull", NULL, &outcome, error);
        ck_assert(ok == (outcome != NULL) && ok == (*error == NULL));
        return outcome;
}

static void check_error(GError *error, ScExit code, const char *part)
{
        ck_assert_ptr_nonnull(error);
        ck_assert_uint_eq(error->domain, SC_EXIT);
        ck_assert_int_eq(error->code, (int)code);
        ck_assert_msg(strstr(error->message, part) != NULL, "message lacks '%s': %s", part, error->message);
        g_error_free(error);
}

static void check_outcome(const char *image, const char *result, const char *key, const char *value)
{
        GError *error = NULL;
        g_autoptr(ScOutcome) outcome = pull(image, &error);
        ck_assert_no_error(error);
        ck_assert_pstr_eq(outcome->result, result);
        ck_assert_uint_eq(outcome->number, 7);
        ck_assert_str_eq(outcome->path, JOB);
        ck_assert_str_eq(sc_value_string(outcome->details, key), value);
        if (strcmp(result, "done") == 0)
                ck_assert(sc_outcome_check(outcome, &error));
        else
                ck_assert(!sc_outcome_check(outcome, &error));
        if (error != NULL)
                check_error(error, strcmp(result, "failed") == 0 ? SC_EXIT_FAILED : SC_EXIT_INTERRUPTED,
                            strcmp(result, "failed") == 0 ? value : "cancelled");
}

START_TEST(done)
{
        check_outcome("steady", "done", "image", "steady");
}
END_TEST

START_TEST(failed)
{
        check_outcome("failing", "failed", "error-message", "connection refused");
}
END_TEST

START_TEST(not_found)
{
        GError *error = NULL;
        g_autoptr(ScOutcome) outcome = pull("missing", &error);
        ck_assert_no_error(error);
        ck_assert(!sc_outcome_check(outcome, &error));
        check_error(error, SC_EXIT_NOT_FOUND, "is not in the registry");
        g_autoptr(JsonNode) node = sc_outcome_to_json(outcome);
        JsonObject *object = json_node_get_object(node);
        ck_assert_int_eq(sc_value_int(object, "job"), 7);
        ck_assert_str_eq(sc_value_string(object, "operation"), "pull");
        ck_assert_str_eq(sc_value_string(object, "result"), "failed");
        ck_assert_str_eq(sc_value_string(json_object_get_object_member(object, "details"), "error-message"),
                         "it is not in the registry");
}
END_TEST

START_TEST(end_overtakes_the_reply)
{
        check_outcome("early", "done", "image", "before the reply");
}
END_TEST

START_TEST(ended_before_we_listened)
{
        check_outcome("ended", "failed", "error-message", "it failed long ago");
}
END_TEST

START_TEST(strangers_are_not_heard)
{
        check_outcome("forged", "failed", "error-message", "the truth");
}
END_TEST

START_TEST(interrupt_cancels)
{
        check_outcome("cancelled", "cancelled", "image", "cancelled");
}
END_TEST

static gpointer sleep_on(gpointer nothing)
{
        for (;;)
                pause();
        return NULL;
}

/* GIO's threads, once there, block nothing: that must not make a signal deadly. */
START_TEST(interrupt_beside_a_thread)
{
        g_thread_unref(g_thread_new("idle", sleep_on, NULL));
        check_outcome("cancelled", "cancelled", "image", "cancelled");
}
END_TEST

START_TEST(second_interrupt_leaves)
{
        GError *error = NULL;
        ck_assert_ptr_null(pull("stubborn", &error));
        check_error(error, SC_EXIT_INTERRUPTED, "job 7");
}
END_TEST

START_TEST(interrupt_before_the_reply_leaves)
{
        GError *error = NULL;
        ck_assert_ptr_null(pull("silent", &error));
        check_error(error, SC_EXIT_INTERRUPTED, "before");
}
END_TEST

START_TEST(daemon_vanishes)
{
        GError *error = NULL;
        ck_assert_ptr_null(pull("vanishing", &error));
        check_error(error, SC_EXIT_GONE, "job 7");
}
END_TEST

START_TEST(bus_vanishes)
{
        GError *error = NULL;
        sd_bus_message *call = NULL;
        ScOutcome *outcome = NULL;
        ck_assert(sc_call_new(&fixture.client, SC_BUS_ROOT, SC_BUS_MANAGER, "Prune", NULL, &call, &error));
        ck_assert(sc_call_open_options(call, &error) && sc_call_close_options(call, &error));
        kill(fixture.bus, SIGKILL);
        ck_assert(!sc_wait_call(&fixture.client, call, NULL, NULL, &outcome, &error));
        check_error(error, SC_EXIT_GONE, "");
}
END_TEST

START_TEST(nobody_there)
{
        GError *error = NULL;
        stop_daemon();
        ck_assert_ptr_null(pull("steady", &error));
        check_error(error, SC_EXIT_GONE, "installed");
}
END_TEST

START_TEST(not_authorized)
{
        GError *error = NULL;
        ck_assert_ptr_null(pull("refused", &error));
        check_error(error, SC_EXIT_REFUSED, "org.sysconsd1.pull");
}
END_TEST

START_TEST(no_wait_leaves_once_it_runs)
{
        GError *error = NULL;
        fixture.client.no_wait = TRUE;
        g_autoptr(ScOutcome) outcome = pull("queued", &error);
        ck_assert_no_error(error);
        ck_assert_ptr_null(outcome->result);
        ck_assert_uint_eq(outcome->number, 7);
        ck_assert(sc_outcome_check(outcome, &error));
}
END_TEST

START_TEST(cancel_by_number)
{
        GError *error = NULL;
        ScOutcome *outcome = NULL;
        ck_assert(sc_wait_job(&fixture.client, JOB, SC_WAIT_CANCEL, &outcome, &error));
        ck_assert_pstr_eq(outcome->result, "cancelled");
        sc_outcome_free(outcome);
}
END_TEST

START_TEST(numbers_of_jobs)
{
        GError *error = NULL;
        g_autofree char *path = NULL, *other = NULL, *none = NULL;
        ck_assert(sc_job_path("7", &path, &error));
        ck_assert_str_eq(path, JOB);
        ck_assert_uint_eq(sc_job_number(JOB), 7);
        ck_assert_uint_eq(sc_job_number("/org/sysconsd1/image/7"), 0);
        ScOutcome *outcome = NULL;
        ck_assert(sc_job_path("81", &other, &error));
        ck_assert(!sc_wait_job(&fixture.client, other, SC_WAIT_ONLY, &outcome, &error));
        check_error(g_steal_pointer(&error), SC_EXIT_NOT_FOUND, "Job 81");
        static const char *const bad[] = {"", "-1", "seven", "18446744073709551616", JOB};
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                ck_assert(!sc_job_path(bad[i], &none, &error));
                check_error(g_steal_pointer(&error), SC_EXIT_USAGE, bad[i]);
        }
        ck_assert_ptr_null(none);
}
END_TEST

/* Of a process that has listened to signals, got one, and read none: how it ends. */
static int end_of_listener(bool ignores)
{
        pid_t child = fork();
        if (child == 0) {
                signal(SIGTERM, ignores ? SIG_IGN : SIG_DFL);
                ScInterrupt *interrupt = sc_interrupt_new(SC_INTERRUPT_OWN, NULL);
                raise(SIGWINCH);
                raise(SIGTERM);
                sc_interrupt_free(interrupt);
                _exit(0);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        return status;
}

/* Ctrl-C between two waits is not lost. */
START_TEST(unread_signal_ends)
{
        int status = end_of_listener(false);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
END_TEST

/* Under nohup, say. */
START_TEST(ignored_signal_stays_ignored)
{
        ck_assert_int_eq(end_of_listener(true), 0);
}
END_TEST

START_TEST(listens_again)
{
        for (guint i = 0; i < 3; i++) {
                g_autoptr(ScInterrupt) interrupt = sc_interrupt_new(SC_INTERRUPT_OWN, NULL);
                int number = 0;
                ck_assert_int_eq(sc_interrupt_read(interrupt, &number), SC_INTERRUPT_NONE);
                raise(SIGINT);
                raise(SIGWINCH);
                ck_assert_int_eq(sc_interrupt_read(interrupt, &number), SC_INTERRUPT_LEAVE);
                ck_assert_int_eq(number, SIGINT);
                ck_assert_int_eq(sc_interrupt_read(interrupt, &number), SC_INTERRUPT_RESIZED);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("client-wait");
        TCase *tcase = tcase_create("all");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, done);
        tcase_add_test(tcase, failed);
        tcase_add_test(tcase, not_found);
        tcase_add_test(tcase, end_overtakes_the_reply);
        tcase_add_test(tcase, ended_before_we_listened);
        tcase_add_test(tcase, strangers_are_not_heard);
        tcase_add_test(tcase, interrupt_cancels);
        tcase_add_test(tcase, interrupt_beside_a_thread);
        tcase_add_test(tcase, second_interrupt_leaves);
        tcase_add_test(tcase, interrupt_before_the_reply_leaves);
        tcase_add_test(tcase, daemon_vanishes);
        tcase_add_test(tcase, bus_vanishes);
        tcase_add_test(tcase, nobody_there);
        tcase_add_test(tcase, not_authorized);
        tcase_add_test(tcase, no_wait_leaves_once_it_runs);
        tcase_add_test(tcase, cancel_by_number);
        tcase_add_test(tcase, numbers_of_jobs);
        suite_add_tcase(suite, tcase);
        TCase *signals = tcase_create("signals");
        tcase_add_test(signals, unread_signal_ends);
        tcase_add_test(signals, ignored_signal_stays_ignored);
        tcase_add_test(signals, listens_again);
        suite_add_tcase(suite, signals);
        return test_run(suite);
}
