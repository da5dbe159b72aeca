/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who one is for a registry. What is secret of it is wiped from memory when it goes. */

#include <glib.h>
#include <stdbool.h>

/* Bytes of "USER:PASSWORD"; tokens of clouds have thousands. */
#define SC_LOGIN_MAX_SIZE (16u * 1024)
/* What docker's credential helpers call a user whose password is an identity token. */
#define SC_LOGIN_TOKEN_USER "<token>"

typedef struct {
        char *user;
        char *password;
        char *identity_token; /* an OAuth2 refresh token instead of a password; NULL: none */
        char *origin;         /* where it comes from, for messages: "/root/.docker/config.json" */
} ScLogin;

void sc_login_clear(ScLogin *login);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScLogin, sc_login_clear)
ScLogin sc_login_copy(const ScLogin *login);
/* False for an empty one: nobody in particular. */
bool sc_login_is_set(const ScLogin *login);

/* From "USER:PASSWORD", or "<token>:IDENTITY-TOKEN". InvalidArgument; the message never quotes the text. */
bool sc_login_parse(const char *text, const char *origin, ScLogin *ret, GError **error);
/* The same text of a login that is set; a secret. */
char *sc_login_to_text(const ScLogin *login);
/* "Basic ..." for a header, of a login with a password; a secret. */
char *sc_login_to_basic(const ScLogin *login);

/* Wiped and freed; NULL is fine. */
void sc_secret_free(char *secret);
static inline void sc_secret_clear(char **secret)
{
        sc_secret_free(*secret);
}
#define sc_autosecret __attribute__((cleanup(sc_secret_clear)))

/* The text in a file that is nowhere but in memory, at its beginning; for another process. -1 on error. */
int sc_secret_to_fd(const char *secret, GError **error);
