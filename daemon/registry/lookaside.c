/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lookaside.h"

#include "base/error.h"
#include "base/path.h"
#include "request.h"
#include "signature.h"
#include "trouble.h"
#include <string.h>

#define MAX_REDIRECTS 5

typedef struct {
        ScHttp *http; /* NULL: files */
        const ScConfig *config;
        GCancellable *cancellable;
} Storage;

/* ---- files ---- */

/* *ret NULL: there is none. */
static bool read_file(const char *path, GBytes **ret, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autofree char *data = NULL;
        gsize size;
        if (sc_read_path(path, SC_SIGNATURE_MAX_SIZE, &data, &size, &local)) {
                *ret = g_bytes_new_take(g_steal_pointer(&data), size);
                return true;
        }
        if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

/* ---- http ---- */

static GUri *follow(const ScAnswer *answer, GError **error)
{
        GUri *here = soup_message_get_uri(answer->message);
        const char *location = soup_message_headers_get_one(soup_message_get_response_headers(answer->message), "Location");
        g_autoptr(GUri) next = location != NULL ? g_uri_parse_relative(here, location, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
        const char *scheme = next != NULL ? g_uri_get_scheme(next) : "";
        bool allowed = g_str_equal(scheme, "https") || (g_str_equal(scheme, "http") && g_str_equal(g_uri_get_scheme(here), "http"));
        if (allowed && g_uri_get_host(next) != NULL && g_uri_get_userinfo(next) == NULL)
                return g_steal_pointer(&next);
        sc_throw(error, SC_ERROR_NETWORK, "%s sends elsewhere, which is no address to go on with", g_uri_get_host(here));
        return NULL;
}

static bool send_once(const Storage *storage, GUri *uri, ScPatience *patience, ScAnswer *ret, GError **error)
{
        g_autoptr(SoupMessage) message = soup_message_new_from_uri("GET", uri);
        soup_message_add_flags(message, SOUP_MESSAGE_NO_REDIRECT);
        soup_message_headers_replace(soup_message_get_request_headers(message), "Accept-Encoding", "identity");
        g_autoptr(GError) problem = NULL;
        GInputStream *body = sc_http_send(storage->http, message, sc_patience_limit(patience), storage->cancellable, &problem);
        if (body == NULL) {
                g_autofree char *host = sc_trouble_host(uri);
                return sc_trouble_throw(problem, message, host, patience, error);
        }
        *ret = (ScAnswer){.http = storage->http, .message = g_steal_pointer(&message), .body = body};
        return true;
}

/* 1: there is an answer to read; 0: there is no such file; -1: error. */
static int look_at(const ScAnswer *answer, ScPatience *patience, GError **error)
{
        guint status = soup_message_get_status(answer->message);
        if (status == 200)
                return 1;
        if (status == 404)
                return 0;
        const char *host = g_uri_get_host(soup_message_get_uri(answer->message));
        if (status == 429 || status >= 500)
                sc_patience_throw(patience, error, "%s answered with status %u", host, status);
        else
                sc_throw(error, SC_ERROR_NETWORK, "%s answered with status %u", host, status);
        return -1;
}

static bool get_once(const Storage *storage, GUri *uri, ScPatience *patience, GBytes **ret, GError **error)
{
        g_autoptr(GUri) here = g_uri_ref(uri);
        for (guint hops = 0; hops <= MAX_REDIRECTS; hops++) {
                g_auto(ScAnswer) answer = {};
                if (!send_once(storage, here, patience, &answer, error))
                        return false;
                guint status = soup_message_get_status(answer.message);
                if (!SOUP_STATUS_IS_REDIRECTION(status)) {
                        g_autoptr(GByteArray) body = NULL;
                        int there = look_at(&answer, patience, error);
                        if (there <= 0 || !sc_answer_read_all(&answer, SC_SIGNATURE_MAX_SIZE, "signature", patience, &body,
                                                              storage->cancellable, error))
                                return there == 0;
                        *ret = g_byte_array_free_to_bytes(g_steal_pointer(&body));
                        return true;
                }
                GUri *next = follow(&answer, error);
                if (next == NULL)
                        return false;
                g_uri_unref(here);
                here = next;
        }
        return sc_throw(error, SC_ERROR_NETWORK, "%s redirects more than %d times", g_uri_get_host(uri), MAX_REDIRECTS);
}

static bool get(const Storage *storage, const char *text, GBytes **ret, GError **error)
{
        g_autoptr(GUri) uri = g_uri_parse(text, SOUP_HTTP_URI_FLAGS, NULL);
        if (uri == NULL || g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0')
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "It is no URL");
        ScPatience patience;
        sc_patience_init(&patience, storage->config);
        for (;;) {
                g_autoptr(GError) problem = NULL;
                sc_patience_begin(&patience);
                if (get_once(storage, uri, &patience, ret, &problem))
                        return true;
                sc_http_reset(storage->http);
                if (sc_patience_again(&patience, storage->http, storage->cancellable, &problem))
                        continue;
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
}

/* ---- either ---- */

static bool fetch(const Storage *storage, const char *place, GPtrArray *signatures, GError **error)
{
        for (guint i = 1;; i++) {
                g_autoptr(GBytes) data = NULL;
                g_autofree char *file = g_strdup_printf("%s/signature-%u", place, i);
                if (!(storage->http != NULL ? get(storage, file, &data, error) : read_file(file, &data, error)))
                        return false;
                if (data == NULL)
                        return true;
                if (signatures->len >= SC_SIGNATURE_MAX_COUNT)
                        return sc_throw(error, SC_ERROR_CORRUPT, "There are more than %d", SC_SIGNATURE_MAX_COUNT);
                gsize size;
                gconstpointer bytes = g_bytes_get_data(data, &size);
                g_ptr_array_add(signatures, sc_signature_new(SC_SIGNATURE_GPG, bytes, size));
        }
}

/* Without a slash at its end; NULL for a scheme that is none of the three. */
static char *base_of(const char *base, bool *ret_files)
{
        *ret_files = g_str_has_prefix(base, "file:");
        g_autofree char *text = *ret_files ? g_filename_from_uri(base, NULL, NULL)
                                : g_str_has_prefix(base, "https://") || g_str_has_prefix(base, "http://") ? g_strdup(base)
                                                                                                          : NULL;
        if (text == NULL || (*ret_files && !g_path_is_absolute(text)))
                return NULL;
        for (gsize length = strlen(text); length > 0 && text[length - 1] == '/'; length--)
                text[length - 1] = '\0';
        return g_steal_pointer(&text);
}

bool sc_lookaside_fetch(const char *base, const ScDockerName *name, const ScDigest *digest, const ScConfig *config,
                        GPtrArray *signatures, GCancellable *cancellable, GError **error)
{
        bool files;
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(digest, hex);
        g_autofree char *start = base_of(base, &files);
        if (start == NULL)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The lookaside storage '%.200s' of registries.d is no URL of http, https or file", base);
        g_autofree char *place = g_strdup_printf("%s%s@sha256=%s", start, strchr(name->name, '/'), hex);
        g_autoptr(ScHttp) http = files ? NULL : sc_http_new();
        const Storage storage = {http, config, cancellable};
        return fetch(&storage, place, signatures, error) || sc_prefix(error, "Cannot fetch signatures from %s", base);
}
