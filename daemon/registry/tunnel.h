/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tunnels (CONNECT, RFC 9110, 9.3.6) through a proxy, made by GIO. libsoup makes them itself where it sees a proxy that speaks
 * http, but cannot log in there (3.2: it begins anew with the proxy's own address for a target). So it sees another protocol. */

#define SC_TUNNEL_HTTP "tunnel-http"   /* in place of http */
#define SC_TUNNEL_HTTPS "tunnel-https" /* in place of https */

/* Makes GIO know the two. From any thread, as often as one likes. */
void sc_tunnel_register(void);
