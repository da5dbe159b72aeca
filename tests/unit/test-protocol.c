/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"
#include "base/path.h"
#include "job/protocol.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[2];

static void setup(void)
{
        ck_assert(sc_packet_socketpair(fds, NULL));
}

static void teardown(void)
{
        sc_close(&fds[0]);
        sc_close(&fds[1]);
}

/* Sends one way, receives the other. */
static ScPacket *pass(const ScPacket *packet)
{
        g_autoptr(GError) error = NULL;
        ScPacket *received = NULL;
        ck_assert_msg(sc_packet_send(fds[0], packet, &error), "%s", error != NULL ? error->message : "");
        ck_assert_int_eq(sc_packet_receive(fds[1], &received, NULL, &error), 1);
        ck_assert_int_eq(received->type, packet->type);
        return received;
}

static void send_raw(const char *text)
{
        ck_assert_int_eq(send(fds[0], text, strlen(text), 0), (ssize_t)strlen(text));
}

START_TEST(request_arrives)
{
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_REQUEST);
        packet->job = 7;
        packet->operation = g_strdup("delete-image");
        packet->subject = g_strdup("localhost:5000/hello");
        json_object_set_string_member(packet->options, "force", "yes");
        g_autoptr(ScPacket) received = pass(packet);
        ck_assert_uint_eq(received->job, 7);
        ck_assert_str_eq(received->operation, "delete-image");
        ck_assert_str_eq(received->subject, "localhost:5000/hello");
        ck_assert_str_eq(json_object_get_string_member(received->options, "force"), "yes");
        ck_assert_uint_eq(received->n_fds, 0);
}
END_TEST

/* A variable can change more than a proxy. */
START_TEST(only_proxies_are_taken_from_an_environment)
{
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_REQUEST);
        packet->job = 7;
        packet->operation = g_strdup("pull");
        packet->subject = g_strdup("x");
        g_hash_table_insert(packet->environment, g_strdup("HTTPS_PROXY"), g_strdup("http://me:secret@proxy.lan"));
        g_hash_table_insert(packet->environment, g_strdup("no_proxy"), g_strdup(""));
        g_hash_table_insert(packet->environment, g_strdup("LD_PRELOAD"), g_strdup("/tmp/x.so"));
        g_autoptr(ScPacket) received = pass(packet);
        ck_assert_uint_eq(g_hash_table_size(received->environment), 2);
        ck_assert_str_eq(g_hash_table_lookup(received->environment, "HTTPS_PROXY"), "http://me:secret@proxy.lan");
        ck_assert_str_eq(g_hash_table_lookup(received->environment, "no_proxy"), "");
}
END_TEST

