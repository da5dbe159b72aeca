/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include "address.h"
#include "base/error.h"
#include "neighbour.h"
#include "trouble.h"
#include <string.h>

enum { MAX_REDIRECTS = 10, CHUNK = 16 * 1024, MAX_DISCARDED = 64 * 1024 };

/* What all steps of one attempt share. */
typedef struct {
        ScLocation *location;
        ScHttp *http;
        ScPatience *patience;
        GCancellable *cancellable;
} Attempt;

/* One GET (or, with a form, POST), before it is sent. */
typedef struct {
        const char *accept;
        const char *authorization; /* only ever shown to `origin`; NULL: none */
        const char *form;          /* only ever sent to `origin`; NULL: none */
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
        SoupMessage *message = soup_message_new_from_uri(get->form != NULL ? "POST" : "GET", uri);
        soup_message_add_flags(message, SOUP_MESSAGE_NO_REDIRECT);
        SoupMessageHeaders *headers = soup_message_get_request_headers(message);
        soup_message_headers_replace(headers, "Accept-Encoding", "identity");
        if (get->accept != NULL)
                soup_message_headers_replace(headers, "Accept", get->accept);
        if (get->offset > 0)
                soup_message_headers_set_range(headers, (goffset)get->offset, -1);
        if (get->authorization != NULL && same_origin(uri, get->origin))
                soup_message_headers_replace(headers, "Authorization", get->authorization);
        if (get->form != NULL) {
                g_autoptr(GBytes) form = g_bytes_new(get->form, strlen(get->form));
                soup_message_set_request_body_from_bytes(message, SOUP_FORM_MIME_TYPE_URLENCODED, form);
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

/* Whether it is for want of the certificate that is here, and not for whoever asks. */
static bool wants_what_is_kept_back(const ScLocation *location, GUri *uri, const GError *problem)
{
        return problem->domain == G_TLS_ERROR && problem->code != G_TLS_ERROR_BAD_CERTIFICATE && problem->code != G_TLS_ERROR_EOF &&
               sc_certs_keeps_own_back(location->certs) && sc_endpoint_is_at(location->endpoint, uri);
}

static bool send_once(Attempt *attempt, const Get *get, GUri *uri, ScAnswer *ret, GError **error)
{
        g_autoptr(SoupMessage) message = make_message(attempt->location, get, uri);
        g_autoptr(GError) problem = NULL;
        GInputStream *body = sc_http_send(attempt->http, message, sc_patience_limit(attempt->patience), attempt->cancellable,
                                          &problem);
        if (!sc_neighbour_allowed(message, error)) {
                g_clear_object(&body);
                return false;
        }
        if (body == NULL) {
                g_autofree char *host = sc_trouble_host(uri);
                if (wants_what_is_kept_back(attempt->location, uri, problem))
                        return sc_throw(
                                error, SC_ERROR_ACCESS_DENIED,
                                "%s does not let one in without a certificate of this machine (%s). That is a credential of "
                                "root's: it is shown for what root asks for, and for an update of a container to the image "
                                "that it has. Ask root to pull the image",
                                host, problem->message);
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
                if (get->form != NULL)
                        return sc_throw(error, SC_ERROR_NETWORK, "%s redirects who brings it an identity token, which is refused",
                                        g_uri_get_host(next));
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

/* ---- who asks ---- */

static bool throw_login_refused(Attempt *attempt, const ScLogin *login, const char *host, guint status, GError **error)
{
        const char *registry = attempt->location->host;
        return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                        "%s refuses the credentials for %s that came from %s (%u): `sysconsctl login %s` gets new ones", host,
                        registry, login->origin, status, registry);
}

static bool throw_no_login(Attempt *attempt, GError **error)
{
        return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                        "It wants a login, and there is none for %s: `sysconsctl login %s`, or give --creds or --authfile",
                        attempt->location->host, attempt->location->host);
}

static bool check_secrecy(Attempt *attempt, GUri *receiver, GUri *registry, GError **error)
{
        if (sc_endpoint_may_send_login(attempt->location->endpoint, registry, receiver))
                return true;
        return sc_throw(
                error, SC_ERROR_ACCESS_DENIED,
                "The credentials for %s are not sent to %s, because nothing protects them on the way; if that network can be "
                "trusted, name the host in InsecureRegistries= of /etc/sysconsd.conf",
                attempt->location->host, g_uri_get_host(receiver));
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
        return g_steal_pointer(&realm);
}

static GUri *add_query(GUri *realm, const char *added)
{
        const char *own = g_uri_get_query(realm);
        g_autofree char *query = own != NULL && own[0] != '\0' ? g_strconcat(own, "&", added, NULL) : g_strdup(added);
        return g_uri_build(SOUP_HTTP_URI_FLAGS, g_uri_get_scheme(realm), NULL, g_uri_get_host(realm), g_uri_get_port(realm),
                           g_uri_get_path(realm), query[0] != '\0' ? query : NULL, NULL);
}

static bool take_token(Attempt *attempt, const ScAnswer *answer, GError **error)
{
        g_autofree char *host = host_of(answer);
        g_autofree char *what = g_strdup_printf("token answer of %s", host);
        g_autoptr(GByteArray) text = NULL;
        if (!sc_answer_read_all(answer, SC_TOKEN_ANSWER_MAX_SIZE, what, attempt->patience, &text, attempt->cancellable, error))
                return false;
        sc_autosecret char *token = NULL;
        guint seconds;
        if (!sc_token_parse((const char *)text->data, text->len, what, &token, &seconds, error))
                return false;
        sc_auth_set_token(attempt->location->auth, token, seconds);
        return true;
}

/* What it grants beyond what was asked for is of no use here: a token is only ever shown to this registry, to read. */
static bool send_for_token(Attempt *attempt, const ScChallenge *challenge, GUri *realm, const ScLogin *login, GError **error)
{
        bool by_form = login != NULL && login->identity_token != NULL;
        sc_autosecret char *query = sc_challenge_query(challenge, attempt->location->repository, login);
        sc_autosecret char *basic = login != NULL && !by_form ? sc_login_to_basic(login) : NULL;
        g_autoptr(GUri) uri = by_form ? g_uri_ref(realm) : add_query(realm, query);
        const Get get = {.accept = "application/json", .authorization = basic, .form = by_form ? query : NULL, .origin = uri};
        g_auto(ScAnswer) answer = {};
        if (!send_following(attempt, &get, uri, &answer, error))
                return false;
        guint status = soup_message_get_status(answer.message);
        if (status == 200)
                return take_token(attempt, &answer, error);
        g_autofree char *host = host_of(&answer);
        /* 400 is how OAuth2 says that a refresh token is not valid (any more). */
        if (login != NULL && (status == 401 || status == 403 || (by_form && status == 400)))
                return throw_login_refused(attempt, login, host, status, error);
        return status == 401 ? throw_no_login(attempt, error) : sc_trouble_throw_status(answer.message, attempt->patience, error);
}

static bool ask_for_token(Attempt *attempt, const ScChallenge *challenge, GUri *registry, GError **error)
{
        const ScLogin *login;
        g_autoptr(GUri) realm = token_uri(attempt, challenge, error);
        return realm != NULL && sc_auth_login(attempt->location->auth, &login, error) &&
               (login == NULL || check_secrecy(attempt, realm, registry, error)) &&
               send_for_token(attempt, challenge, realm, login, error);
}

static bool use_password(Attempt *attempt, GUri *registry, const char *refused, GError **error)
{
        const ScLogin *login;
        if (!sc_auth_login(attempt->location->auth, &login, error))
                return false;
        if (login == NULL)
                return throw_no_login(attempt, error);
        if (login->password == NULL)
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "It wants a password, and for %s there is an identity token (from %s): `sysconsctl login %s`",
                                attempt->location->host, login->origin, attempt->location->host);
        if (refused != NULL && g_str_has_prefix(refused, "Basic "))
                return throw_login_refused(attempt, login, attempt->location->host, 401, error);
        if (!check_secrecy(attempt, registry, registry, error))
                return false;
        sc_auth_set_basic(attempt->location->auth, login);
        return true;
}

static bool authorize(Attempt *attempt, const char *header, GUri *registry, const char *refused, GError **error)
{
        g_auto(ScChallenge) challenge = {};
        if (!sc_challenge_parse(header, &challenge, error))
                return false;
        return challenge.scheme == SC_CHALLENGE_BEARER ? ask_for_token(attempt, &challenge, registry, error)
                                                       : use_password(attempt, registry, refused, error);
}

/* After a 401 with the Authorization header `refused` (NULL: none): what another thread has got in the meantime, or what the
 * registry is told now. A secret. */
static char *renewed_header(Attempt *attempt, const char *header, GUri *registry, const char *refused, GError **error)
{
        sc_autosecret char *current = sc_auth_header(attempt->location->auth);
        if (current != NULL && g_strcmp0(current, refused) != 0)
                return g_steal_pointer(&current);
        if (!authorize(attempt, header, registry, refused, error)) {
                sc_prefix(error, "Registry %s gives no access to %s", sc_endpoint_host(attempt->location->endpoint),
                          attempt->location->image);
                return NULL;
        }
        return sc_auth_header(attempt->location->auth);
}

static bool came_from(const ScAnswer *answer, GUri *origin)
{
        return same_origin(soup_message_get_uri(answer->message), origin);
}

static bool send_authorized(Attempt *attempt, const ScRequest *request, GUri *uri, ScAnswer *ret, GError **error)
{
        sc_autosecret char *known = sc_auth_header(attempt->location->auth);
        Get get = {.accept = request->accept, .authorization = known, .origin = uri, .offset = request->offset};
        g_auto(ScAnswer) answer = {};
        if (!send_following(attempt, &get, uri, &answer, error))
                return false;
        if (soup_message_get_status(answer.message) == 401 && came_from(&answer, uri)) {
                const char *header = soup_message_headers_get_list(soup_message_get_response_headers(answer.message),
                                                                   "WWW-Authenticate");
                g_autofree char *challenge = g_strdup(header != NULL ? header : "");
                discard(attempt, &answer);
                sc_autosecret char *renewed = renewed_header(attempt, challenge, uri, known, error);
                if (renewed == NULL)
                        return false;
                get.authorization = renewed;
                if (!send_following(attempt, &get, uri, &answer, error))
                        return false;
        }
        *ret = answer;
        answer = (ScAnswer){};
        return true;
}

static bool throw_no_access(Attempt *attempt, const ScAnswer *answer, GError **error)
{
        guint status = soup_message_get_status(answer->message);
        g_autofree char *host = host_of(answer);
        const char *registry = attempt->location->host;
        const ScLogin *login = sc_auth_known_login(attempt->location->auth);
        if (login != NULL)
                return sc_throw(
                        error, SC_ERROR_ACCESS_DENIED,
                        "%s refuses access to %s with the credentials for %s that came from %s (%u): check the image's name, "
                        "and whether they are for it; `sysconsctl login %s` gets others",
                        host, attempt->location->image, registry, login->origin, status, registry);
        return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                        "%s refuses access to %s (%u): check the image's name; it may not exist there, or not be for "
                        "anonymous users: `sysconsctl login %s`",
                        host, attempt->location->image, status, registry);
}

static bool check_status(Attempt *attempt, const ScRequest *request, const ScAnswer *answer, GError **error)
{
        guint status = soup_message_get_status(answer->message);
        if (status == 200 || (request->offset > 0 && (status == 206 || status == 416)))
                return true;
        if (status == 404)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "%s", request->missing);
        if (status == 401 || status == 403)
                return throw_no_access(attempt, answer, error);
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
        g_autofree char *text = request->kind == NULL ? g_strconcat(base, "/v2/", NULL)
                                                      : g_strdup_printf("%s/v2/%s/%s/%s", base, location->repository, request->kind,
                                                                        request->version);
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
