/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include "address.h"
#include "base/error.h"
#include "neighbour.h"
#include "trouble.h"

enum { MAX_REDIRECTS = 10, CHUNK = 16 * 1024, MAX_DISCARDED = 64 * 1024 };

/* What all steps of one attempt share. */
typedef struct {
        ScLocation *location;
        ScHttp *http;
        ScPatience *patience;
        GCancellable *cancellable;
} Attempt;

/* One GET, before it is sent. */
typedef struct {
        const char *accept;
        const char *token; /* only ever shown to `origin`; NULL: none */
        GUri *origin;
        guint64 offset;
} Get;

void sc_answer_clear(ScAnswer *answer)
{
        if (answer->http != NULL)
                sc_http_release(answer->http, &answer->message, &answer->body);
        answer->http = NULL;
}

static char *host_of(const ScAnswer *answer)
{
        return sc_trouble_host(soup_message_get_uri(answer->message));
}

bool sc_answer_read(const ScAnswer *answer, void *buffer, gsize size, ScPatience *patience, gsize *ret, GCancellable *cancellable,
                    GError **error)
{
        g_autoptr(GError) problem = NULL;
        gint64 start = g_get_monotonic_time();
        gssize n = sc_http_read(answer->http, answer->body, buffer, size, sc_patience_limit(patience), cancellable, &problem);
        if (n < 0) {
                g_autofree char *host = host_of(answer);
                return sc_trouble_throw(problem, answer->message, host, patience, error);
        }
        if (n > 0)
                sc_patience_feed(patience);
        *ret = (gsize)n;
        if (n == 0 || sc_patience_measure(patience, g_get_monotonic_time() - start, (gsize)n))
                return true;
        g_autofree char *host = host_of(answer);
        return sc_patience_throw(patience, error,
                                 "%s sends less than %" G_GUINT64_FORMAT
                                 " bytes a second: check the network; MinimumRate= in sysconsd.conf sets the limit",
                                 host, patience->rate);
}

bool sc_answer_read_all(const ScAnswer *answer, gsize max, const char *what, ScPatience *patience, GByteArray **ret,
                        GCancellable *cancellable, GError **error)
{
        g_autoptr(GByteArray) body = g_byte_array_new();
        for (;;) {
                gsize old = body->len, n;
                g_byte_array_set_size(body, old + CHUNK);
                if (!sc_answer_read(answer, body->data + old, CHUNK, patience, &n, cancellable, error))
                        return false;
                g_byte_array_set_size(body, old + n);
                if (body->len > max)
                        return sc_throw(error, SC_ERROR_CORRUPT, "The %s is larger than %" G_GSIZE_FORMAT " bytes", what, max);
                if (n == 0)
                        break;
        }
        g_byte_array_append(body, (const guint8 *)"", 1);
        g_byte_array_set_size(body, body->len - 1);
        *ret = g_steal_pointer(&body);
        return true;
}

static gboolean accept_any_certificate(SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flaws,
                                       gpointer data)
{
        return TRUE;
}

/* Authorities of the location's own vouch for all that it leads to: its token service and the store of its blobs, too. */
static gboolean ask_own_authorities(SoupMessage *message, GTlsCertificate *certificate, GTlsCertificateFlags flaws, gpointer data)
{
        const ScLocation *location = data;
        GUri *uri = soup_message_get_uri(message);
        g_autoptr(GSocketConnectable) identity = g_network_address_new(g_uri_get_host(uri), (guint16)MAX(g_uri_get_port(uri), 0));
        return sc_certs_vouch(location->certs, certificate, identity);
}

static bool same_origin(GUri *a, GUri *b)
{
        return g_str_equal(g_uri_get_scheme(a), g_uri_get_scheme(b)) &&
               g_ascii_strcasecmp(g_uri_get_host(a), g_uri_get_host(b)) == 0 && g_uri_get_port(a) == g_uri_get_port(b);
}

static SoupMessage *make_message(ScLocation *location, const Get *get, GUri *uri)
{
        SoupMessage *message = soup_message_new_from_uri("GET", uri);
        soup_message_add_flags(message, SOUP_MESSAGE_NO_REDIRECT);
        SoupMessageHeaders *headers = soup_message_get_request_headers(message);
        soup_message_headers_replace(headers, "Accept-Encoding", "identity");
        if (get->accept != NULL)
                soup_message_headers_replace(headers, "Accept", get->accept);
        if (get->offset > 0)
                soup_message_headers_set_range(headers, (goffset)get->offset, -1);
        if (get->token != NULL && same_origin(uri, get->origin)) {
                g_autofree char *bearer = g_strconcat("Bearer ", get->token, NULL);
                soup_message_headers_replace(headers, "Authorization", bearer);
        }
        bool is_unverified = sc_endpoint_allows_unverified(location->endpoint, uri);
        g_signal_connect(message, "accept-certificate", G_CALLBACK(is_unverified ? accept_any_certificate : ask_own_authorities),
                         location);
        /* As a token is, shown to nobody else. */
        if (sc_certs_own(location->certs) != NULL && sc_endpoint_is_at(location->endpoint, uri))
                soup_message_set_tls_client_certificate(message, sc_certs_own(location->certs));
        if ((is_unverified || g_str_equal(g_uri_get_scheme(uri), "http")) && !sc_endpoint_allows_any_server(location->endpoint))
                sc_neighbour_watch(message);
        return message;
}

