/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth.h"

#include "base/error.h"
#include "base/json.h"
#include "printable.h"
#include <string.h>

enum {
        MAX_HEADER = 8192,
        MIN_TOKEN_SECONDS = 60,
        MAX_TOKEN_SECONDS = 3600,
        /* A token is not used in its last seconds: the request that carries it takes time, too. */
        SPARE_SECONDS = 10,
};

/* RFC 7230, 3.2.6 */
static bool is_token_char(char c)
{
        return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* A cursor in the header; every function leaves it behind what it read. */
static void skip_space(const char **cursor)
{
        while (**cursor == ' ' || **cursor == '\t')
                (*cursor)++;
}

static void skip_commas(const char **cursor)
{
        while (**cursor == ' ' || **cursor == '\t' || **cursor == ',')
                (*cursor)++;
}

static char *read_token(const char **cursor)
{
        const char *start = *cursor;
        while (is_token_char(**cursor))
                (*cursor)++;
        return *cursor > start ? g_strndup(start, (gsize)(*cursor - start)) : NULL;
}

/* NULL: no end, or a control character inside. */
static char *read_quoted(const char **cursor)
{
        g_autoptr(GString) value = g_string_new(NULL);
        for (const char *c = *cursor + 1; *c != '\0'; c++) {
                if (*c == '"') {
                        *cursor = c + 1;
                        return g_string_free(g_steal_pointer(&value), FALSE);
                }
                if (*c == '\\' && c[1] != '\0')
                        c++;
                if (g_ascii_iscntrl(*c))
                        return NULL;
                g_string_append_c(value, *c);
        }
        return NULL;
}

/* NAME = VALUE. False leaves the cursor: the word is the next challenge's scheme. *ret_value NULL: malformed. */
static bool read_parameter(const char **cursor, char **ret_name, char **ret_value)
{
        const char *next = *cursor;
        g_autofree char *name = read_token(&next);
        skip_space(&next);
        if (name == NULL || *next != '=')
                return false;
        next++;
        skip_space(&next);
        *ret_value = *next == '"' ? read_quoted(&next) : read_token(&next);
        *ret_name = g_steal_pointer(&name);
        *cursor = next;
        return true;
}

/* "Negotiate oYIBq..=": a scheme may carry one token68 instead of parameters. */
static void skip_token68(const char **cursor)
{
        const char *next = *cursor;
        while (g_ascii_isalnum(*next) || (*next != '\0' && strchr("-._~+/", *next) != NULL))
                next++;
        if (next == *cursor)
                return;
        while (*next == '=')
                next++;
        const char *end = next;
        skip_space(&next);
        if (*next == ',' || *next == '\0')
                *cursor = end;
}

static bool malformed(const char *header, GError **error)
{
        g_autofree char *shown = sc_printable(header);
        return sc_throw(error, SC_ERROR_CORRUPT, "The WWW-Authenticate header makes no sense: %s", shown);
}

static void take_parameter(ScChallenge *challenge, const char *name, char *value)
{
        char **place = NULL;
        if (g_ascii_strcasecmp(name, "realm") == 0)
                place = &challenge->realm;
        else if (g_ascii_strcasecmp(name, "service") == 0)
                place = &challenge->service;
        if (place == NULL || *place != NULL) {
                g_free(value);
                return;
        }
        *place = value;
}

/* The parameters of one challenge, up to the next scheme or the end. */
static bool read_parameters(const char **cursor, const char *header, ScChallenge *challenge, GError **error)
{
        for (;;) {
                skip_commas(cursor);
                g_autofree char *name = NULL;
                char *value = NULL;
                if (!read_parameter(cursor, &name, &value))
                        return true;
                if (value == NULL)
                        return malformed(header, error);
                take_parameter(challenge, name, value);
                skip_space(cursor);
                if (**cursor != ',' && **cursor != '\0')
                        return malformed(header, error);
        }
}

/* One challenge. The cursor stands at its scheme, and is left behind the challenge. */
static bool read_challenge(const char **cursor, const char *header, char **ret_scheme, ScChallenge *ret, GError **error)
{
        g_autofree char *scheme = read_token(cursor);
        if (scheme == NULL || (**cursor != ' ' && **cursor != ',' && **cursor != '\0'))
                return malformed(header, error);
        skip_space(cursor);
        skip_token68(cursor);
        if (!read_parameters(cursor, header, ret, error))
                return false;
        *ret_scheme = g_steal_pointer(&scheme);
        return true;
}

bool sc_challenge_parse(const char *header, ScChallenge *ret, GError **error)
{
        if (strnlen(header, MAX_HEADER + 1) > MAX_HEADER)
                return sc_throw(error, SC_ERROR_CORRUPT, "The WWW-Authenticate header is longer than %d bytes", MAX_HEADER);
        g_autoptr(GString) schemes = g_string_new(NULL);
        g_auto(ScChallenge) basic = {};
        bool has_basic = false;
        const char *cursor = header;
        for (skip_commas(&cursor); *cursor != '\0'; skip_commas(&cursor)) {
                g_autofree char *scheme = NULL;
                g_auto(ScChallenge) challenge = {};
                if (!read_challenge(&cursor, header, &scheme, &challenge, error))
                        return false;
                if (g_ascii_strcasecmp(scheme, "Bearer") == 0 && challenge.realm != NULL) {
                        *ret = challenge;
                        challenge = (ScChallenge){};
                        return true;
                }
                if (g_ascii_strcasecmp(scheme, "Basic") == 0 && !has_basic) {
                        basic = challenge;
                        challenge = (ScChallenge){};
                        has_basic = true;
                }
                g_string_append_printf(schemes, "%s%s", schemes->len > 0 ? ", " : "", scheme);
        }
        if (has_basic) {
                *ret = basic;
                ret->scheme = SC_CHALLENGE_BASIC;
                basic = (ScChallenge){};
                return true;
        }
        g_autofree char *shown = sc_printable(schemes->str);
        return sc_throw(error, SC_ERROR_ACCESS_DENIED, "It wants a login of a kind that is not known here (%s)", shown);
}

void sc_challenge_clear(ScChallenge *challenge)
{
        g_clear_pointer(&challenge->realm, g_free);
        g_clear_pointer(&challenge->service, g_free);
}

static void append_query(GString *query, const char *key, const char *value)
{
        if (query->len > 0)
                g_string_append_c(query, '&');
        g_string_append_printf(query, "%s=", key);
        g_string_append_uri_escaped(query, value, NULL, FALSE);
}

char *sc_challenge_query(const ScChallenge *challenge, const char *repository, const ScLogin *login)
{
        g_autoptr(GString) query = g_string_new(NULL);
        bool is_form = login != NULL && login->identity_token != NULL;
        if (is_form) {
                append_query(query, "grant_type", "refresh_token");
                append_query(query, "client_id", "sysconsd");
        }
        if (challenge->service != NULL)
                append_query(query, "service", challenge->service);
        g_autofree char *scope = g_strdup_printf("repository:%s:pull", repository);
        if (*repository != '\0')
                append_query(query, "scope", scope);
        if (is_form)
                append_query(query, "refresh_token", login->identity_token);
        else if (login != NULL && *login->user != '\0')
                append_query(query, "account", login->user);
        return g_string_free(g_steal_pointer(&query), FALSE);
}

/* RFC 6750, 2.1: what may stand behind "Bearer " in a header. */
static bool is_bearer_token(const char *token)
{
        gsize length = strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");
        return length > 0 && strspn(token + length, "=") == strlen(token + length);
}

bool sc_token_parse(const char *text, gsize size, const char *what, char **ret_token, guint *ret_seconds, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, SC_TOKEN_ANSWER_MAX_SIZE, what, error);
        if (object == NULL)
                return false;
        const char *token, *access_token;
        guint64 seconds;
        if (!sc_json_get_string(object, "token", SC_JSON_OPTIONAL, &token, error) ||
            !sc_json_get_string(object, "access_token", SC_JSON_OPTIONAL, &access_token, error) ||
            !sc_json_get_uint(object, "expires_in", SC_JSON_OPTIONAL, &seconds, error))
                return sc_prefix(error, "The %s cannot be used", what);
        if (token == NULL)
                token = access_token;
        if (token == NULL || !is_bearer_token(token))
                return sc_throw(error, SC_ERROR_CORRUPT, "The %s holds no usable token", what);
        *ret_token = g_strdup(token);
        *ret_seconds = (guint)CLAMP(seconds, MIN_TOKEN_SECONDS, MAX_TOKEN_SECONDS);
        return true;
}

