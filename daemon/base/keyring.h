/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All that one has to show to registries: the login that was given for one of them, then somebody else's files, then what is our
 * own: files in their order, and the programs that the settings of registries name in front of them, behind them or in their
 * place. */

#include "auth-file.h"

typedef enum {
        SC_KEYRING_HELPERS_RUN,     /* our own file: the programs that it names are asked */
        SC_KEYRING_HELPERS_REFUSED, /* somebody else's: it may not say what we run */
} ScKeyringHelpers;

/* Asks a program; *ret stays empty where it knows no login. */
typedef bool (*ScKeyringAsk)(gpointer data, const ScAuthHelper *helper, ScLogin *ret, GError **error);

/* The credential-helpers of the settings of registries: names of programs, and SC_KEYRING_FILES, which stands for our own files.
 * Empty: only these. */
#define SC_KEYRING_FILES "containers-auth.json"
typedef bool (*ScKeyringStores)(gpointer data, char ***ret, GError **error);

typedef struct ScKeyring ScKeyring;
ScKeyring *sc_keyring_new(ScKeyringAsk ask, gpointer data);
void sc_keyring_free(ScKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScKeyring, sc_keyring_free)

/* For this registry (HOST[:PORT]) and no other; before all files. */
void sc_keyring_give(ScKeyring *keyring, const char *host, const ScLogin *login);
/* Takes the file. */
void sc_keyring_add_file(ScKeyring *keyring, ScAuthFile *file, ScKeyringHelpers helpers);

/* The certificates of this machine in certs.d (registry/certs.h) are among it: they are shown for who goes by the host's own
 * logins, and for nobody else. NULL: an empty one. */
void sc_keyring_add_certificates(ScKeyring *keyring);
bool sc_keyring_has_certificates(const ScKeyring *keyring);

/* Asked once, when something of our own is looked for the first time; without it there are the files alone. data: that of the new
 * keyring. */
void sc_keyring_set_stores(ScKeyring *keyring, ScKeyringStores stores);

/* Takes the error, which is told where a login is looked for in this place. */
void sc_keyring_add_broken(ScKeyring *keyring, GError *problem);

/* *ret stays empty where nothing is known of the repository ("": of the registry). What goes wrong with one program, or with the
 * files, is the error only where no other place of the settings knows a login. From any thread, one at a time; NULL: an empty one.
 * A helper may take a minute. */
bool sc_keyring_find(ScKeyring *keyring, const char *host, const char *repository, ScLogin *ret, GError **error);
