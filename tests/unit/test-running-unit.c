/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A worker's unit, with a stand-in for systemd at the other end of the bus that answers as it is told to, or not at all. */

#include "base/path.h"
#include "job/running-unit.h"
#include "test.h"
#include <sys/socket.h>
#include <unistd.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define UNIT_PATH "/org/freedesktop/systemd1/unit/sysconsd_2djob_2d7_2eservice"

#define LOST "lost" /* there is no answer yet */
#define BUS(name) "org.freedesktop.DBus.Error." name
#define NO_SUCH_UNIT SYSTEMD ".NoSuchUnit"

typedef struct {
        sd_bus *bus, *systemd; /* the two ends */
        ScWorkers workers;
        ScJob *job;
        ScRunningUnit *unit;
        const char *const *answers; /* to the calls that follow: "": it is done; or the name of an error */
        GString *calls;             /* that came, a letter each: Start, Get, stop (X) */
        ScWorkerTrace trace;
        guint gone;
        char *not_started;
        bool was_told;
        int other_end; /* of the worker's socket pair */
} Fixture;

static int serve(sd_bus_message *call, void *data, sd_bus_error *ret_error)
{
        Fixture *fixture = data;
        uint8_t type;
        ck_assert_int_ge(sd_bus_message_get_type(call, &type), 0);
        if (type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        const char *member = sd_bus_message_get_member(call);
        bool starts = strcmp(member, "StartTransientUnit") == 0;
        g_string_append_c(fixture->calls, starts ? 'S' : strcmp(member, "GetUnit") == 0 ? 'G' : 'X');
        const char *name;
        ck_assert_int_ge(sd_bus_message_read(call, "s", &name), 0);
        ck_assert_str_eq(name, "sysconsd-job-7.service");
        const char *answer = *fixture->answers;
        ck_assert_msg(answer != NULL, "one call more than there are answers: %s", fixture->calls->str);
        fixture->answers++;
        if (strcmp(answer, LOST) == 0)
                return 1;
        if (*answer != '\0')
                return sd_bus_reply_method_errorf(call, answer, "said %s", answer);
        return sd_bus_reply_method_return(call, "o", UNIT_PATH);
}

static ScWorkerTrace trace(gpointer data)
{
        return ((const Fixture *)data)->trace;
}

static void on_not_started(gpointer data, const char *why)
{
        Fixture *fixture = data;
        ck_assert(!fixture->was_told);
        fixture->was_told = true;
        fixture->not_started = g_strdup(why);
}

static void on_gone(gpointer data)
{
        ((Fixture *)data)->gone++;
}

static const ScUnitOwner owner = {.trace = trace, .not_started = on_not_started, .gone = on_gone};

static sd_bus *open_end(int fd, bool is_server)
{
        sd_bus *bus = NULL;
        sd_id128_t id = SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f, 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fd, fd), 0);
        ck_assert_int_ge(sd_bus_negotiate_fds(bus, 1), 0);
        if (is_server) {
                ck_assert_int_ge(sd_bus_set_server(bus, 1, id), 0);
                ck_assert_int_ge(sd_bus_set_sender(bus, SYSTEMD), 0);
        }
        ck_assert_int_ge(sd_bus_start(bus), 0);
        return bus;
}

static void turn(Fixture *fixture)
{
        int n = 0;
        for (sd_bus *const *bus = (sd_bus *const[]){fixture->bus, fixture->systemd, NULL}; *bus != NULL; bus++) {
                int r = sd_bus_process(*bus, NULL);
                ck_assert_int_ge(r, 0);
                n += r;
        }
        if (!g_main_context_iteration(NULL, FALSE) && n == 0)
                g_usleep(1000);
}

/* Until all has been asked that was to be, and nothing follows that. */
static void go_on(Fixture *fixture, const char *calls)
{
        gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
        while (strcmp(fixture->calls->str, calls) != 0) {
                ck_assert_msg(g_get_monotonic_time() < end && g_str_has_prefix(calls, fixture->calls->str), "called %s, not %s",
                              fixture->calls->str, calls);
                turn(fixture);
        }
        for (unsigned i = 0; i < 100; i++)
                turn(fixture);
        ck_assert_str_eq(fixture->calls->str, calls);
}

