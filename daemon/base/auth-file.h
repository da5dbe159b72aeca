/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files of logins: auth.json of podman and skopeo (containers-auth.json(5)), docker's config.json, and its older .dockercfg, which
 * is known by its name. */

#include "login.h"

#define SC_AUTH_FILE_MAX_SIZE (1024u * 1024)

typedef struct ScAuthFile ScAuthFile;

/* path: for its name, and for messages. Corrupt for what is no JSON; what one entry says is judged when it is asked for. */
ScAuthFile *sc_auth_file_parse(const char *text, gsize size, const char *path, GError **error);
/* The same of an open file, from where it stands. */
ScAuthFile *sc_auth_file_read(int fd, const char *path, GError **error);
void sc_auth_file_free(ScAuthFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScAuthFile, sc_auth_file_free)
const char *sc_auth_file_path(const ScAuthFile *file);

/* A program that is to be asked: docker-credential-NAME. */
typedef struct {
        char *name;
        char *server; /* what it is asked for */
} ScAuthHelper;
void sc_auth_helper_clear(ScAuthHelper *helper);
/* A word that becomes a part of a program's name. */
bool sc_auth_helper_is_name(const char *name);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScAuthHelper, sc_auth_helper_clear)

/* The login for a repository ("" for the registry as such) at HOST[:PORT]: of HOST/PATH/NAME, else of what lies above it, up to
 * HOST. Both results stay empty where the file knows none; else one is set. Corrupt names file and entry. */
bool sc_auth_file_find(const ScAuthFile *file, const char *host, const char *repository, ScLogin *ret_login,
                       ScAuthHelper *ret_helper, GError **error);

/* What `docker-credential-NAME get` has printed, which ended well or not; *ret stays empty where it knows no login. */
bool sc_auth_helper_read(const ScAuthHelper *helper, bool success, const char *text, gsize size, ScLogin *ret, GError **error);

/* The places of such files, in the order in which they are looked through; ended by NULL. None needs to be there. */
char **sc_auth_file_places(const char *runtime_directory);
/* "docker.io" for its registry's other names, else the host itself; lower case. */
char *sc_auth_file_normalize(const char *key);