static bool send_once(Attempt *attempt, const Get *get, GUri *uri, ScAnswer *ret, GError **error)
{
        g_autoptr(SoupMessage) message = make_message(attempt->location, get, uri);
        g_autoptr(GError) problem = NULL;
        GInputStream *body = sc_http_send(attempt->http, message, sc_patience_limit(attempt->patience), attempt->cancellable,
                                          &problem);
        if (body == NULL) {
                if (!sc_neighbour_allowed(message, error))
                        return false;
                g_autofree char *host = sc_trouble_host(uri);
                return sc_trouble_throw(problem, message, host, attempt->patience, error);
        }
        *ret = (ScAnswer){.http = attempt->http, .message = g_steal_pointer(&message), .body = body};
        return true;
}

/* Small bodies are read to their end, so that the connection can be used again. */
static void discard(Attempt *attempt, ScAnswer *answer)
{
        SoupMessageHeaders *headers = soup_message_get_response_headers(answer->message);
        bool small = soup_message_headers_get_encoding(headers) == SOUP_ENCODING_CONTENT_LENGTH &&
                     soup_message_headers_get_content_length(headers) <= MAX_DISCARDED;
        g_autoptr(GByteArray) body = NULL;
        bool whole = small &&
                     sc_answer_read_all(answer, MAX_DISCARDED, "answer", attempt->patience, &body, attempt->cancellable, NULL);
        sc_answer_clear(answer);
        if (!whole)
                sc_http_reset(attempt->http);
        /* If reading it failed, that is no trouble of the attempt. */
        attempt->patience->passing = false;
}

