/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http.h"

#include "proxy.h"
#include <gio/gunixsocketaddress.h>
#include <string.h>

enum { MAX_INFORMATIONAL = 10 };

struct ScHttp {
        GMainContext *context;
        GSocketAddress *local; /* NULL: by the network */
        SoupSession *session;  /* NULL: made when it is needed */
        const void *whom;
        GProxyResolver *proxies;
};

ScHttp *sc_http_new(void)
{
        ScHttp *http = g_new0(ScHttp, 1);
        http->context = g_main_context_new();
        http->proxies = sc_proxy_resolver_new();
        return http;
}

ScHttp *sc_http_new_local(const char *socket)
{
        ScHttp *http = sc_http_new();
        http->local = g_unix_socket_address_new(socket);
        return http;
}

/* libsoup attaches what it does later to the context that is the thread's default now. */
static void drop_session(ScHttp *http)
{
        if (http->session == NULL)
                return;
        g_main_context_push_thread_default(http->context);
        soup_session_abort(http->session);
        while (g_main_context_iteration(http->context, FALSE))
                ;
        g_clear_object(&http->session);
        while (g_main_context_iteration(http->context, FALSE))
                ;
        g_main_context_pop_thread_default(http->context);
}

void sc_http_free(ScHttp *http)
{
        if (http == NULL)
                return;
        drop_session(http);
        g_clear_object(&http->local);
        g_main_context_unref(http->context);
        g_object_unref(http->proxies);
        g_free(http);
}

void sc_http_reset(ScHttp *http)
{
        drop_session(http);
}

void sc_http_turn_to(ScHttp *http, const void *whom)
{
        if (http->whom != whom)
                drop_session(http);
        http->whom = whom;
}

void sc_http_release(ScHttp *http, SoupMessage **message, GInputStream **body)
{
        g_main_context_push_thread_default(http->context);
        g_clear_object(body);
        g_clear_object(message);
        g_main_context_pop_thread_default(http->context);
}

static void need_session(ScHttp *http)
{
        if (http->session != NULL)
                return;
        http->session = soup_session_new_with_options("user-agent", PACKAGE_NAME "/" PACKAGE_VERSION, "timeout", 0,
                                                      "proxy-resolver", http->local == NULL ? http->proxies : NULL,
                                                      "remote-connectable", http->local, "tls-database", NULL, NULL);
        /* Digests and sizes are those of the bytes as they are sent. */
        soup_session_remove_feature_by_type(http->session, SOUP_TYPE_CONTENT_DECODER);
        /* No credentials are ever taken from a URL, nor from a server's wish for a password. */
        soup_session_remove_feature_by_type(http->session, SOUP_TYPE_AUTH_MANAGER);
}

/* Reading all authorities that this host trusts takes longer than many an answer: it is left out where all is plain http. */
static void need_authorities(ScHttp *http, SoupMessage *message)
{
        if (g_str_equal(g_uri_get_scheme(soup_message_get_uri(message)), "http") ||
            soup_session_get_tls_database(http->session) != NULL)
                return;
        g_autoptr(GTlsDatabase) authorities = g_tls_backend_get_default_database(g_tls_backend_get_default());
        soup_session_set_tls_database(http->session, authorities);
}

/* One asynchronous call that is waited for. */
typedef struct {
        ScHttp *http;
        GCancellable *cancellable; /* given to the call: cancelled in this thread, behind the caller's, or by time */
        GCancellable *callers;     /* NULL: none */
        gulong callers_handler;
        GSource *timer;
        bool expired;
        unsigned informational; /* answers (1xx) before the answer */
        GObject *source;
        GAsyncResult *result;
} Wait;

/* Runs in the thread that cancels. */
static void wake_up(GCancellable *cancellable, gpointer context)
{
        g_main_context_wakeup(context);
}

static gboolean time_is_over(gpointer data)
{
        Wait *wait = data;
        wait->expired = true;
        g_cancellable_cancel(wait->cancellable);
        return G_SOURCE_REMOVE;
}