START_TEST(descriptors_come_with_a_request)
{
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_REQUEST);
        packet->operation = g_strdup("pull");
        packet->subject = g_strdup("");
        packet->fds = g_new(int, 2);
        packet->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        packet->fds[1] = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
        packet->n_fds = 2;
        g_autoptr(ScPacket) received = pass(packet);
        ck_assert_uint_eq(received->n_fds, 2);
        char byte;
        ck_assert_int_eq(read(received->fds[0], &byte, 1), 0);
        ck_assert_int_eq(read(received->fds[1], &byte, 1), 1);
        ck_assert_int_ne(fcntl(received->fds[0], F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(progress_and_message_arrive)
{
        g_autoptr(ScPacket) progress = sc_packet_new(SC_PACKET_PROGRESS);
        progress->phase = g_strdup("Pulling");
        progress->done = 1024;
        progress->total = G_GUINT64_CONSTANT(1) << 40;
        g_autoptr(ScPacket) received = pass(progress);
        ck_assert_str_eq(received->phase, "Pulling");
        ck_assert_uint_eq(received->done, 1024);
        ck_assert_uint_eq(received->total, G_GUINT64_CONSTANT(1) << 40);

        g_autoptr(ScPacket) message = sc_packet_new(SC_PACKET_MESSAGE);
        message->text = g_strdup("Pulling layer 2f1a");
        g_autoptr(ScPacket) line = pass(message);
        ck_assert_str_eq(line->text, "Pulling layer 2f1a");
}
END_TEST

START_TEST(result_and_error_arrive)
{
        g_autoptr(ScPacket) result = sc_packet_new(SC_PACKET_RESULT);
        g_hash_table_insert(result->details, g_strdup("container"), g_strdup("hello"));
        g_hash_table_insert(result->details, g_strdup("plan"), g_strdup("one\ntwo"));
        g_autoptr(ScPacket) received = pass(result);
        ck_assert_uint_eq(g_hash_table_size(received->details), 2);
        ck_assert_str_eq(g_hash_table_lookup(received->details, "container"), "hello");
        ck_assert_str_eq(g_hash_table_lookup(received->details, "plan"), "one\ntwo");

        g_autoptr(ScPacket) failure = sc_packet_new(SC_PACKET_ERROR);
        failure->code = SC_ERROR_NO_SPACE;
        g_hash_table_insert(failure->details, g_strdup("damaged"), g_strdup("3"));
        failure->text = g_strdup("No space left");
        g_autoptr(ScPacket) error = pass(failure);
        ck_assert_int_eq(error->code, SC_ERROR_NO_SPACE);
        ck_assert_str_eq(g_hash_table_lookup(error->details, "damaged"), "3");
        ck_assert_str_eq(error->text, "No space left");
}
END_TEST

START_TEST(texts_cannot_steer_a_terminal)
{
        g_autoptr(ScPacket) message = sc_packet_new(SC_PACKET_MESSAGE);
        message->text = g_strdup("a\033[2Jb\nc\xff\xc2\x9b"
                                 "d");
        g_autoptr(ScPacket) sent = pass(message);
        ck_assert_str_eq(sent->text, "a [2Jb c\xef\xbf\xbd d");

        /* neither those of a worker that does not clean its own */
        send_raw("{\"type\":\"error\",\"code\":\"Failed\",\"message\":\"a\\u001b[2Jb\\nc\"}");
        g_autoptr(ScPacket) received = NULL;
        ck_assert_int_eq(sc_packet_receive(fds[1], &received, NULL, NULL), 1);
        ck_assert_str_eq(received->text, "a [2Jb c");
}
END_TEST

/* Unicode and JSON know them; sd-bus sends none, and nothing of the message that one is in. */
START_TEST(texts_can_go_over_a_bus)
{
        static const char *const nowhere[] = {"\xef\xbf\xbe", "\xef\xbf\xbf", "\xef\xb7\x90", "\xef\xb7\xaf", "\xf4\x8f\xbf\xbf"};
        for (unsigned i = 0; i < G_N_ELEMENTS(nowhere); i++) {
                g_autofree char *text = g_strdup_printf("{\"type\":\"result\",\"details\":{\"plan\":\"a%sb\"}}", nowhere[i]);
                send_raw(text);
                g_autoptr(ScPacket) received = NULL;
                ck_assert_int_eq(sc_packet_receive(fds[1], &received, NULL, NULL), 1);
                ck_assert_str_eq(g_hash_table_lookup(received->details, "plan"), "a\xef\xbf\xbd"
                                                                                 "b");
        }
}
END_TEST

START_TEST(who_does_not_take_it_is_busy)
{
        const struct timeval patience = {.tv_usec = 1000};
        ck_assert_int_eq(setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
        g_autoptr(ScPacket) message = sc_packet_new(SC_PACKET_MESSAGE);
        message->text = g_strnfill(8000, 'x');
        g_autoptr(GError) error = NULL;
        while (sc_packet_send(fds[0], message, &error))
                continue;
        ck_assert_error(error, SC_ERROR_BUSY, "message");
}
END_TEST

START_TEST(long_text_is_cut)
{
        g_autoptr(ScPacket) message = sc_packet_new(SC_PACKET_MESSAGE);
        g_autoptr(GString) text = g_string_new(NULL);
        while (text->len < 2 * SC_PROTOCOL_MAX_TEXT)
                g_string_append(text, "\xe2\x82\xac");
        message->text = g_strdup(text->str);
        g_autoptr(ScPacket) received = pass(message);
        ck_assert_uint_le(strlen(received->text), SC_PROTOCOL_MAX_TEXT);
        ck_assert_uint_ge(strlen(received->text), SC_PROTOCOL_MAX_TEXT - 16);
        ck_assert(g_utf8_validate(received->text, -1, NULL));
        ck_assert(g_str_has_suffix(received->text, "..."));
}
END_TEST

START_TEST(large_request)
{
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_REQUEST);
        packet->operation = g_strdup("install");
        packet->subject = g_strdup("x");
        /* as much as the bus lets through: 256 KiB of values */
        g_autofree char *value = g_strnfill(256 * 1024, 'v');
        json_object_set_string_member(packet->options, "values", value);
        g_autoptr(ScPacket) received = pass(packet);
        ck_assert_str_eq(json_object_get_string_member(received->options, "values"), value);

        g_autofree char *too_long = g_strnfill(SC_PROTOCOL_MAX_PACKET, 'v');
        g_autoptr(GError) error = NULL;
        json_object_set_string_member(packet->options, "values", too_long);
        ck_assert(!sc_packet_send(fds[0], packet, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "too large");
}
END_TEST

START_TEST(the_end_is_told)
{
        ScPacket *packet = NULL;
        bool again = true;
        ck_assert_int_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
        ck_assert_int_eq(sc_packet_receive(fds[1], &packet, &again, NULL), 0);
        ck_assert(again);
        sc_close(&fds[0]);
        ck_assert_int_eq(sc_packet_receive(fds[1], &packet, &again, NULL), 0);
        ck_assert(!again);
        ck_assert_ptr_null(packet);

        g_autoptr(GError) error = NULL;
        g_autoptr(ScPacket) message = sc_packet_new(SC_PACKET_MESSAGE);
        ck_assert(!sc_packet_send(fds[1], message, &error)); /* and no SIGPIPE */
        ck_assert_error(error, SC_ERROR_FAILED, "message");
}
END_TEST

/* One that is killed before it has read its request. */
START_TEST(last_words_of_one_that_did_not_listen_are_heard)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(ScPacket) packet = sc_packet_new(SC_PACKET_MESSAGE), received = NULL;
        packet->text = g_strdup("farewell");
        ck_assert(sc_packet_send(fds[0], packet, &error));
        ck_assert(sc_packet_send(fds[1], packet, &error));
        sc_close(&fds[0]);
        ck_assert_int_eq(sc_packet_receive(fds[1], &received, NULL, &error), 1);
        ck_assert_str_eq(received->text, "farewell");
        ScPacket *none = NULL;
        ck_assert_int_eq(sc_packet_receive(fds[1], &none, NULL, &error), 0);
}
END_TEST

static void *close_it(void *data)
{
        sc_close(data);
        return NULL;
}

START_TEST(one_that_goes_meanwhile_broke_nothing)
{
        for (int i = 0; i < 5000; i++) {
                int pair[2];
                ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
                ck_assert_int_eq(send(pair[1], "unread", 6, 0), 6);
                GThread *thread = g_thread_new("closes", close_it, &pair[0]);
                bool again = true;
                while (again) {
                        ScPacket *packet = NULL;
                        g_autoptr(GError) error = NULL;
                        ck_assert_msg(sc_packet_receive(pair[1], &packet, &again, &error) == 0, "%s",
                                      error != NULL ? error->message : "");
                        g_thread_yield();
                }
                g_thread_join(thread);
                sc_close(&pair[1]);
        }
}
END_TEST

static const char *const broken[] = {
        "{",
        "[]",
        "null",
        "{}",
        "{\"type\":7}",
        "{\"type\":\"shutdown\"}",
        "{\"type\":\"request\",\"operation\":\"pull\",\"subject\":\"\"}",
        "{\"type\":\"request\",\"job\":-1,\"operation\":\"pull\",\"subject\":\"\"}",
        "{\"type\":\"request\",\"job\":1,\"operation\":\"../pull\",\"subject\":\"\"}",
        "{\"type\":\"request\",\"job\":1,\"operation\":\"\",\"subject\":\"\"}",
        "{\"type\":\"request\",\"job\":1,\"operation\":\"pull\",\"subject\":\"\",\"options\":[]}",
        "{\"type\":\"progress\",\"phase\":\"x\",\"done\":1}",
        "{\"type\":\"progress\",\"phase\":\"x\",\"done\":-1,\"total\":1}",
        "{\"type\":\"progress\",\"phase\":\"x\",\"done\":\"1\",\"total\":1}",
        "{\"type\":\"progress\",\"done\":1,\"total\":1}",
        "{\"type\":\"message\"}",
        "{\"type\":\"message\",\"line\":[\"a\"]}",
        "{\"type\":\"result\",\"details\":[]}",
        "{\"type\":\"result\",\"details\":{\"a\":{}}}",
        "{\"type\":\"result\",\"details\":{\"not a word\":\"\"}}",
        "{\"type\":\"error\",\"message\":\"x\"}",
        "{\"type\":\"error\",\"code\":\"Surprise\",\"message\":\"x\"}",
        "{\"type\":\"error\",\"code\":\"Failed\"}",
        "{\"type\":\"message\",\"line\":\"\xff\"}",
};

START_TEST(broken_packet_is_corrupt)
{
        g_autoptr(GError) error = NULL;
        ScPacket *packet = NULL;
        send_raw(broken[_i]);
        ck_assert_msg(sc_packet_receive(fds[1], &packet, NULL, &error) == -1, "accepted: %s", broken[_i]);
        ck_assert_error(error, SC_ERROR_CORRUPT, " ");
        ck_assert_ptr_null(packet);
}
END_TEST

START_TEST(too_many_details_are_corrupt)
{
        g_autoptr(GString) text = g_string_new("{\"type\":\"result\",\"details\":{");
        for (int i = 0; i < 65; i++)
                g_string_append_printf(text, "%s\"key-%d\":\"\"", i > 0 ? "," : "", i);
        g_string_append(text, "}}");
        g_autoptr(GError) error = NULL;
        ScPacket *packet = NULL;
        send_raw(text->str);
        ck_assert_int_eq(sc_packet_receive(fds[1], &packet, NULL, &error), -1);
        ck_assert_error(error, SC_ERROR_CORRUPT, "more than 64");
}
END_TEST

static void send_with_fds(const char *text, int count)
{
        int many[32];
        char space[CMSG_SPACE(sizeof(many))] = {0};
        struct iovec part = {.iov_base = (char *)text, .iov_len = strlen(text)};
        struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = CMSG_SPACE(count * sizeof(int))};
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        for (int i = 0; i < count; i++)
                many[i] = STDERR_FILENO;
        memcpy(CMSG_DATA(rights), many, count * sizeof(int));
        ck_assert_int_gt(sendmsg(fds[0], &message, 0), 0);
}

static int count_open(void)
{
        int count = 0;
        for (int fd = 0; fd < 256; fd++)
                count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
        return count;
}

START_TEST(descriptors_that_nobody_wants_are_closed)
{
        const struct {
                const char *text;
                int count;
        } cases[] = {
                {"{\"type\":\"message\",\"line\":\"x\"}", 1},
                {"{\"type\":\"request\",\"job\":1,\"operation\":\"pull\",\"subject\":\"\"}", SC_PROTOCOL_MAX_FDS + 1},
                {"{", 2},
        };
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GError) error = NULL;
                ScPacket *packet = NULL;
                int before = count_open();
                send_with_fds(cases[i].text, cases[i].count);
                ck_assert_int_eq(sc_packet_receive(fds[1], &packet, NULL, &error), -1);
                ck_assert_error(error, SC_ERROR_CORRUPT, " ");
                ck_assert_int_eq(count_open(), before);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("protocol");
        TCase *cases = tcase_create("packets");
        tcase_add_checked_fixture(cases, setup, teardown);
        tcase_add_test(cases, request_arrives);
        tcase_add_test(cases, only_proxies_are_taken_from_an_environment);
        tcase_add_test(cases, descriptors_come_with_a_request);
        tcase_add_test(cases, progress_and_message_arrive);
        tcase_add_test(cases, result_and_error_arrive);
        tcase_add_test(cases, texts_cannot_steer_a_terminal);
        tcase_add_test(cases, texts_can_go_over_a_bus);
        tcase_add_test(cases, who_does_not_take_it_is_busy);
        tcase_add_test(cases, long_text_is_cut);
        tcase_add_test(cases, large_request);
        tcase_add_test(cases, the_end_is_told);
        tcase_add_test(cases, last_words_of_one_that_did_not_listen_are_heard);
        tcase_add_test(cases, one_that_goes_meanwhile_broke_nothing);
        tcase_add_loop_test(cases, broken_packet_is_corrupt, 0, G_N_ELEMENTS(broken));
        tcase_add_test(cases, too_many_details_are_corrupt);
        tcase_add_test(cases, descriptors_that_nobody_wants_are_closed);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
