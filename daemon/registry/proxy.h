/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which proxy, if any, leads to a host: by HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as the tools of the field understand them (Go's
 * golang.org/x/net/http/httpproxy). NO_PROXY is a list, parted by commas, of
 *   *                     all hosts
 *   a.example             that host and all below it; .a.example and *.a.example: only those below it
 *   10.0.0.1, [::1]       that address, where it is written in the URL
 *   10.0.0.0/8            all addresses in there
 * each but the last and first perhaps with :PORT. Loopback is never reached by a proxy. */

#include <gio/gio.h>
#include <stdbool.h>

typedef struct ScProxies ScProxies;

/* NULL: not set. A proxy is [SCHEME://][USER:PASSWORD@]HOST[:PORT], the scheme http, https or socks5. */
ScProxies *sc_proxies_new(const char *http, const char *https, const char *no_proxy);
void sc_proxies_free(ScProxies *proxies);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScProxies, sc_proxies_free)

/* For a URI like "https://host:port"; NULL: none is needed. What leads to https is one of the schemes of tunnel.h. *error
 * InvalidArgument where the variable is no proxy: it is named, but not shown, as there may be a password in it. */
char *sc_proxies_find(const ScProxies *proxies, const char *uri, GError **error);

/* By the environment of this process. */
GProxyResolver *sc_proxy_resolver_new(void);
