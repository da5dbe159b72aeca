/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "neighbour.h"

#include "base/error.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* login.defs(5): SYS_UID_MAX; systemd.exec(5): the range of DynamicUser=. */
enum { SYSTEM_UID_MAX = 999, DYNAMIC_UID_MIN = 61184, DYNAMIC_UID_MAX = 65519 };
enum { OVERFLOW_UID = 65534 };
/* As in netinet/tcp.h, which the table has in hexadecimal. */
enum { STATE_ESTABLISHED = TCP_ESTABLISHED, STATE_SYN_RECV = TCP_SYN_RECV, STATE_LISTEN = TCP_LISTEN };

/* IPv4 as IPv6 sees it, in network order. */
typedef struct {
        guint8 bytes[16];
        guint port;
} End;

typedef struct {
        End local, remote;
        guint state, uid;
        gulong inode; /* 0: no process has it, yet or any more; then uid says nothing */
} Line;

static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};

static void end_of(GInetSocketAddress *address, End *ret)
{
        GInetAddress *inet = g_inet_socket_address_get_address(address);
        bool is_ipv4 = g_inet_address_get_family(inet) == G_SOCKET_FAMILY_IPV4;
        memcpy(ret->bytes, mapped, sizeof(mapped));
        memcpy(ret->bytes + (is_ipv4 ? 12 : 0), g_inet_address_to_bytes(inet), is_ipv4 ? 4 : 16);
        ret->port = g_inet_socket_address_get_port(address);
}

/* Words of 32 bits in the machine's order, in hexadecimal; then the port. */
static bool parse_end(const char *text, End *ret)
{
        gsize digits = strspn(text, "0123456789ABCDEF");
        if ((digits != 8 && digits != 32) || text[digits] != ':' || sscanf(text + digits + 1, "%4X", &ret->port) != 1)
                return false;
        memcpy(ret->bytes, mapped, sizeof(mapped));
        guint8 *to = ret->bytes + (digits == 8 ? 12 : 0);
        for (gsize at = 0; at < digits; at += 8, to += 4) {
                unsigned word;
                if (sscanf(text + at, "%8X", &word) != 1)
                        return false;
                guint32 exact = word;
                memcpy(to, &exact, sizeof(exact));
        }
        return true;
}

static bool parse_line(const char *text, Line *ret)
{
        char local[64], remote[64];
        int n = sscanf(text, " %*u: %63s %63s %X %*s %*s %*s %u %*s %lu", local, remote, &ret->state, &ret->uid, &ret->inode);
        return n == 5 && parse_end(local, &ret->local) && parse_end(remote, &ret->remote);
}

