/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry/neighbour.h"
#include "test.h"
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define LINE(local, remote, state, uid, inode)                                                                                   \
        "   0: " local " " remote " " state " 00000000:00000000 00:00000000 00000000 " uid "        0 " inode " 1 0 20 4 30 10 " \
        "-1\n"

/* 127.0.0.1:40000 on our side, 127.0.0.1:5000 on the other; 5000 is 0x1388, 40000 is 0x9C40. */
#define HERE "0100007F:9C40"
#define THERE "0100007F:1388"
#define THERE6 "0000000000000000FFFF00000100007F:1388"
#define HERE6 "0000000000000000FFFF00000100007F:9C40"
#define ANY "00000000:1388"
#define ANY6 "00000000000000000000000000000000:1388"
#define LISTEN "0A"
#define NOBODY "00000000:0000"
#define NOBODY6 "00000000000000000000000000000000:0000"
#define UP "01"
#define ASKS "03"   /* SYN_RECV */
#define CLOSED "05" /* FIN_WAIT2 */
#define WAITS "06"  /* TIME_WAIT */

static const struct {
        const char *tcp, *tcp6;
        ScNeighbour found;
        guint uid;
} cases[] = {
        {"", "", SC_NEIGHBOUR_UNSEEN, 0},
        {LINE(HERE, THERE, UP, "1000", "7"), "", SC_NEIGHBOUR_UNSEEN, 0}, /* our own end */
        {LINE(THERE, HERE, UP, "1000", "7"), "", SC_NEIGHBOUR_OWNED, 1000},
        {LINE(THERE, HERE, UP, "0", "7"), "", SC_NEIGHBOUR_OWNED, 0},
        {"", LINE(THERE6, HERE6, UP, "1000", "7"), SC_NEIGHBOUR_OWNED, 1000},
        /* who has it counts, not who listens there by now */
        {LINE(THERE, NOBODY, LISTEN, "0", "6") LINE(THERE, HERE, UP, "1000", "7"), "", SC_NEIGHBOUR_OWNED, 1000},
        {LINE(THERE, NOBODY, LISTEN, "1000", "6") LINE(THERE, HERE, UP, "0", "7"), "", SC_NEIGHBOUR_OWNED, 0},
        /* nobody has accepted it yet, of which the kernel says 0, which is not root: who listens will have it */
        {LINE(THERE, HERE, UP, "0", "0"), "", SC_NEIGHBOUR_GONE, 0},
        {LINE(THERE, NOBODY, LISTEN, "1000", "6") LINE(THERE, HERE, UP, "0", "0"), "", SC_NEIGHBOUR_OWNED, 1000},
        {LINE(THERE, NOBODY, LISTEN, "0", "6") LINE(THERE, HERE, UP, "0", "0"), "", SC_NEIGHBOUR_OWNED, 0},
        {LINE(THERE, NOBODY, LISTEN, "0", "6") LINE(THERE, HERE, ASKS, "0", "0"), "", SC_NEIGHBOUR_OWNED, 0},
        /* of the same table: on [::] another one can listen */
        {LINE(ANY, NOBODY, LISTEN, "0", "5"), LINE(ANY6, NOBODY6, LISTEN, "1000", "6") LINE(THERE6, HERE6, UP, "0", "0"),
         SC_NEIGHBOUR_OWNED, 1000},
        {LINE(ANY, NOBODY, LISTEN, "0", "5") LINE(THERE, HERE, UP, "0", "0"), LINE(ANY6, NOBODY6, LISTEN, "1000", "6"),
         SC_NEIGHBOUR_OWNED, 0},
        {LINE(ANY, NOBODY, LISTEN, "0", "5"), LINE(THERE6, HERE6, UP, "0", "0"), SC_NEIGHBOUR_GONE, 0},
        /* whoever had it has closed it, and root's who listens there has nothing to do with it */
        {LINE(THERE, NOBODY, LISTEN, "0", "6") LINE(THERE, HERE, CLOSED, "0", "0"), "", SC_NEIGHBOUR_GONE, 0},
        {LINE(ANY, NOBODY, LISTEN, "0", "6"), LINE(THERE6, HERE6, CLOSED, "0", "0"), SC_NEIGHBOUR_GONE, 0},
        {LINE(ANY, NOBODY, LISTEN, "0", "6"), LINE(THERE6, HERE6, WAITS, "0", "0"), SC_NEIGHBOUR_GONE, 0},
        /* a packet filter has sent it elsewhere */
        {LINE(ANY, NOBODY, LISTEN, "1000", "6"), "", SC_NEIGHBOUR_LISTENS, 1000},
        {"", LINE(ANY6, NOBODY6, LISTEN, "0", "6"), SC_NEIGHBOUR_UNSEEN, 0}, /* perhaps for IPv6 alone */
        {LINE(ANY, NOBODY, LISTEN, "0", "6"), LINE(ANY6, NOBODY6, LISTEN, "1000", "6"), SC_NEIGHBOUR_LISTENS, 0},
        {LINE(ANY, NOBODY, LISTEN, "1000", "6"), LINE(ANY6, NOBODY6, LISTEN, "0", "6"), SC_NEIGHBOUR_LISTENS, 1000},
        {LINE(ANY, NOBODY, LISTEN, "1000", "6") LINE(THERE, NOBODY, LISTEN, "0", "5"), "", SC_NEIGHBOUR_LISTENS, 1000},
        {LINE("0200007F:1388", NOBODY, LISTEN, "1000", "6"), "", SC_NEIGHBOUR_UNSEEN, 0}, /* 127.0.0.2 */
        {LINE("0100007F:1389", NOBODY, LISTEN, "1000", "6"), "", SC_NEIGHBOUR_UNSEEN, 0},
        {"garbage\n\n   0: 0100007F 01:2 3\n" LINE("0100007:1388", HERE, UP, "0", "7"), "", SC_NEIGHBOUR_UNSEEN, 0},
};

