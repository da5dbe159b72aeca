/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry/neighbour.h"
#include "test.h"
#include <string.h>
#include <sys/mman.h>
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
#define UP "01"

static const struct {
        const char *tcp, *tcp6;
        ScNeighbour found;
        guint uid;
} cases[] = {
        {"", "", SC_NEIGHBOUR_NONE, 0},
        {LINE(HERE, THERE, UP, "1000", "7"), "", SC_NEIGHBOUR_NONE, 0}, /* our own end */
        {LINE(THERE, HERE, UP, "1000", "7"), "", SC_NEIGHBOUR_OWNED, 1000},
        {LINE(THERE, HERE, UP, "0", "7"), "", SC_NEIGHBOUR_OWNED, 0},
        {"", LINE(THERE6, HERE6, UP, "1000", "7"), SC_NEIGHBOUR_OWNED, 1000},
        /* who has it counts, not who listens there by now */
        {LINE(THERE, "00000000:0000", LISTEN, "0", "6") LINE(THERE, HERE, UP, "1000", "7"), "", SC_NEIGHBOUR_OWNED, 1000},
        /* nobody has accepted it yet: the kernel says 0, which is not root */
        {LINE(THERE, HERE, UP, "0", "0"), "", SC_NEIGHBOUR_UNKNOWN, 0},
        {LINE(THERE, HERE, UP, "0", "0") LINE(THERE, "00000000:0000", LISTEN, "1000", "6"), "", SC_NEIGHBOUR_OWNED, 1000},
        {LINE(THERE, "00000000:0000", LISTEN, "1000", "6") LINE(THERE, HERE, UP, "0", "0"), "", SC_NEIGHBOUR_OWNED, 1000},
        {LINE(ANY, "00000000:0000", LISTEN, "0", "5"),
         LINE(ANY6, "00000000000000000000000000000000:0000", LISTEN, "1000", "6") LINE(THERE6, HERE6, UP, "0", "0"),
         SC_NEIGHBOUR_OWNED, 1000},
        {LINE(ANY, "00000000:0000", LISTEN, "1000", "6"), "", SC_NEIGHBOUR_OWNED, 1000},
        {"", LINE(ANY6, "00000000000000000000000000000000:0000", LISTEN, "1000", "6"), SC_NEIGHBOUR_OWNED, 1000},
        {LINE(ANY, "00000000:0000", LISTEN, "1000", "6") LINE(THERE, "00000000:0000", LISTEN, "0", "5"), "", SC_NEIGHBOUR_OWNED,
         1000},
        {LINE("0200007F:1388", "00000000:0000", LISTEN, "1000", "6"), "", SC_NEIGHBOUR_NONE, 0}, /* 127.0.0.2 */
        {LINE("0100007F:1389", "00000000:0000", LISTEN, "1000", "6"), "", SC_NEIGHBOUR_NONE, 0},
        {"garbage\n\n   0: 0100007F 01:2 3\n" LINE("0100007:1388", HERE, UP, "0", "7"), "", SC_NEIGHBOUR_NONE, 0},
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
                if (cases[_i].found == SC_NEIGHBOUR_OWNED)
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
        ck_assert_int_eq(found, SC_NEIGHBOUR_OWNED);
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

int main(void)
{
        Suite *suite = suite_create("neighbour");
        TCase *tests = tcase_create("neighbour");
        tcase_add_loop_test(tests, finds_who_is_there, 0, G_N_ELEMENTS(cases));
        tcase_add_test(tests, another_machine);
        tcase_add_test(tests, table_that_cannot_be_read);
        tcase_add_test(tests, whom_to_trust);
        suite_add_tcase(suite, tests);
        return test_run(suite);
}
