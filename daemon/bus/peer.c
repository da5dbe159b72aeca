/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/peer.h"
#include "bus/reply.h"

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"

/* The bus allows a connection 512 matches, of which each peer takes one. */
#define MAX_PEERS 256

struct ScPeers {
        sd_bus *bus;
        GHashTable *by_name; /* Peer */
        ScPeerGoneFunc gone;
        gpointer data;
};

typedef struct {
        ScPeerKnownFunc known; /* NULL once it was called, or where nobody asks */
        gpointer data;
} Hold;

typedef struct {
        ScPeers *peers;
        char *name;
        GArray *holds;
        bool is_known;
        uid_t uid;
        sd_bus_slot *watch_slot;
        sd_bus_slot *uid_slot;
        guint tell_source;
} Peer;

static void peer_free(gpointer data)
{
        Peer *peer = data;
        g_clear_handle_id(&peer->tell_source, g_source_remove);
        sd_bus_slot_unref(peer->watch_slot);
        sd_bus_slot_unref(peer->uid_slot);
        g_array_unref(peer->holds);
        g_free(peer->name);
        g_free(peer);
}

ScPeers *sc_peers_new(sd_bus *bus, ScPeerGoneFunc gone, gpointer data)
{
        ScPeers *peers = g_new0(ScPeers, 1);
        peers->bus = sd_bus_ref(bus);
        peers->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, peer_free);
        peers->gone = gone;
        peers->data = data;
        return peers;
}

void sc_peers_free(ScPeers *peers)
{
        if (peers == NULL)
                return;
        g_hash_table_unref(peers->by_name);
        sd_bus_unref(peers->bus);
        g_free(peers);
}

static void drop(Peer *peer)
{
        ScPeers *peers = peer->peers;
        g_autofree char *name = g_strdup(peer->name);
        g_hash_table_remove(peers->by_name, name);
        peers->gone(peers->data, name);
}

/* Listeners may hold and release while they are told: the list is looked at anew each time, and the peer with it. */
static gboolean on_tell(gpointer data)
{
        Peer *peer = data;
        ScPeers *peers = peer->peers;
        g_autofree char *name = g_strdup(peer->name);
        peer->tell_source = 0;
        while ((peer = g_hash_table_lookup(peers->by_name, name)) != NULL) {
                Hold *waiting = NULL;
                for (guint i = 0; i < peer->holds->len && waiting == NULL; i++)
                        if (g_array_index(peer->holds, Hold, i).known != NULL)
                                waiting = &g_array_index(peer->holds, Hold, i);
                if (waiting == NULL)
                        break;
                ScPeerKnownFunc known = waiting->known;
                waiting->known = NULL;
                known(waiting->data, peer->uid);
        }
        return G_SOURCE_REMOVE;
}

static void tell_later(Peer *peer)
{
        if (peer->tell_source == 0)
                peer->tell_source = g_idle_add_full(G_PRIORITY_DEFAULT, on_tell, peer, NULL);
}

static int on_uid(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        Peer *peer = data;
        uint32_t uid;
        peer->uid_slot = sd_bus_slot_unref(peer->uid_slot);
        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "u", &uid) < 0) {
                drop(peer);
                return 0;
        }
        peer->uid = uid;
        peer->is_known = true;
        tell_later(peer);
        return 0;
}

static int on_owner_changed(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        const char *name, *old_owner, *new_owner;
        if (sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) >= 0 && *new_owner == '\0')
                drop(data);
        return 0;
}

/* The bus may refuse a match; without a function here sd-bus would give up the whole connection. */
static int on_watched(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        if (sd_bus_message_is_method_error(reply, NULL))
                drop(data);
        return 1;
}

/* The match is on its way before the question: a peer that goes meanwhile is noticed by one of the two. */
static bool watch(Peer *peer, GError **error)
{
        g_autofree char *match = g_strdup_printf("type='signal',sender='" DRIVER "',path='" DRIVER_PATH "',interface='" DRIVER "',"
                                                 "member='NameOwnerChanged',arg0='%s'",
                                                 peer->name);
        int r = sd_bus_add_match_async(peer->peers->bus, &peer->watch_slot, match, on_owner_changed, on_watched, peer);
        if (r >= 0)
                r = sd_bus_call_method_async(peer->peers->bus, &peer->uid_slot, DRIVER, DRIVER_PATH, DRIVER,
                                             "GetConnectionUnixUser", on_uid, peer, "s", peer->name);
        return r >= 0 || sc_bus_throw(error, r, "Cannot ask who %s is", peer->name);
}

static bool is_held_for(const Peer *peer, gconstpointer data)
{
        for (guint i = 0; i < peer->holds->len; i++)
                if (g_array_index(peer->holds, Hold, i).data == data)
                        return true;
        return false;
}

bool sc_peers_hold(ScPeers *peers, const char *name, ScPeerKnownFunc known, gpointer data, GError **error)
{
        Peer *peer = g_hash_table_lookup(peers->by_name, name);
        if (peer == NULL && g_hash_table_size(peers->by_name) >= MAX_PEERS)
                return sc_throw(error, SC_ERROR_BUSY, "Too many callers at once: try again later");
        if (peer == NULL) {
                peer = g_new0(Peer, 1);
                peer->peers = peers;
                peer->name = g_strdup(name);
                peer->holds = g_array_new(FALSE, FALSE, sizeof(Hold));
                if (!watch(peer, error)) {
                        peer_free(peer);
                        return false;
                }
                g_hash_table_insert(peers->by_name, peer->name, peer);
        }
        if (is_held_for(peer, data))
                return true;
        Hold hold = {.known = known, .data = data};
        g_array_append_val(peer->holds, hold);
        if (peer->is_known && known != NULL)
                tell_later(peer);
        return true;
}

void sc_peers_release(ScPeers *peers, const char *name, gpointer data)
{
        Peer *peer = g_hash_table_lookup(peers->by_name, name);
        if (peer == NULL)
                return;
        for (guint i = 0; i < peer->holds->len; i++)
                if (g_array_index(peer->holds, Hold, i).data == data) {
                        g_array_remove_index(peer->holds, i);
                        break;
                }
        if (peer->holds->len == 0)
                g_hash_table_remove(peers->by_name, name);
}