static GInetSocketAddress *address(const char *text, guint16 port)
{
        return G_INET_SOCKET_ADDRESS(g_inet_socket_address_new_from_string(text, port));
}

/* The path of a file with this text, as long as the test runs. */
static char *table(const char *lines)
{
        int fd = memfd_create("table", MFD_CLOEXEC);
        ck_assert_int_ge(dprintf(fd, "%s%s", HEAD, lines), 0);
        return g_strdup_printf("/proc/self/fd/%d", fd);
}

START_TEST(finds_who_is_there)
{
        g_autofree char *tcp = table(cases[_i].tcp), *tcp6 = table(cases[_i].tcp6);
        g_autoptr(GInetSocketAddress) local = address("127.0.0.1", 40000), remote = address("127.0.0.1", 5000);
        const char *const tables[] = {tcp, tcp6, NULL};
        for (guint begin = 0; begin < 2; begin++) {
                guint uid = 0, first = begin;
                ScNeighbour found;
                ck_assert(sc_neighbour_find(tables, &first, local, remote, &found, &uid, NULL));
                ck_assert_int_eq(found, cases[_i].found);
                if (cases[_i].found == SC_NEIGHBOUR_OWNED || cases[_i].found == SC_NEIGHBOUR_LISTENS)
                        ck_assert_uint_eq(uid, cases[_i].uid);
        }
}
END_TEST

/* Who listens here on the same port says nothing of another machine. */
START_TEST(another_machine)
{
        g_autofree char *tcp = table(LINE(ANY, "00000000:0000", LISTEN, "1000", "6"));
        const char *const tables[] = {tcp, "/nonexistent", NULL};
        ScNeighbour found;
        g_autoptr(GInetSocketAddress) local = address("192.0.2.1", 40000), remote = address("192.0.2.2", 5000);
        guint uid, first = 1;
        ck_assert(sc_neighbour_find(tables, &first, local, remote, &found, &uid, NULL));
        ck_assert_int_eq(found, SC_NEIGHBOUR_NONE);
        g_autoptr(GInetSocketAddress) own = address("192.0.2.1", 5000);
        ck_assert(sc_neighbour_find(tables, &first, local, own, &found, &uid, NULL));
        ck_assert_int_eq(found, SC_NEIGHBOUR_LISTENS);
}
END_TEST

/* What cannot be read says nothing for a server. */
START_TEST(table_that_cannot_be_read)
{
        g_autofree char *tcp = table("");
        const char *const bad[][3] = {{"/nonexistent", tcp}, {tcp, "/"}};
        g_autoptr(GInetSocketAddress) local = address("127.0.0.1", 40000), remote = address("127.0.0.1", 5000);
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                ScNeighbour found;
                guint uid, first = 0;
                ck_assert(!sc_neighbour_find(bad[i], &first, local, remote, &found, &uid, &error));
                ck_assert_ptr_nonnull(error);
        }
}
END_TEST

START_TEST(whom_to_trust)
{
        const guint trusted[] = {0, 1, 999, 61184, 65519, (guint)getuid()}, others[] = {1000, 61183, 65534, 100000, G_MAXUINT};
        for (gsize i = 0; i < G_N_ELEMENTS(trusted); i++)
                ck_assert(sc_neighbour_is_trusted(trusted[i]));
        for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
                ck_assert(others[i] == getuid() || !sc_neighbour_is_trusted(others[i]));
}
END_TEST

