/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One thread's way into the network: a libsoup session with a main context of its own. The calls block; inside they are
 * asynchronous, because only so every wait (name lookup, connection, handshake, headers, body) can be bounded and cancelled.
 * To be used by one thread only, the one that made it.
 *
 * limit: microseconds that the call may take; then the error is G_IO_ERROR_TIMED_OUT. Errors are GIO's. */

#include <libsoup/soup.h>
#include <stdbool.h>

typedef struct ScHttp ScHttp;
ScHttp *sc_http_new(void);
/* To a server on this host, at a socket in the file system; URLs have any host. */
ScHttp *sc_http_new_local(const char *socket);
void sc_http_free(ScHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScHttp, sc_http_free)

/* Sends and waits for the headers of the answer; redirects and 401 are the caller's matter, and bodies are never decoded. */
GInputStream *sc_http_send(ScHttp *http, SoupMessage *message, gint64 limit, GCancellable *cancellable, GError **error);
/* The next bytes of a body, at least one; 0: its end. -1: error. */
gssize sc_http_read(ScHttp *http, GInputStream *body, void *buffer, gsize size, gint64 limit, GCancellable *cancellable,
                    GError **error);
/* Lets go of an answer; not to be left to g_object_unref(), which libsoup wants called within the session's main context. */
void sc_http_release(ScHttp *http, SoupMessage **message, GInputStream **body);
/* Calls from now on are for this one: connections made for another are dropped, because what was checked of them was not checked
 * for this one. */
void sc_http_turn_to(ScHttp *http, const void *whom);
/* Drops all connections: after trouble, or a body that nobody wants to the end. */
void sc_http_reset(ScHttp *http);

/* Can a connection be made (and, if so wanted, a TLS handshake)? It is closed at once. */
typedef enum { SC_HTTP_PROBE_PLAIN, SC_HTTP_PROBE_TLS } ScHttpProbe;
bool sc_http_probe(ScHttp *http, ScHttpProbe probe, const char *host_and_port, gint64 limit, GCancellable *cancellable,
                   GError **error);

/* Does nothing for that long. False only with G_IO_ERROR_CANCELLED. */
bool sc_http_pause(ScHttp *http, gint64 duration, GCancellable *cancellable, GError **error);