struct ScAuth {
        GMutex lock;
        ScKeyring *keyring;
        char *host, *repository;
        GMutex login_lock; /* of the next two, while a helper is asked: the header is there for others */
        bool looked;
        ScLogin login;
        char *header;
        gint64 expiry; /* monotonic, microseconds */
};

ScAuth *sc_auth_new(ScKeyring *keyring, const char *host, const char *repository)
{
        ScAuth *auth = g_new0(ScAuth, 1);
        g_mutex_init(&auth->lock);
        g_mutex_init(&auth->login_lock);
        auth->keyring = keyring;
        auth->host = g_strdup(host);
        auth->repository = g_strdup(repository);
        return auth;
}

void sc_auth_free(ScAuth *auth)
{
        if (auth == NULL)
                return;
        g_mutex_clear(&auth->lock);
        g_mutex_clear(&auth->login_lock);
        sc_login_clear(&auth->login);
        sc_secret_free(auth->header);
        g_free(auth->host);
        g_free(auth->repository);
        g_free(auth);
}

bool sc_auth_login(ScAuth *auth, const ScLogin **ret, GError **error)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&auth->login_lock);
        if (!auth->looked && !sc_keyring_find(auth->keyring, auth->host, auth->repository, &auth->login, error))
                return false;
        auth->looked = true;
        *ret = sc_login_is_set(&auth->login) ? &auth->login : NULL;
        return true;
}

const ScLogin *sc_auth_known_login(ScAuth *auth)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&auth->login_lock);
        return auth->looked && sc_login_is_set(&auth->login) ? &auth->login : NULL;
}

char *sc_auth_header(ScAuth *auth)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&auth->lock);
        return g_get_monotonic_time() < auth->expiry ? g_strdup(auth->header) : NULL;
}

/* Takes the header. */
static void set_header(ScAuth *auth, char *header, gint64 expiry)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&auth->lock);
        sc_secret_free(auth->header);
        auth->header = header;
        auth->expiry = expiry;
}

void sc_auth_set_token(ScAuth *auth, const char *token, guint seconds)
{
        set_header(auth, g_strconcat("Bearer ", token, NULL),
                   g_get_monotonic_time() + ((gint64)seconds - SPARE_SECONDS) * G_TIME_SPAN_SECOND);
}

void sc_auth_set_basic(ScAuth *auth, const ScLogin *login)
{
        set_header(auth, sc_login_to_basic(login), G_MAXINT64);
}
