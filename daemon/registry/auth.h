/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a registry is told who asks. A 401 says what it wants (WWW-Authenticate, RFC 7235): name and password with each request
 * (Basic), or a token of a server that it names (Bearer; the distribution project's docs/content/spec/auth/token.md and oauth.md):
 * that one is told who asks, and the token opens the registry for some minutes. */

#include "base/keyring.h"

#define SC_TOKEN_ANSWER_MAX_SIZE (64u * 1024)

typedef enum { SC_CHALLENGE_BEARER, SC_CHALLENGE_BASIC } ScChallengeScheme;
typedef struct {
        ScChallengeScheme scheme;
        char *realm;   /* of a Bearer challenge the token server's URL, not judged yet */
        char *service; /* NULL: none was named */
} ScChallenge;

/* The first Bearer challenge of a WWW-Authenticate header (several headers are joined by commas), else the first Basic one.
 * AccessDenied where there is neither, naming the schemes that are offered; Corrupt where the header is no list of challenges. A
 * scope is not taken from it: what is asked for is what is needed. */
bool sc_challenge_parse(const char *header, ScChallenge *ret, GError **error);
void sc_challenge_clear(ScChallenge *challenge);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScChallenge, sc_challenge_clear)

/* The query that asks for a token, without a '?': to read this repository ("": none). login NULL or without an identity token: for
 * a GET; else the form of a POST, which is a secret. */
char *sc_challenge_query(const ScChallenge *challenge, const char *repository, const ScLogin *login);

/* The token and the seconds it lives (at least 60, as the specification has it). Corrupt; `what` names the text in messages. */
bool sc_token_parse(const char *text, gsize size, const char *what, char **ret_token, guint *ret_seconds, GError **error);

/* What is known at one location (location.h), shared by all its threads: who one is there, and what to show. */
typedef struct ScAuth ScAuth;
/* The login is looked for in the keyring when it is first wanted; that may be NULL, and must outlive the result. */
ScAuth *sc_auth_new(ScKeyring *keyring, const char *host, const char *repository);
void sc_auth_free(ScAuth *auth);
/* Who one is; *ret NULL: nobody in particular. Borrowed. */
bool sc_auth_login(ScAuth *auth, const ScLogin **ret, GError **error);
/* The one that was looked for and found by now, or NULL. */
const ScLogin *sc_auth_known_login(ScAuth *auth);
/* The Authorization header that opens the registry, a copy and a secret; NULL: none yet, or it has expired. */
char *sc_auth_header(ScAuth *auth);
void sc_auth_set_token(ScAuth *auth, const char *token, guint seconds);
/* From now on name and password are shown. */
void sc_auth_set_basic(ScAuth *auth, const ScLogin *login);
