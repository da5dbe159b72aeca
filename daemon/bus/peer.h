/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who calls: the uid behind a unique bus name, asked from the bus driver (which knows it from the socket, so it cannot be forged),
 * and word of its end. Nothing here blocks. A unique name is never given to another connection. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

typedef struct ScPeers ScPeers;

typedef void (*ScPeerGoneFunc)(gpointer data, const char *name);
ScPeers *sc_peers_new(sd_bus *bus, ScPeerGoneFunc gone, gpointer data);
void sc_peers_free(ScPeers *peers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPeers, sc_peers_free)

/* Watches a connection for `data` (a second time for the same data changes nothing); `gone` comes when it ends, also if it had
 * ended before, and never from within. known is called once, never from within, when the uid is known, unless the peer is gone or
 * released before; it may be NULL. Busy where too many are watched already. */
typedef void (*ScPeerKnownFunc)(gpointer data, uid_t uid);
bool sc_peers_hold(ScPeers *peers, const char *name, ScPeerKnownFunc known, gpointer data, GError **error);
/* Ends the watch for `data`; nothing happens for a peer that is gone. */
void sc_peers_release(ScPeers *peers, const char *name, gpointer data);
