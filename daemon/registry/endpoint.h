/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a registry is, and what may be said to whom in plain text. By default everything is https, verified. A registry on
 * loopback may speak plain http instead, and so may one that the configuration calls insecure (then its certificate is not
 * verified either), or one that the user named with "http:". */

#include "base/config.h"
#include "base/reference.h"
#include "http.h"

typedef struct ScEndpoint ScEndpoint;
typedef enum {
        SC_ENDPOINT_VERIFIED, /* unless config->insecure_registries names the host */
        SC_ENDPOINT_INSECURE, /* the administrator says so: TLS if it is spoken, whoever vouches for it */
        SC_ENDPOINT_PLAIN,    /* the user says so: plain http first, where no port is given */
} ScEndpointTrust;
/* For the reference's host. config must outlive it. */
ScEndpoint *sc_endpoint_new(const ScReference *reference, ScEndpointTrust trust, const ScConfig *config);
/* Whoever runs it, also if that is an ordinary user of this host (see neighbour.h). Before it is used. */
void sc_endpoint_allow_any_server(ScEndpoint *endpoint);
bool sc_endpoint_allows_any_server(const ScEndpoint *endpoint);
void sc_endpoint_free(ScEndpoint *endpoint);

/* HOST[:PORT] as it is spoken to: "registry-1.docker.io" for docker.io. */
const char *sc_endpoint_host(const ScEndpoint *endpoint);

/* "https://HOST[:PORT]" or "http://...", static for the endpoint's life. Where there is a choice, the first call tries, with
 * GIO's errors, and the answer is kept. From any thread. */
const char *sc_endpoint_base(ScEndpoint *endpoint, ScHttp *http, gint64 limit, GCancellable *cancellable, GError **error);

/* Does the URI lead there, at that port? */
bool sc_endpoint_is_at(const ScEndpoint *endpoint, GUri *uri);

/* May the host of this URI be spoken to without TLS, or with a certificate that nobody vouches for? */
bool sc_endpoint_allows_plain(const ScEndpoint *endpoint, GUri *uri);
bool sc_endpoint_allows_unverified(const ScEndpoint *endpoint, GUri *uri);
/* May the host of this URI be told a password? Over verified TLS, or where the configuration (or loopback) makes do without;
 * "http:" alone is no reason. */
bool sc_endpoint_may_see_login(const ScEndpoint *endpoint, GUri *uri);
/* It is the registry that says who is to be told the password: whoever speaks in its place, where nobody vouches for it, would name
 * himself. So both have to be such hosts, and none is told in plain text what the registry would not be. */
bool sc_endpoint_may_send_login(const ScEndpoint *endpoint, GUri *registry, GUri *receiver);
