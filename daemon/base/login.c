/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "login.h"

#include "error.h"
#include "path.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void sc_secret_free(char *secret)
{
        if (secret == NULL)
                return;
        explicit_bzero(secret, strlen(secret));
        g_free(secret);
}

int sc_secret_to_fd(const char *secret, GError **error)
{
        sc_autofd fd = memfd_create("secret", MFD_CLOEXEC);
        if (fd < 0) {
                sc_throw_errno(error, "Cannot make a file in memory");
                return -1;
        }
        if (!sc_write_all(fd, secret, strlen(secret), error))
                return -1;
        if (lseek(fd, 0, SEEK_SET) < 0) {
                sc_throw_errno(error, "Cannot wind a file in memory back");
                return -1;
        }
        return sc_steal_fd(&fd);
}

void sc_login_clear(ScLogin *login)
{
        g_clear_pointer(&login->user, g_free);
        g_clear_pointer(&login->password, sc_secret_free);
        g_clear_pointer(&login->identity_token, sc_secret_free);
        g_clear_pointer(&login->origin, g_free);
}

ScLogin sc_login_copy(const ScLogin *login)
{
        return (ScLogin){
                .user = g_strdup(login->user),
                .password = g_strdup(login->password),
                .identity_token = g_strdup(login->identity_token),
                .origin = g_strdup(login->origin),
        };
}

bool sc_login_is_set(const ScLogin *login)
{
        return login->user != NULL;
}

static bool has_control_character(const char *text)
{
        for (const char *c = text; *c != '\0'; c++)
                if (g_ascii_iscntrl(*c))
                        return true;
        return false;
}

bool sc_login_parse(const char *text, const char *origin, ScLogin *ret, GError **error)
{
        const char *colon = strchr(text, ':');
        if (colon == NULL || colon[1] == '\0')
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The credentials of %s are not USER:PASSWORD", origin);
        if (strlen(text) > SC_LOGIN_MAX_SIZE || !g_utf8_validate(text, -1, NULL) || has_control_character(text))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The credentials of %s are longer than %u bytes, no UTF-8, or hold control characters", origin,
                                SC_LOGIN_MAX_SIZE);
        bool is_token = g_str_has_prefix(text, SC_LOGIN_TOKEN_USER ":");
        *ret = (ScLogin){
                .user = g_strndup(text, (gsize)(colon - text)),
                .password = is_token ? NULL : g_strdup(colon + 1),
                .identity_token = is_token ? g_strdup(colon + 1) : NULL,
                .origin = g_strdup(origin),
        };
        return true;
}

char *sc_login_to_text(const ScLogin *login)
{
        if (login->identity_token != NULL)
                return g_strconcat(SC_LOGIN_TOKEN_USER ":", login->identity_token, NULL);
        return g_strconcat(login->user, ":", login->password, NULL);
}

char *sc_login_to_basic(const ScLogin *login)
{
        sc_autosecret char *text = g_strconcat(login->user, ":", login->password, NULL);
        sc_autosecret char *encoded = g_base64_encode((const guchar *)text, strlen(text));
        return g_strconcat("Basic ", encoded, NULL);
}