#define PROTOCOLS \
        "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n"

START_TEST(sockets_with_others_beneath)
{
        static const struct {
                const char *lines;
                bool found;
        } files[] = {
                {"TCP       2368      3      41   no     320   yes  kernel      y  y\n", false},
                {"SMC6       960      0      -1   NI       0   yes  smc         y  y\n", false},
                {"SMC6       960      0      -1   NI       0   yes  smc         y  y\nSMC        960      1      -1   NI       0   "
                 "yes  smc\n",
                 true},
                {"SMC6       960      2      -1   NI       0   yes  smc         y  y\n", true},
        };
        for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
                int fd = memfd_create("protocols", MFD_CLOEXEC);
                ck_assert_int_ge(dprintf(fd, "%s%s", PROTOCOLS, files[i].lines), 0);
                g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
                ck_assert_int_eq(sc_neighbour_has_stand_ins(path), files[i].found);
                close(fd);
        }
        ck_assert(sc_neighbour_has_stand_ins("/nonexistent"));
        ck_assert(!sc_neighbour_has_stand_ins("/proc/self/net/protocols")); /* or no pull from this host could work */
}
END_TEST

enum { USER = 12345, ROUNDS = 100 };

static int listen_at(int family, guint16 port, guint16 *ret_port)
{
        int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        bool is_ipv4 = family == AF_INET;
        socklen_t size = is_ipv4 ? sizeof in : sizeof in6;
        struct sockaddr *where = is_ipv4 ? (struct sockaddr *)&in : (struct sockaddr *)&in6;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 || bind(fd, where, size) < 0 || listen(fd, 1) < 0)
                return -1;
        if (ret_port != NULL && getsockname(fd, where, &size) == 0)
                *ret_port = ntohs(in.sin_port);
        return fd;
}

/* Answers one question before it is asked, and is gone; tells on `ready` when it listens, and waits on `next`. */
static void serve_and_go(guint16 port, int ready, int next)
{
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nforge";
        if (setresuid(USER, USER, USER) < 0)
                _exit(1);
        for (guint i = 0; i < ROUNDS; i++) {
                char byte = 'x';
                int fd = listen_at(AF_INET6, port, NULL);
                if (fd < 0 || write(ready, &byte, 1) != 1)
                        _exit(1);
                int connection = accept(fd, NULL, NULL);
                const struct linger at_once = {.l_onoff = i % 2};
                if (connection < 0 || write(connection, answer, sizeof answer - 1) < 0 ||
                    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) < 0)
                        _exit(1);
                close(connection);
                close(fd);
                if (read(next, &byte, 1) != 1)
                        _exit(1);
        }
        _exit(0);
}

/* Where root listens on IPv4 alone, a user on [::1] who answers and is gone before anybody looks is not root. */
START_TEST(user_who_is_gone_at_once)
{
        int ready[2], next[2];
        guint16 port = 0;
        if (getuid() != 0) /* make check runs as root where a test needs it; here everybody is whom we trust */
                return;
        int root_fd = listen_at(AF_INET, 0, &port);
        ck_assert_int_ge(root_fd, 0);
        ck_assert(pipe(ready) == 0 && pipe(next) == 0);
        pid_t child = fork();
        if (child == 0)
                serve_and_go(port, ready[1], next[0]);
        close(ready[1]);
        g_autofree char *uri = g_strdup_printf("http://[::1]:%u/", port);
        for (guint i = 0; i < ROUNDS; i++) {
                char byte;
                ck_assert_int_eq(read(ready[0], &byte, 1), 1);
                g_autoptr(SoupSession) session = soup_session_new();
                g_autoptr(SoupMessage) message = soup_message_new("GET", uri);
                g_autoptr(GError) error = NULL, refusal = NULL;
                sc_neighbour_watch(message);
                g_autoptr(GBytes) body = soup_session_send_and_read(session, message, NULL, &error);
                /* One that is reset while it is made was never looked at. */
                bool allowed = sc_neighbour_allowed(message, &refusal);
                ck_assert_msg(!allowed || body == NULL, "he was believed in round %u", i);
                ck_assert(i % 2 == 1 || !allowed);
                ck_assert_int_eq(write(next[1], &byte, 1), 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        close(root_fd);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("neighbour");
        TCase *tests = tcase_create("neighbour");
        tcase_add_loop_test(tests, finds_who_is_there, 0, G_N_ELEMENTS(cases));
        tcase_add_test(tests, another_machine);
        tcase_add_test(tests, table_that_cannot_be_read);
        tcase_add_test(tests, whom_to_trust);
        tcase_add_test(tests, sockets_with_others_beneath);
        tcase_add_test(tests, user_who_is_gone_at_once);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