static void wait_begin(Wait *wait, ScHttp *http, gint64 limit, GCancellable *cancellable)
{
        *wait = (Wait){.http = http, .callers = cancellable, .cancellable = g_cancellable_new()};
        g_main_context_push_thread_default(http->context);
        /* Not g_cancellable_source_new(): GLib leaks such a source if it is destroyed while another thread is still cancelling. */
        if (cancellable != NULL)
                wait->callers_handler = g_cancellable_connect(cancellable, G_CALLBACK(wake_up), http->context, NULL);
        wait->timer = g_timeout_source_new((guint)CLAMP(limit / 1000, 1, G_MAXINT));
        g_source_set_callback(wait->timer, time_is_over, wait, NULL);
        g_source_attach(wait->timer, http->context);
}

static void wait_done(GObject *source, GAsyncResult *result, gpointer data)
{
        Wait *wait = data;
        g_set_object(&wait->source, source);
        g_set_object(&wait->result, result);
}

static void iterate(Wait *wait)
{
        g_main_context_iteration(wait->http->context, TRUE);
        if (wait->callers != NULL && g_cancellable_is_cancelled(wait->callers))
                g_cancellable_cancel(wait->cancellable);
}

static void wait_for_result(Wait *wait)
{
        while (wait->result == NULL)
                iterate(wait);
}

/* problem: what the call ended with, NULL for success; taken over. */
static bool wait_end(Wait *wait, GError *problem, GError **error)
{
        g_cancellable_disconnect(wait->callers, wait->callers_handler);
        g_source_destroy(wait->timer);
        g_source_unref(wait->timer);
        g_clear_object(&wait->result);
        g_clear_object(&wait->source);
        g_clear_object(&wait->cancellable);
        g_main_context_pop_thread_default(wait->http->context);
        if (problem == NULL)
                return true;
        bool cancelled = wait->callers != NULL && g_cancellable_is_cancelled(wait->callers);
        if (wait->informational > MAX_INFORMATIONAL && !cancelled) {
                g_clear_error(&problem);
                problem = g_error_new(G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "Announcements of an answer without an end");
        } else if (wait->expired && !cancelled) {
                g_clear_error(&problem);
                problem = g_error_new(G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "No answer in time");
        }
        g_propagate_error(error, problem);
        return false;
}

/* HTTP/2 brings nothing to a few large downloads, and costs libsoup ten times the CPU time; it is not offered to the server. */
static void offer_http_1_only(SoupMessage *message, GSocketClientEvent event, GIOStream *connection, gpointer data)
{
        static const char *const protocols[] = {"http/1.1", NULL};
        if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
                g_tls_connection_set_advertised_protocols(G_TLS_CONNECTION(connection), protocols);
}

/* libsoup reads them in one go, so that nobody who sends them without a pause is ever cut off by a timer. */
static void count_informational(SoupMessage *message, gpointer data)
{
        Wait *wait = data;
        if (++wait->informational > MAX_INFORMATIONAL)
                g_cancellable_cancel(wait->cancellable);
}

/* In a tunnel GIO does it. Without one libsoup 3.2 would, but it forgets the path when it begins anew with a login. */
static void log_in_at_proxy(ScHttp *http, SoupMessage *message)
{
        GUri *uri = soup_message_get_uri(message);
        if (!g_str_equal(g_uri_get_scheme(uri), "http"))
                return;
        g_autofree char *text = g_uri_to_string(uri);
        g_auto(GStrv) proxies = g_proxy_resolver_lookup(http->proxies, text, NULL, NULL);
        g_autoptr(GUri) proxy = proxies != NULL ? g_uri_parse(proxies[0], G_URI_FLAGS_HAS_PASSWORD, NULL) : NULL;
        if (proxy == NULL || g_uri_get_user(proxy) == NULL)
                return;
        const char *password = g_uri_get_password(proxy);
        g_autofree char *login = g_strconcat(g_uri_get_user(proxy), ":", password != NULL ? password : "", NULL);
        g_autofree char *encoded = g_base64_encode((const guchar *)login, strlen(login));
        g_autofree char *value = g_strconcat("Basic ", encoded, NULL);
        soup_message_headers_replace(soup_message_get_request_headers(message), "Proxy-Authorization", value);
}

