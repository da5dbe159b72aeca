/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What sysconsd and sysconsd-worker say to each other: JSON objects, one a packet of a SOCK_SEQPACKET pair. One request goes to
 * the worker; progress and message packets come back, and exactly one result or error ends it.
 *
 *   {"type":"request","job":7,"operation":"install","subject":"localhost:5000/hello","options":{"values":{"PORT":"8082"}}}
 *   {"type":"progress","phase":"Pulling","done":1024,"total":4096}
 *   {"type":"message","line":"Pulling layer 2f1a..."}
 *   {"type":"result","details":{"container":"hello"}}            all details are strings
 *   {"type":"error","code":"NotFound","message":"Image x not found","details":{}}
 *
 * Option keys are those of the D-Bus contract. A request for somebody with a network may have "environment":{"HTTP_PROXY":"..."},
 * too. A file descriptor among the options is {"fd":N}: the Nth that came with the packet (SCM_RIGHTS). The daemon treats a worker
 * as hostile: sizes, types and order are checked. */

#include "base/json.h"

#define SC_PROTOCOL_MAX_PACKET (512u * 1024)
#define SC_PROTOCOL_MAX_FDS 16
#define SC_PROTOCOL_MAX_TEXT (16u * 1024) /* bytes of a message's line or an error's message */

typedef enum {
        SC_PACKET_REQUEST,
        SC_PACKET_PROGRESS,
        SC_PACKET_MESSAGE,
        SC_PACKET_RESULT,
        SC_PACKET_ERROR,
} ScPacketType;

typedef struct {
        ScPacketType type;
        /* request */
        guint64 job;
        char *operation;
        char *subject;           /* may be "" */
        JsonObject *options;     /* never NULL */
        GHashTable *environment; /* string to string, never NULL: variables for the worker, of base/proxy-variables.h */
        int *fds;                /* owned, -1 where one was taken; NULL where there are none */
        gsize n_fds;
        /* progress */
        char *phase;
        guint64 done, total;
        /* message: line; error: message */
        char *text;
        /* result, error */
        GHashTable *details;
        /* error */
        int code; /* ScError */
} ScPacket;

ScPacket *sc_packet_new(ScPacketType type);
void sc_packet_free(ScPacket *packet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPacket, sc_packet_free)

/* As they are sent, but for descriptors, and back; Corrupt. */
char *sc_packet_to_text(const ScPacket *packet);
ScPacket *sc_packet_from_text(const char *text, gsize size, GError **error);

/* Two connected sockets, close-on-exec, with buffers for the largest packet that the kernel's limits allow. */
bool sc_packet_socketpair(int ret_fds[2], GError **error);

/* A text over its limit is cut (message, error); a packet over the limit is refused with InvalidArgument (request, result). Control
 * characters in texts become spaces, here and in sc_packet_receive(), and what may be in no text on a bus U+FFFD. Busy: the other
 * side did not take it in time. */
bool sc_packet_send(int socket_fd, const ScPacket *packet, GError **error);

/* 1: a packet; 0: the other side is gone (or, on a socket that does not block, *ret_again true: nothing there); -1: error. Corrupt
 * for a packet that is not well-formed. */
int sc_packet_receive(int socket_fd, ScPacket **ret, bool *ret_again, GError **error);
