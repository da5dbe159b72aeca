/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bearer tokens of the distribution project's token specification (docs/content/spec/auth/token.md): a 401 names a server and
 * a scope (WWW-Authenticate, RFC 7235), that server gives a token, the token opens the registry for some minutes. */

#include <glib.h>
#include <stdbool.h>

#define SC_TOKEN_ANSWER_MAX_SIZE (64u * 1024)

typedef struct {
        char *realm;   /* the token server's URL, not judged yet */
        char *service; /* NULL: none was named; so is the next */
        char *scope;
} ScChallenge;

/* The first Bearer challenge of a WWW-Authenticate header (several headers are joined by commas). AccessDenied where there is
 * none, naming the schemes that are offered; Corrupt where the header is no list of challenges. */
bool sc_challenge_parse(const char *header, ScChallenge *ret, GError **error);
void sc_challenge_clear(ScChallenge *challenge);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScChallenge, sc_challenge_clear)

/* The query that asks for the token, without a '?': service, and each of the space-separated scopes. */
char *sc_challenge_query(const ScChallenge *challenge);

/* The token and the seconds it lives (at least 60, as the specification has it). Corrupt; `what` names the text in messages. */
bool sc_token_parse(const char *text, gsize size, const char *what, char **ret_token, guint *ret_seconds, GError **error);

/* The token at hand, shared by all threads of a client. */
typedef struct ScAuth ScAuth;
ScAuth *sc_auth_new(void);
void sc_auth_free(ScAuth *auth);
/* A copy; NULL: none yet, or it has expired. */
char *sc_auth_get_token(ScAuth *auth);
void sc_auth_set_token(ScAuth *auth, const char *token, guint seconds);