GInputStream *sc_http_send(ScHttp *http, SoupMessage *message, gint64 limit, GCancellable *cancellable, GError **error)
{
        Wait wait;
        wait_begin(&wait, http, limit, cancellable);
        need_session(http);
        need_authorities(http, message);
        log_in_at_proxy(http, message);
        g_signal_connect(message, "network-event", G_CALLBACK(offer_http_1_only), NULL);
        gulong handler = g_signal_connect(message, "got-informational", G_CALLBACK(count_informational), &wait);
        soup_session_send_async(http->session, message, G_PRIORITY_DEFAULT, wait.cancellable, wait_done, &wait);
        wait_for_result(&wait);
        GError *problem = NULL;
        /* A stream that came in the moment of a cancellation is taken all the same: libsoup 3.2 has let go of what the stream needs
         * by the time that the result drops it, and crashes. */
        g_task_set_check_cancellable(G_TASK(wait.result), FALSE);
        GInputStream *body = soup_session_send_finish(http->session, wait.result, &problem);
        g_signal_handler_disconnect(message, handler);
        return wait_end(&wait, problem, error) ? body : NULL;
}

gssize sc_http_read(ScHttp *http, GInputStream *body, void *buffer, gsize size, gint64 limit, GCancellable *cancellable,
                    GError **error)
{
        Wait wait;
        wait_begin(&wait, http, limit, cancellable);
        g_input_stream_read_async(body, buffer, size, G_PRIORITY_DEFAULT, wait.cancellable, wait_done, &wait);
        wait_for_result(&wait);
        GError *problem = NULL;
        gssize n = g_input_stream_read_finish(body, wait.result, &problem);
        return wait_end(&wait, problem, error) ? n : -1;
}

/* Any certificate will do for this question: all authorities of the host, which are read for a connection that is not told
 * otherwise when it is made, would take longer than the handshake. */
static bool shake_hands(ScHttp *http, GIOStream *plain, const char *uri, gint64 limit, GCancellable *cancellable, GError **error)
{
        Wait wait;
        wait_begin(&wait, http, limit, cancellable);
        GError *problem = NULL;
        g_autoptr(GSocketConnectable) server = g_network_address_parse_uri(uri, 443, &problem);
        g_autoptr(GTlsConnection) connection = NULL;
        if (server != NULL)
                connection = g_initable_new(g_tls_backend_get_client_connection_type(g_tls_backend_get_default()), wait.cancellable,
                                            &problem, "base-io-stream", plain, "server-identity", server, "database", NULL, NULL);
        if (connection != NULL) {
                g_tls_connection_handshake_async(connection, G_PRIORITY_DEFAULT, wait.cancellable, wait_done, &wait);
                wait_for_result(&wait);
                (void)g_tls_connection_handshake_finish(connection, wait.result, &problem);
        }
        return wait_end(&wait, problem, error);
}

bool sc_http_probe(ScHttp *http, ScHttpProbe probe, const char *host_and_port, gint64 limit, GCancellable *cancellable,
                   GError **error)
{
        bool tls = probe == SC_HTTP_PROBE_TLS;
        g_autofree char *uri = g_strconcat(tls ? "https://" : "http://", host_and_port, NULL);
        g_auto(GStrv) proxies = g_proxy_resolver_lookup(http->proxies, uri, NULL, error);
        if (proxies == NULL)
                return false;
        /* Plain http is not tunnelled by a proxy, so there is nothing to try. */
        if (!tls && strcmp(proxies[0], "direct://") != 0)
                return true;
        const gint64 until = g_get_monotonic_time() + limit;
        Wait wait;
        wait_begin(&wait, http, limit, cancellable);
        g_autoptr(GSocketClient) client = g_socket_client_new();
        g_socket_client_set_proxy_resolver(client, http->proxies);
        g_socket_client_connect_to_uri_async(client, uri, tls ? 443 : 80, wait.cancellable, wait_done, &wait);
        wait_for_result(&wait);
        GError *problem = NULL;
        g_autoptr(GSocketConnection) connection = g_socket_client_connect_to_uri_finish(client, wait.result, &problem);
        return wait_end(&wait, problem, error) && (!tls || shake_hands(http, G_IO_STREAM(connection), uri,
                                                                       MAX(until - g_get_monotonic_time(), 1), cancellable, error));
}

bool sc_http_pause(ScHttp *http, gint64 duration, GCancellable *cancellable, GError **error)
{
        Wait wait;
        wait_begin(&wait, http, duration, cancellable);
        while (!g_cancellable_is_cancelled(wait.cancellable))
                iterate(&wait);
        bool cancelled = !wait.expired;
        return wait_end(&wait, cancelled ? g_error_new(G_IO_ERROR, G_IO_ERROR_CANCELLED, "Cancelled") : NULL, error);
}