static bool is_same(const End *a, const End *b)
{
        return a->port == b->port && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool is_any(const End *end)
{
        static const guint8 zeros[16];
        return memcmp(end->bytes, zeros, sizeof(zeros)) == 0 ||
               (memcmp(end->bytes, mapped, sizeof(mapped)) == 0 && memcmp(end->bytes + sizeof(mapped), zeros, 4) == 0);
}

typedef enum { PEER_NONE, PEER_OWNED, PEER_WAITING, PEER_GONE } Peer;

typedef struct {
        bool is_there;
        guint uid; /* of several the one that is trusted least */
} Listener;

typedef struct {
        End local, remote;
        Peer peer;
        guint peer_uid;    /* PEER_OWNED */
        gulong peer_inode; /* PEER_OWNED */
        Listener listener; /* of the table that is being read */
} Search;

/* True: the other end was found. */
static bool look_at(Search *search, const Line *line)
{
        if (line->state == STATE_LISTEN) {
                Listener *listener = &search->listener;
                bool listens = line->local.port == search->remote.port &&
                               (is_any(&line->local) || is_same(&line->local, &search->remote));
                if (listens && (!listener->is_there || !sc_neighbour_is_trusted(line->uid)))
                        *listener = (Listener){true, line->uid};
                return false;
        }
        if (!is_same(&line->local, &search->remote) || !is_same(&line->remote, &search->local))
                return false;
        search->peer_uid = line->uid;
        search->peer_inode = line->inode;
        if (line->inode != 0)
                search->peer = PEER_OWNED;
        else
                search->peer = line->state == STATE_ESTABLISHED || line->state == STATE_SYN_RECV ? PEER_WAITING : PEER_GONE;
        return true;
}

/* No further than to the line that says it: for each piece of such a table the kernel looks through all its buckets. Those who
 * listen stand first. */
static int search_table(Search *search, const char *table)
{
        search->peer = PEER_NONE;
        search->listener = (Listener){0};
        FILE *file = fopen(table, "re");
        if (file == NULL)
                return -1;
        g_autofree char *text = NULL;
        gsize size = 0;
        bool found = false;
        while (!found && getline(&text, &size, file) >= 0) {
                Line line;
                found = parse_line(text, &line) && look_at(search, &line);
        }
        bool failed = !found && ferror(file);
        (void)fclose(file);
        return failed ? -1 : found;
}

/* The kernel does not stop a connection to write its line: it may be closed, or accepted, after its state was read, or between its
 * owner and its inode. Without either it has no inode, and then it is said to be root's. So such a line counts when it is the same
 * twice: what is open the second time was open the first time, and if it had no inode, nobody had accepted it: who listened was
 * there, and will have it. Nobody can listen beside him in the same table but himself. */
static int settle(Search *search, const char *table)
{
        enum { MOST_LOOKS = 5 };
        for (guint i = 0; i < MOST_LOOKS; i++) {
                const Search before = *search;
                if (before.peer == PEER_GONE || (before.peer == PEER_OWNED && before.peer_uid != 0))
                        return 1;
                int found = search_table(search, table);
                if (found < 0)
                        return found;
                if (found == 0)
                        break;
                if (search->peer != before.peer || search->peer_uid != before.peer_uid || search->peer_inode != before.peer_inode)
                        continue;
                if (search->peer == PEER_WAITING) {
                        search->peer = before.listener.is_there ? PEER_OWNED : PEER_GONE;
                        search->peer_uid = before.listener.uid;
                }
                return 1;
        }
        search->peer = PEER_GONE;
        return 1;
}

static bool is_this_host(const Search *search, GInetSocketAddress *remote)
{
        return g_inet_address_get_is_loopback(g_inet_socket_address_get_address(remote)) ||
               memcmp(search->local.bytes, search->remote.bytes, sizeof(search->local.bytes)) == 0;
}

bool sc_neighbour_find(const char *const *tables, guint *first, GInetSocketAddress *local, GInetSocketAddress *remote,
                       ScNeighbour *ret, guint *ret_uid, GError **error)
{
        Search search = {0};
        Listener listener = {0};
        end_of(local, &search.local);
        end_of(remote, &search.remote);
        bool is_ipv4 = memcmp(search.remote.bytes, mapped, sizeof(mapped)) == 0;
        int found = 0;
        guint n = g_strv_length((char **)tables);
        for (guint i = 0, at = *first; i < n && found <= 0; i++, at = (at + 1) % n) {
                found = search_table(&search, tables[at]);
                if (found > 0) {
                        *first = at;
                        found = settle(&search, tables[at]);
                }
                /* there may be no IPv6 */
                if (found < 0 && (at == 0 || errno != ENOENT))
                        return sc_throw_errno(error, "Cannot read %s", tables[at]);
                /* who listens on [::] need not do so for IPv4 */
                if (found == 0 && (at == 0) == is_ipv4)
                        listener = search.listener;
        }
        *ret = SC_NEIGHBOUR_NONE;
        if (found > 0)
                *ret = search.peer == PEER_OWNED ? SC_NEIGHBOUR_OWNED : SC_NEIGHBOUR_GONE;
        else if (is_this_host(&search, remote))
                *ret = listener.is_there ? SC_NEIGHBOUR_LISTENS : SC_NEIGHBOUR_UNSEEN;
        *ret_uid = found > 0 ? search.peer_uid : listener.uid;
        return true;
}

/* The worker of a user's daemon is in a user namespace in which everybody else is "nobody", root as well. */
static bool is_hidden(guint uid)
{
        if (uid != OVERFLOW_UID || getuid() == 0)
                return false;
        g_autofree char *map = NULL;
        unsigned count = 0;
        return g_file_get_contents("/proc/self/uid_map", &map, NULL, NULL) && sscanf(map, "%*u %*u %u", &count) == 1 &&
               count < G_MAXUINT32;
}

bool sc_neighbour_is_trusted(guint uid)
{
        if (is_hidden(uid))
                return true;
        return uid <= SYSTEM_UID_MAX || (uid >= DYNAMIC_UID_MIN && uid <= DYNAMIC_UID_MAX) || uid == getuid();
}

/* A socket of AF_SMC that speaks TCP to others has one of the kernel's own beneath, which is said to be root's. */
bool sc_neighbour_has_stand_ins(const char *protocols)
{
        FILE *file = fopen(protocols, "re");
        if (file == NULL)
                return true;
        char line[256], name[32];
        long sockets;
        bool found = false;
        while (!found && fgets(line, sizeof line, file) != NULL)
                found = sscanf(line, "%31s %*s %ld", name, &sockets) == 2 && g_str_has_prefix(name, "SMC") && sockets != 0;
        (void)fclose(file);
        return found;
}

/* Who answers and goes can be in no table any more, and what he has answered can be read all the same. */
static bool is_other_end_open(GSocketConnection *connection)
{
        struct tcp_info info = {0};
        socklen_t size = sizeof info;
        int fd = g_socket_get_fd(g_socket_connection_get_socket(connection));
        return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_ESTABLISHED;
}

static bool check(GSocketConnection *connection, GError **error)
{
        g_autoptr(GSocketAddress) local = g_socket_connection_get_local_address(connection, error);
        g_autoptr(GSocketAddress) remote = local != NULL ? g_socket_connection_get_remote_address(connection, error) : NULL;
        if (remote == NULL)
                return false;
        if (!G_IS_INET_SOCKET_ADDRESS(local) || !G_IS_INET_SOCKET_ADDRESS(remote))
                return true;
        static const char *const tables[] = {"/proc/self/net/tcp", "/proc/self/net/tcp6", NULL};
        static gint last_first; /* atomic: servers of the same pull are alike */
        ScNeighbour found;
        guint uid = 0, first = (guint)g_atomic_int_get(&last_first);
        if (!sc_neighbour_find(tables, &first, G_INET_SOCKET_ADDRESS(local), G_INET_SOCKET_ADDRESS(remote), &found, &uid, error))
                return sc_prefix(error, "Cannot tell whose server it is");
        g_atomic_int_set(&last_first, (gint)first);
        if (found == SC_NEIGHBOUR_NONE)
                return true;
        g_autofree char *where = g_socket_connectable_to_string(G_SOCKET_CONNECTABLE(remote));
        if (sc_neighbour_has_stand_ins("/proc/self/net/protocols"))
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "It cannot be told who runs the server at %s on this host while anybody has sockets of SMC: unload "
                                "the module "
                                "smc, or use `replace`",
                                where);
        if (found == SC_NEIGHBOUR_UNSEEN)
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "It cannot be told who runs the server at %s on this host: nobody here has the connection, or "
                                "listens there. If a packet filter sends it elsewhere, use `replace`",
                                where);
        if (found == SC_NEIGHBOUR_GONE || (found == SC_NEIGHBOUR_LISTENS && !is_other_end_open(connection)))
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "It cannot be told who runs the server at %s on this host: it closed the connection at once",
                                where);
        if (sc_neighbour_is_trusted(uid))
                return true;
        return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                        "The server at %s is run on this host by the user %u, not by root or a system service, so nobody vouches "
                        "for what it says: to pull from it all the same, use `replace`",
                        where, uid);
}

#define REFUSAL "sysconsd-neighbour"

static void on_network_event(SoupMessage *message, GSocketClientEvent event, GIOStream *connection, gpointer data)
{
        if (event != G_SOCKET_CLIENT_CONNECTED || !G_IS_SOCKET_CONNECTION(connection))
                return;
        GError *refusal = NULL;
        if (check(G_SOCKET_CONNECTION(connection), &refusal))
                return;
        g_object_set_data_full(G_OBJECT(message), REFUSAL, refusal, (GDestroyNotify)g_error_free);
        /* libsoup finds it broken when it wants to send */
        g_socket_shutdown(g_socket_connection_get_socket(G_SOCKET_CONNECTION(connection)), TRUE, TRUE, NULL);
}

void sc_neighbour_watch(SoupMessage *message)
{
        g_signal_connect(message, "network-event", G_CALLBACK(on_network_event), NULL);
}

bool sc_neighbour_allowed(SoupMessage *message, GError **error)
{
        const GError *refusal = g_object_get_data(G_OBJECT(message), REFUSAL);
        if (refusal == NULL)
                return true;
        g_propagate_error(error, g_error_copy(refusal));
        return false;
}