static bool is_redirect(guint status)
{
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static GUri *redirect_target(const ScAnswer *answer, GUri *origin, GError **error)
{
        GUri *here = soup_message_get_uri(answer->message);
        const char *location = soup_message_headers_get_one(soup_message_get_response_headers(answer->message), "Location");
        g_autoptr(GUri) target = sc_address_parse(here, location, error);
        if (target == NULL)
                return NULL;
        if (g_str_equal(g_uri_get_scheme(target), "http") && !g_str_equal(g_uri_get_scheme(origin), "http")) {
                sc_throw(error, SC_ERROR_NETWORK, "%s redirects from https to plain http at %s, which is refused",
                         g_uri_get_host(here), g_uri_get_host(target));
                return NULL;
        }
        return g_steal_pointer(&target);
}

/* Sends, and follows redirects. They are not libsoup's matter, because it would show the token to whom it is not for. */
static bool send_following(Attempt *attempt, const Get *get, GUri *uri, ScAnswer *ret, GError **error)
{
        g_autoptr(GUri) next = g_uri_ref(uri);
        for (guint hops = 0; hops <= MAX_REDIRECTS; hops++) {
                g_auto(ScAnswer) answer = {};
                if (!send_once(attempt, get, next, &answer, error))
                        return false;
                if (!is_redirect(soup_message_get_status(answer.message))) {
                        *ret = answer;
                        answer = (ScAnswer){};
                        return true;
                }
                g_autoptr(GUri) target = redirect_target(&answer, get->origin, error);
                if (target == NULL)
                        return false;
                discard(attempt, &answer);
                g_uri_unref(next);
                next = g_steal_pointer(&target);
        }
        return sc_throw(error, SC_ERROR_NETWORK, "%s redirects more than %d times", sc_endpoint_host(attempt->location->endpoint),
                        MAX_REDIRECTS);
}

static GUri *token_uri(Attempt *attempt, const ScChallenge *challenge, GError **error)
{
        g_autoptr(GUri) realm = sc_address_parse(NULL, challenge->realm, error);
        if (realm == NULL)
                return NULL;
        if (g_str_equal(g_uri_get_scheme(realm), "http") && !sc_endpoint_allows_plain(attempt->location->endpoint, realm)) {
                sc_throw(error, SC_ERROR_NETWORK,
                         "It wants a token to be fetched from %s without TLS, which is refused; if that host can be trusted, name "
                         "it in "
                         "InsecureRegistries= of /etc/sysconsd.conf",
                         g_uri_get_host(realm));
                return NULL;
        }
        g_autofree char *added = sc_challenge_query(challenge);
        const char *own = g_uri_get_query(realm);
        g_autofree char *query = own != NULL && own[0] != '\0' ? g_strconcat(own, "&", added, NULL) : g_strdup(added);
        return g_uri_build(SOUP_HTTP_URI_FLAGS, g_uri_get_scheme(realm), NULL, g_uri_get_host(realm), g_uri_get_port(realm),
                           g_uri_get_path(realm), query[0] != '\0' ? query : NULL, NULL);
}

static bool ask_for_token(Attempt *attempt, const ScChallenge *challenge, GError **error)
{
        g_autoptr(GUri) uri = token_uri(attempt, challenge, error);
        if (uri == NULL)
                return false;
        const Get get = {.accept = "application/json", .origin = uri};
        g_auto(ScAnswer) answer = {};
        if (!send_following(attempt, &get, uri, &answer, error))
                return false;
        guint status = soup_message_get_status(answer.message);
        if (status != 200)
                return sc_trouble_throw_status(answer.message, attempt->patience, error);
        g_autofree char *host = host_of(&answer);
        g_autofree char *what = g_strdup_printf("token answer of %s", host);
        g_autoptr(GByteArray) text = NULL;
        if (!sc_answer_read_all(&answer, SC_TOKEN_ANSWER_MAX_SIZE, what, attempt->patience, &text, attempt->cancellable, error))
                return false;
        g_autofree char *token = NULL;
        guint seconds;
        if (!sc_token_parse((const char *)text->data, text->len, what, &token, &seconds, error))
                return false;
        sc_auth_set_token(attempt->location->auth, token, seconds);
        return true;
}

/* After a 401: a token that another thread has fetched in the meantime, or one of our own. */
static char *renewed_token(Attempt *attempt, const char *header, const char *refused, GError **error)
{
        g_autofree char *current = sc_auth_get_token(attempt->location->auth);
        if (current != NULL && g_strcmp0(current, refused) != 0)
                return g_steal_pointer(&current);
        g_auto(ScChallenge) challenge = {};
        if (!sc_challenge_parse(header, &challenge, error) || !ask_for_token(attempt, &challenge, error)) {
                sc_prefix(error, "Registry %s gives no access to %s", sc_endpoint_host(attempt->location->endpoint),
                          attempt->location->image);
                return NULL;
        }
        return sc_auth_get_token(attempt->location->auth);
}

static bool came_from(const ScAnswer *answer, GUri *origin)
{
        return same_origin(soup_message_get_uri(answer->message), origin);
}

static bool send_authorized(Attempt *attempt, const ScRequest *request, GUri *uri, ScAnswer *ret, GError **error)
{
        g_autofree char *token = sc_auth_get_token(attempt->location->auth);
        Get get = {.accept = request->accept, .token = token, .origin = uri, .offset = request->offset};
        g_auto(ScAnswer) answer = {};
        if (!send_following(attempt, &get, uri, &answer, error))
                return false;
        if (soup_message_get_status(answer.message) == 401 && came_from(&answer, uri)) {
                const char *header = soup_message_headers_get_list(soup_message_get_response_headers(answer.message),
                                                                   "WWW-Authenticate");
                g_autofree char *challenge = g_strdup(header != NULL ? header : "");
                discard(attempt, &answer);
                g_autofree char *renewed = renewed_token(attempt, challenge, token, error);
                if (renewed == NULL)
                        return false;
                get.token = renewed;
                if (!send_following(attempt, &get, uri, &answer, error))
                        return false;
        }
        *ret = answer;
        answer = (ScAnswer){};
        return true;
}

static bool check_status(Attempt *attempt, const ScRequest *request, const ScAnswer *answer, GError **error)
{
        guint status = soup_message_get_status(answer->message);
        if (status == 200 || (request->offset > 0 && (status == 206 || status == 416)))
                return true;
        if (status == 404)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "%s", request->missing);
        if (status == 401 || status == 403) {
                g_autofree char *host = host_of(answer);
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "%s refuses access to %s (%u): check the image's name; it may not exist there, or not be for "
                                "anonymous users",
                                host, attempt->location->image, status);
        }
        return sc_trouble_throw_status(answer->message, attempt->patience, error);
}

bool sc_request_send(ScLocation *location, ScHttp *http, const ScRequest *request, ScPatience *patience, ScAnswer *ret,
                     GCancellable *cancellable, GError **error)
{
        Attempt attempt = {.location = location, .http = http, .patience = patience, .cancellable = cancellable};
        g_autoptr(GError) problem = NULL;
        const char *host = sc_endpoint_host(location->endpoint);
        const char *base = sc_endpoint_base(location->endpoint, http, sc_patience_limit(patience), cancellable, &problem);
        if (base == NULL)
                return sc_trouble_throw(problem, NULL, host, patience, error);
        g_autofree char *text = g_strdup_printf("%s/v2/%s/%s/%s", base, location->repository, request->kind, request->version);
        g_autoptr(GUri) uri = g_uri_parse(text, SOUP_HTTP_URI_FLAGS, NULL);
        if (uri == NULL)
                return sc_throw(error, SC_ERROR_INVALID_REFERENCE, "'%s' is not an address", text);
        g_auto(ScAnswer) answer = {};
        if (!send_authorized(&attempt, request, uri, &answer, error) || !check_status(&attempt, request, &answer, error))
                return false;
        *ret = answer;
        answer = (ScAnswer){};
        return true;
}
