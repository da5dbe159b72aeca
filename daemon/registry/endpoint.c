/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "endpoint.h"

#include <string.h>

/* A registry that speaks TLS does so at once; one that does not may say nothing at all to a handshake. */
#define PROBE_LIMIT (5 * G_TIME_SPAN_SECOND)

struct ScEndpoint {
        const ScConfig *config;
        char *host;
        char *host_name; /* without the port */
        bool loopback;
        bool any_server;
        ScEndpointTrust trust;
        char *https_base, *http_base;
        GMutex lock;
        const char *base; /* one of the two above; NULL: not known yet */
};

static char *without_port(const char *host)
{
        const char *colon = strrchr(host, ':');
        bool port = colon != NULL && strchr(colon, ']') == NULL;
        return port ? g_strndup(host, (gsize)(colon - host)) : g_strdup(host);
}

static bool listed_as_insecure(const ScConfig *config, const char *host)
{
        for (char **entry = config->insecure_registries; entry != NULL && *entry != NULL; entry++)
                if (g_ascii_strcasecmp(*entry, host) == 0)
                        return true;
        return false;
}

ScEndpoint *sc_endpoint_new(const ScReference *reference, ScEndpointTrust trust, const ScConfig *config)
{
        ScEndpoint *endpoint = g_new0(ScEndpoint, 1);
        endpoint->config = config;
        endpoint->host = g_strdup(g_str_equal(reference->host, "docker.io") ? "registry-1.docker.io" : reference->host);
        endpoint->host_name = without_port(endpoint->host);
        endpoint->loopback = sc_reference_is_loopback(reference);
        endpoint->trust = trust;
        endpoint->https_base = g_strconcat("https://", endpoint->host, NULL);
        endpoint->http_base = g_strconcat("http://", endpoint->host, NULL);
        g_mutex_init(&endpoint->lock);
        if (!endpoint->loopback && endpoint->trust == SC_ENDPOINT_VERIFIED && !listed_as_insecure(config, endpoint->host))
                endpoint->base = endpoint->https_base;
        return endpoint;
}

void sc_endpoint_allow_any_server(ScEndpoint *endpoint)
{
        endpoint->any_server = true;
}

bool sc_endpoint_allows_any_server(const ScEndpoint *endpoint)
{
        return endpoint->any_server;
}

void sc_endpoint_free(ScEndpoint *endpoint)
{
        if (endpoint == NULL)
                return;
        g_mutex_clear(&endpoint->lock);
        g_free(endpoint->host);
        g_free(endpoint->host_name);
        g_free(endpoint->https_base);
        g_free(endpoint->http_base);
        g_free(endpoint);
}

const char *sc_endpoint_host(const ScEndpoint *endpoint)
{
        return endpoint->host;
}

/* A handshake that fails over the certificate, or with an alert, is TLS all the same: only a server that does not speak it, or
 * nobody there, lets plain http be tried. */
static bool speaks_tls(const GError *problem)
{
        return problem == NULL || g_error_matches(problem, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE) ||
               g_error_matches(problem, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED) ||
               g_error_matches(problem, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE);
}

static const char *try_base(ScEndpoint *endpoint, const char *base, ScHttp *http, gint64 limit, GCancellable *cancellable,
                            GError **error)
{
        g_autoptr(GError) problem = NULL;
        bool tls = base == endpoint->https_base;
        bool good = sc_http_probe(http, tls ? SC_HTTP_PROBE_TLS : SC_HTTP_PROBE_PLAIN, endpoint->host, MIN(limit, PROBE_LIMIT),
                                  cancellable, &problem);
        if (good || (tls && speaks_tls(problem)))
                return base;
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
}

/* "http:" means plain http first. But at a port that was given, whoever accepts a connection may speak either. */
static const char *try_both(ScEndpoint *endpoint, ScHttp *http, gint64 limit, GCancellable *cancellable, GError **error)
{
        bool plain_first = endpoint->trust == SC_ENDPOINT_PLAIN && g_str_equal(endpoint->host, endpoint->host_name);
        const char *first = plain_first ? endpoint->http_base : endpoint->https_base;
        const char *second = plain_first ? endpoint->https_base : endpoint->http_base;
        const char *base = try_base(endpoint, first, http, limit, cancellable, NULL);
        return base != NULL ? base : try_base(endpoint, second, http, limit, cancellable, error);
}

