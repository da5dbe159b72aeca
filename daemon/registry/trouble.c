/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trouble.h"

#include "base/error.h"
#include <string.h>

char *sc_trouble_host(GUri *uri)
{
        int port = g_uri_get_port(uri);
        if (port <= 0 || port == (g_str_equal(g_uri_get_scheme(uri), "https") ? 443 : 80))
                return g_strdup(g_uri_get_host(uri));
        return g_strdup_printf(strchr(g_uri_get_host(uri), ':') != NULL ? "[%s]:%d" : "%s:%d", g_uri_get_host(uri), port);
}

static const char *flaw_of_certificate(SoupMessage *message)
{
        GTlsCertificateFlags flaws = message != NULL ? soup_message_get_tls_peer_certificate_errors(message) : 0;
        if ((flaws & G_TLS_CERTIFICATE_EXPIRED) != 0)
                return "has expired";
        if ((flaws & G_TLS_CERTIFICATE_NOT_ACTIVATED) != 0)
                return "is not valid yet (is this machine's clock right?)";
        if ((flaws & G_TLS_CERTIFICATE_BAD_IDENTITY) != 0)
                return "is for another host";
        if ((flaws & G_TLS_CERTIFICATE_REVOKED) != 0)
                return "was revoked";
        return "is not signed by an authority that this machine knows";
}

static bool throw_tls(const GError *problem, SoupMessage *message, const char *host, ScPatience *patience, GError **error)
{
        if (problem->code == G_TLS_ERROR_BAD_CERTIFICATE)
                return sc_throw(error, SC_ERROR_NETWORK,
                                "The TLS certificate of %s %s: put the authority's certificate into /etc/containers/certs.d/%s as "
                                "ca.crt, install it on this machine (update-ca-certificates), or call the registry insecure in "
                                "/etc/containers/registries.conf or InsecureRegistries= of /etc/sysconsd.conf",
                                host, flaw_of_certificate(message), host);
        if (problem->code == G_TLS_ERROR_CERTIFICATE_REQUIRED)
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "%s wants a certificate of this machine: put it, and its key, into /etc/containers/certs.d/%s as "
                                "client.cert and client.key",
                                host, host);
        if (problem->code == G_TLS_ERROR_EOF)
                return sc_patience_throw(patience, error, "%s broke the connection off", host);
        return sc_throw(error, SC_ERROR_NETWORK,
                        "%s cannot be reached with TLS (%s): if it wants a certificate of this machine, put that into "
                        "/etc/containers/certs.d/%s as client.cert and client.key; if it speaks plain http, write http:IMAGE, or "
                        "call it insecure in /etc/containers/registries.conf or InsecureRegistries= of /etc/sysconsd.conf",
                        host, problem->message, host);
}

static bool throw_proxy_login(const char *host, GError **error)
{
        return sc_throw(
                error, SC_ERROR_ACCESS_DENIED,
                "The proxy on the way to %s wants a login, or another one: HTTPS_PROXY can be http://USER:PASSWORD@HOST:PORT",
                host);
}

static bool throw_io(const GError *problem, const char *host, ScPatience *patience, GError **error)
{
        switch (problem->code) {
        case G_IO_ERROR_CANCELLED:
                return sc_throw(error, SC_ERROR_CANCELLED, "The download was stopped");
        case G_IO_ERROR_CONNECTION_REFUSED:
                return sc_patience_throw(patience, error, "%s refused the connection: is the registry running there, at that port?",
                                         host);
        case G_IO_ERROR_TIMED_OUT:
                return sc_patience_throw(patience, error,
                                         "%s sent nothing for too long: check the network, and whether the registry is well", host);
        case G_IO_ERROR_PROXY_FAILED:
        case G_IO_ERROR_PROXY_NOT_ALLOWED:
                return sc_patience_throw(patience, error, "The proxy does not lead to %s: look at HTTPS_PROXY and NO_PROXY", host);
        case G_IO_ERROR_PROXY_AUTH_FAILED:
        case G_IO_ERROR_PROXY_NEED_AUTH:
                return throw_proxy_login(host, error);
        case G_IO_ERROR_HOST_UNREACHABLE:
        case G_IO_ERROR_NETWORK_UNREACHABLE:
                return sc_patience_throw(patience, error, "%s cannot be reached: check this machine's network", host);
        default:
                return sc_patience_throw(patience, error, "The connection to %s broke: %s", host, problem->message);
        }
}

bool sc_trouble_throw(const GError *problem, SoupMessage *message, const char *host, ScPatience *patience, GError **error)
{
        if (problem->domain == SC_ERROR)
                return sc_throw(error, (ScError)problem->code, "%s", problem->message);
        if (problem->domain == G_TLS_ERROR)
                return throw_tls(problem, message, host, patience, error);
        if (problem->domain == G_IO_ERROR)
                return throw_io(problem, host, patience, error);
        if (g_error_matches(problem, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
                return sc_throw(error, SC_ERROR_NETWORK,
                                "The host %s is not known: check the name, and this machine's name resolution", host);
        return sc_patience_throw(patience, error, "Talking to %s failed: %s", host, problem->message);
}

gint64 sc_trouble_retry_after(const char *text)
{
        if (text == NULL)
                return 0;
        guint64 seconds;
        if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT32, &seconds, NULL))
                return (gint64)seconds * G_TIME_SPAN_SECOND;
        g_autoptr(GDateTime) date = soup_date_time_new_from_http_string(text);
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        return date != NULL ? MAX(g_date_time_difference(date, now), 0) : 0;
}

static gint64 retry_after(SoupMessage *message)
{
        return sc_trouble_retry_after(soup_message_headers_get_one(soup_message_get_response_headers(message), "Retry-After"));
}

bool sc_trouble_throw_status(SoupMessage *message, ScPatience *patience, GError **error)
{
        guint status = soup_message_get_status(message);
        g_autofree char *host = sc_trouble_host(soup_message_get_uri(message));
        if (status == 429) {
                sc_patience_ask(patience, retry_after(message));
                return sc_patience_throw(patience, error, "%s says that there were too many requests (429): try again later", host);
        }
        if (status >= 500) {
                sc_patience_ask(patience, retry_after(message));
                return sc_patience_throw(patience, error, "%s has trouble of its own (%u): look into its log, or try again later",
                                         host, status);
        }
        if (status == 407)
                return throw_proxy_login(host, error);
        if (status == 401 || status == 403)
                return sc_throw(error, SC_ERROR_ACCESS_DENIED, "%s refuses access (%u)", host, status);
        return sc_throw(error, SC_ERROR_NETWORK, "%s gave an answer that is of no use (%u): is it a registry?", host, status);
}
