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
        else if (g_ascii_strcasecmp(name, "scope") == 0)
                place = &challenge->scope;
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

bool sc_challenge_parse(const char *header, ScChallenge *ret, GError **error)
{
        if (strnlen(header, MAX_HEADER + 1) > MAX_HEADER)
                return sc_throw(error, SC_ERROR_CORRUPT, "The WWW-Authenticate header is longer than %d bytes", MAX_HEADER);
        g_autoptr(GString) schemes = g_string_new(NULL);
        const char *cursor = header;
        for (skip_commas(&cursor); *cursor != '\0'; skip_commas(&cursor)) {
                g_autofree char *scheme = read_token(&cursor);
                if (scheme == NULL || (*cursor != ' ' && *cursor != ',' && *cursor != '\0'))
                        return malformed(header, error);
                skip_space(&cursor);
                skip_token68(&cursor);
                g_auto(ScChallenge) challenge = {};
                if (!read_parameters(&cursor, header, &challenge, error))
                        return false;
                if (g_ascii_strcasecmp(scheme, "Bearer") == 0 && challenge.realm != NULL) {
                        *ret = challenge;
                        challenge = (ScChallenge){};
                        return true;
                }
                g_string_append_printf(schemes, "%s%s", schemes->len > 0 ? ", " : "", scheme);
        }
        g_autofree char *shown = sc_printable(schemes->str);
        return sc_throw(error, SC_ERROR_ACCESS_DENIED, "It wants a login (%s), and gives no tokens to anonymous users", shown);
}

void sc_challenge_clear(ScChallenge *challenge)
{
        g_clear_pointer(&challenge->realm, g_free);
        g_clear_pointer(&challenge->service, g_free);
        g_clear_pointer(&challenge->scope, g_free);
}

static void append_query(GString *query, const char *key, const char *value)
{
        if (query->len > 0)
                g_string_append_c(query, '&');
        g_string_append_printf(query, "%s=", key);
        g_string_append_uri_escaped(query, value, NULL, FALSE);
}

char *sc_challenge_query(const ScChallenge *challenge)
{
        g_autoptr(GString) query = g_string_new(NULL);
        if (challenge->service != NULL)
                append_query(query, "service", challenge->service);
        g_auto(GStrv) scopes = g_strsplit(challenge->scope != NULL ? challenge->scope : "", " ", -1);
        for (char **scope = scopes; *scope != NULL; scope++)
                if (**scope != '\0')
                        append_query(query, "scope", *scope);
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
        char *token;
        gint64 expiry; /* monotonic, microseconds */
};

ScAuth *sc_auth_new(void)
{
        ScAuth *auth = g_new0(ScAuth, 1);
        g_mutex_init(&auth->lock);
        return auth;
}

void sc_auth_free(ScAuth *auth)
{
        if (auth == NULL)
                return;
        g_mutex_clear(&auth->lock);
        g_free(auth->token);
        g_free(auth);
}

char *sc_auth_get_token(ScAuth *auth)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&auth->lock);
        return g_get_monotonic_time() < auth->expiry ? g_strdup(auth->token) : NULL;
}

void sc_auth_set_token(ScAuth *auth, const char *token, guint seconds)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&auth->lock);
        g_free(auth->token);
        auth->token = g_strdup(token);
        auth->expiry = g_get_monotonic_time() + ((gint64)seconds - SPARE_SECONDS) * G_TIME_SPAN_SECOND;
}