static const char *known_base(ScEndpoint *endpoint)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&endpoint->lock);
        return endpoint->base;
}

const char *sc_endpoint_base(ScEndpoint *endpoint, ScHttp *http, gint64 limit, GCancellable *cancellable, GError **error)
{
        const char *base = known_base(endpoint);
        if (base != NULL)
                return base;
        /* Without the lock: two threads that try at once find the same. */
        base = try_both(endpoint, http, limit, cancellable, error);
        if (base == NULL)
                return NULL;
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&endpoint->lock);
        endpoint->base = base;
        return base;
}

static char *host_of_uri(GUri *uri)
{
        bool literal = strchr(g_uri_get_host(uri), ':') != NULL;
        return g_strconcat(literal ? "[" : "", g_uri_get_host(uri), literal ? "]" : "", NULL);
}

static int port_of_uri(GUri *uri)
{
        int usual_port = g_str_equal(g_uri_get_scheme(uri), "https") ? 443 : 80;
        return g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : usual_port;
}

bool sc_endpoint_is_at(const ScEndpoint *endpoint, GUri *uri)
{
        bool https = g_str_equal(g_uri_get_scheme(uri), "https");
        g_autoptr(GUri) base = g_uri_parse(https ? endpoint->https_base : endpoint->http_base, SOUP_HTTP_URI_FLAGS, NULL);
        return base != NULL && g_ascii_strcasecmp(g_uri_get_host(base), g_uri_get_host(uri)) == 0 &&
               port_of_uri(base) == port_of_uri(uri);
}

/* The configuration may name a default port or leave it out, and GUri gives it in both cases. */
static bool configured_as_insecure(const ScEndpoint *endpoint, const char *host, GUri *uri)
{
        int usual_port = g_str_equal(g_uri_get_scheme(uri), "https") ? 443 : 80;
        int port = port_of_uri(uri);
        g_autofree char *host_and_port = g_strdup_printf("%s:%d", host, port);
        return listed_as_insecure(endpoint->config, host_and_port) ||
               (port == usual_port && listed_as_insecure(endpoint->config, host));
}

bool sc_endpoint_allows_unverified(const ScEndpoint *endpoint, GUri *uri)
{
        g_autofree char *host = host_of_uri(uri);
        return (endpoint->trust != SC_ENDPOINT_VERIFIED && g_ascii_strcasecmp(host, endpoint->host_name) == 0) ||
               configured_as_insecure(endpoint, host, uri);
}

bool sc_endpoint_allows_plain(const ScEndpoint *endpoint, GUri *uri)
{
        g_autofree char *host = host_of_uri(uri);
        const ScReference reference = {.host = host};
        return sc_reference_is_loopback(&reference) || sc_endpoint_allows_unverified(endpoint, uri);
}

bool sc_endpoint_may_see_login(const ScEndpoint *endpoint, GUri *uri)
{
        g_autofree char *host = host_of_uri(uri);
        const ScReference reference = {.host = host};
        bool verified = g_str_equal(g_uri_get_scheme(uri), "https") && !sc_endpoint_allows_unverified(endpoint, uri);
        bool made_insecure = endpoint->trust == SC_ENDPOINT_INSECURE && g_ascii_strcasecmp(host, endpoint->host_name) == 0;
        return verified || made_insecure || sc_reference_is_loopback(&reference) || configured_as_insecure(endpoint, host, uri);
}

bool sc_endpoint_may_send_login(const ScEndpoint *endpoint, GUri *registry, GUri *receiver)
{
        bool downgrade = g_str_equal(g_uri_get_scheme(receiver), "http") && !g_str_equal(g_uri_get_scheme(registry), "http");
        return !downgrade && sc_endpoint_may_see_login(endpoint, registry) && sc_endpoint_may_see_login(endpoint, receiver);
}
