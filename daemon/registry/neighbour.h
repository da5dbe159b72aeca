/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A server without verified TLS that runs on this host. Root may have named it ("localhost:5000"), but any user can listen on a
 * port above 1023 while the real one is down, or on [::1] where the real one has 127.0.0.1 only. The kernel knows whose sockets
 * they are (proc(5), /proc/net/tcp): such a server is believed if it is root's, a system service's, or the worker's own user's.
 * A user's own daemon cannot tell: its worker sees everybody else as nobody, and then believes it. */

#include <gio/gio.h>
#include <libsoup/soup.h>
#include <stdbool.h>

/* The message's connections are looked at before anything is sent, and closed if they end at somebody else. */
void sc_neighbour_watch(SoupMessage *message);
/* False with AccessDenied if one was. */
bool sc_neighbour_allowed(SoupMessage *message, GError **error);

typedef enum {
        SC_NEIGHBOUR_NONE,    /* nobody here is at the other end: it is another machine */
        SC_NEIGHBOUR_OWNED,   /* *ret_uid has it, or will have when he accepts it */
        SC_NEIGHBOUR_LISTENS, /* nobody has it, and *ret_uid listens there: root's packet filter sends it elsewhere; or he has gone
                               */
        SC_NEIGHBOUR_UNSEEN,  /* nobody has it or listens, though it is this host */
        SC_NEIGHBOUR_GONE,    /* somebody had it, and closed it */
} ScNeighbour;

/* tables: files as /proc/net/tcp and /proc/net/tcp6 in this order, ended by NULL; the second may be missing. To read one to its end
 * takes the kernel a millisecond or more: *first is the one to begin with, and then the one that had the other end. local and
 * remote: of our end of the connection. */
bool sc_neighbour_find(const char *const *tables, guint *first, GInetSocketAddress *local, GInetSocketAddress *remote,
                       ScNeighbour *ret, guint *ret_uid, GError **error);
bool sc_neighbour_is_trusted(guint uid);
/* Whether there are sockets that the kernel has others for in those tables, as root's. protocols: a file as /proc/net/protocols;
 * one that cannot be read has some. */
bool sc_neighbour_has_stand_ins(const char *protocols);