static Fixture *fixture_new(const char *const *answers)
{
        Fixture *fixture = g_new0(Fixture, 1);
        int fds[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        fixture->bus = open_end(fds[0], false);
        fixture->systemd = open_end(fds[1], true);
        ck_assert_int_ge(sd_bus_add_filter(fixture->systemd, NULL, serve, fixture), 0);
        while (sd_bus_is_ready(fixture->bus) <= 0 || sd_bus_is_ready(fixture->systemd) <= 0)
                turn(fixture);
        g_autoptr(GError) error = NULL;
        fixture->workers = (ScWorkers){.bus = fixture->bus,
                                       .config = sc_config_load("/nonexistent/sysconsd.conf", &error),
                                       .worker = "/usr/libexec/sysconsd-worker"};
        ck_assert_no_error(error);
        fixture->job = sc_job_new("start", "web", 0);
        fixture->job->id = 7;
        fixture->answers = answers;
        fixture->calls = g_string_new(NULL);
        fixture->other_end = -1;
        fixture->unit = sc_running_unit_new(&fixture->workers, fixture->job, &owner, fixture);
        ck_assert_str_eq(sc_running_unit_name(fixture->unit), "sysconsd-job-7.service");
        return fixture;
}

static Fixture *start(const char *const *answers, bool insists)
{
        Fixture *fixture = fixture_new(answers);
        int fds[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        fixture->other_end = fds[0];
        if (insists)
                sc_running_unit_insist(fixture->unit);
        g_autoptr(GError) error = NULL;
        ck_assert(sc_running_unit_start(fixture->unit, fds[1], &error));
        ck_assert_no_error(error);
        return fixture;
}

static void finish(Fixture *fixture)
{
        sc_running_unit_free(fixture->unit);
        ck_assert_ptr_null(*fixture->answers);
        sd_bus_close_unref(fixture->bus);
        sd_bus_close_unref(fixture->systemd);
        sc_config_free((ScConfig *)fixture->workers.config);
        sc_job_free(fixture->job);
        g_string_free(fixture->calls, TRUE);
        g_free(fixture->not_started);
        sc_close(&fixture->other_end);
        g_free(fixture);
}

/* Nobody has the worker's end any more, neither the unit nor messages. */
static bool is_let_go(const Fixture *fixture)
{
        char byte;
        return recv(fixture->other_end, &byte, 1, MSG_DONTWAIT) == 0;
}

START_TEST(a_start_that_is_answered)
{
        Fixture *fixture = start((const char *const[]){"", NULL}, true);
        ck_assert(!is_let_go(fixture));
        go_on(fixture, "S");
        ck_assert(is_let_go(fixture));
        ck_assert(!fixture->was_told);
        finish(fixture);
}
END_TEST

/* Prepared ahead, another worker can be started when it is wanted. */
START_TEST(one_that_is_not_wanted_yet_is_tried_once)
{
        static const char *const refusals[] = {SYSTEMD ".UnitExists", BUS("NoReply"), BUS("AccessDenied")};
        Fixture *fixture = start((const char *const[]){refusals[_i], "", NULL}, false);
        go_on(fixture, "SX");
        g_autofree char *text = g_strconcat("said ", refusals[_i], NULL);
        ck_assert_str_eq(fixture->not_started, text);
        ck_assert(is_let_go(fixture));
        finish(fixture);
}
END_TEST

START_TEST(refusal_is_told)
{
        Fixture *fixture = start((const char *const[]){BUS("AccessDenied"), "", NULL}, true);
        go_on(fixture, "SX");
        ck_assert_str_eq(fixture->not_started, "said " BUS("AccessDenied"));
        finish(fixture);
}
END_TEST

START_TEST(name_that_is_taken_is_waited_for)
{
        Fixture *fixture = start((const char *const[]){SYSTEMD ".UnitExists", "", SYSTEMD ".UnitExists", "", "", NULL}, true);
        go_on(fixture, "SXSXS");
        ck_assert(!fixture->was_told);
        ck_assert(is_let_go(fixture));
        finish(fixture);
}
END_TEST

/* A worker with its name is there, but has not taken the request: it is that of an earlier daemon, and its end is waited for. */
START_TEST(start_without_an_answer_is_looked_into)
{
        Fixture *fixture = start((const char *const[]){BUS("NoReply"), "", NO_SUCH_UNIT, "", NULL}, true);
        go_on(fixture, "SGGS");
        ck_assert(!fixture->was_told);
        ck_assert_uint_eq(fixture->gone, 0);
        ck_assert(is_let_go(fixture));
        finish(fixture);
}
END_TEST

START_TEST(systemd_that_cannot_be_asked_says_nothing_of_a_start)
{
        Fixture *fixture = start((const char *const[]){BUS("NoReply"), BUS("NoReply"), NO_SUCH_UNIT, "", NULL}, true);
        go_on(fixture, "SGGS");
        ck_assert(!fixture->was_told);
        finish(fixture);
}
END_TEST

static const char *const silences[] = {BUS("NoReply"),        BUS("Timeout"),      BUS("TimedOut"),       BUS("ServiceUnknown"),
                                       BUS("NameHasNoOwner"), BUS("Disconnected"), BUS("LimitsExceeded"), BUS("Spawn.ChildExited")};

/* Whatever systemd says then: who took it has started; how he ends he tells by himself. */
START_TEST(who_took_the_request_is_not_started_again)
{
        Fixture *fixture = start((const char *const[]){silences[_i], _i % 2 == 0 ? "" : NO_SUCH_UNIT, NULL}, true);
        fixture->trace = SC_WORKER_BEGUN;
        go_on(fixture, "SG");
        ck_assert(is_let_go(fixture));
        ck_assert(!fixture->was_told);
        ck_assert_uint_eq(fixture->gone, 0);
        finish(fixture);
}
END_TEST

/* Its answer was lost, or came so late that it is over. */
START_TEST(who_has_ended_was_started)
{
        Fixture *fixture = start((const char *const[]){BUS("NoReply"), NULL}, true);
        fixture->trace = SC_WORKER_DONE;
        go_on(fixture, "S");
        ck_assert(is_let_go(fixture));
        ck_assert(!fixture->was_told);
        finish(fixture);
}
END_TEST

START_TEST(one_that_is_to_stop_is_not_started_again)
{
        Fixture *fixture = start((const char *const[]){SYSTEMD ".UnitExists", "", "", NULL}, true);
        sc_running_unit_stop(fixture->unit);
        while (!fixture->was_told)
                turn(fixture);
        ck_assert_ptr_null(fixture->not_started);
        go_on(fixture, "SXX");
        finish(fixture);
}
END_TEST

START_TEST(stop_is_said_until_it_is_heard)
{
        static const char *const last[] = {"", NO_SUCH_UNIT};
        Fixture *fixture = fixture_new((const char *const[]){BUS("LimitsExceeded"), BUS("NoReply"), last[_i], NULL});
        sc_running_unit_stop(fixture->unit);
        sc_running_unit_stop(fixture->unit); /* which is said already */
        go_on(fixture, "XXX");
        finish(fixture);
}
END_TEST

START_TEST(looked_for_until_there_is_an_answer)
{
        Fixture *fixture = fixture_new((const char *const[]){BUS("LimitsExceeded"), NO_SUCH_UNIT, NULL});
        ck_assert_int_ge(sc_running_unit_look(fixture->unit, SC_LOOK_AND_LEAVE), 0);
        go_on(fixture, "GG");
        ck_assert_uint_eq(fixture->gone, 1);
        finish(fixture);
}
END_TEST

START_TEST(what_is_there_is_left_or_stopped)
{
        Fixture *fixture = fixture_new((const char *const[]){"", "", "", NULL});
        ck_assert_int_ge(sc_running_unit_look(fixture->unit, SC_LOOK_AND_LEAVE), 0);
        go_on(fixture, "G");
        ck_assert_int_ge(sc_running_unit_look(fixture->unit, SC_LOOK_AND_STOP), 0);
        go_on(fixture, "GGX");
        ck_assert_uint_eq(fixture->gone, 0);
        finish(fixture);
}
END_TEST

START_TEST(what_systemd_says_of_it_is_heard)
{
        Fixture *fixture = fixture_new((const char *const[]){NO_SUCH_UNIT, NULL});
        g_autoptr(GError) error = NULL;
        ck_assert(sc_running_unit_watch(fixture->unit, &error));
        ck_assert_ptr_null(sc_running_unit_result(fixture->unit));
        ck_assert_int_ge(sd_bus_emit_signal(fixture->systemd, UNIT_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                            "sa{sv}as", SYSTEMD ".Service", 2, "MainPID", "u", 1, "Result", "s", "signal", 0),
                         0);
        ck_assert_int_ge(sd_bus_emit_signal(fixture->systemd, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "UnitRemoved", "so",
                                            "sysconsd-job-8.service", UNIT_PATH),
                         0);
        ck_assert_int_ge(sd_bus_emit_signal(fixture->systemd, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "UnitRemoved", "so",
                                            "sysconsd-job-7.service", UNIT_PATH),
                         0);
        go_on(fixture, "G");
        ck_assert_str_eq(sc_running_unit_result(fixture->unit), "signal");
        ck_assert_uint_eq(fixture->gone, 1);
        finish(fixture);
}
END_TEST

/* What the bus has under way for it must not find it. */
START_TEST(freed_with_questions_open)
{
        Fixture *fixture = start((const char *const[]){LOST, LOST, LOST, NULL}, true);
        sc_running_unit_stop(fixture->unit);
        ck_assert_int_ge(sc_running_unit_look(fixture->unit, SC_LOOK_AND_LEAVE), 0);
        go_on(fixture, "SXG");
        finish(fixture);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("running-unit");
        TCase *tests = tcase_create("running-unit");
        tcase_set_timeout(tests, 120);
        tcase_add_test(tests, a_start_that_is_answered);
        tcase_add_loop_test(tests, one_that_is_not_wanted_yet_is_tried_once, 0, 3);
        tcase_add_test(tests, refusal_is_told);
        tcase_add_test(tests, name_that_is_taken_is_waited_for);
        tcase_add_test(tests, start_without_an_answer_is_looked_into);
        tcase_add_test(tests, systemd_that_cannot_be_asked_says_nothing_of_a_start);
        tcase_add_loop_test(tests, who_took_the_request_is_not_started_again, 0, G_N_ELEMENTS(silences));
        tcase_add_test(tests, who_has_ended_was_started);
        tcase_add_test(tests, one_that_is_to_stop_is_not_started_again);
        tcase_add_loop_test(tests, stop_is_said_until_it_is_heard, 0, 2);
        tcase_add_test(tests, looked_for_until_there_is_an_answer);
        tcase_add_test(tests, what_is_there_is_left_or_stopped);
        tcase_add_test(tests, what_systemd_says_of_it_is_heard);
        tcase_add_test(tests, freed_with_questions_open);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
