/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keyring.h"

#include "error.h"
#include <string.h>

typedef struct {
        ScAuthFile *file;
        ScKeyringHelpers helpers;
        GError *problem; /* instead of the file */
} File;

struct ScKeyring {
        GMutex lock;
        ScKeyringAsk ask;
        gpointer data;
        char *host; /* of the login */
        ScLogin login;
        GArray *files;
        bool certificates;
        ScKeyringStores stores;
        char **order; /* what it said; NULL: not asked yet */
};

static void clear_file(gpointer data)
{
        sc_auth_file_free(((File *)data)->file);
        g_clear_error(&((File *)data)->problem);
}

ScKeyring *sc_keyring_new(ScKeyringAsk ask, gpointer data)
{
        ScKeyring *keyring = g_new0(ScKeyring, 1);
        g_mutex_init(&keyring->lock);
        keyring->ask = ask;
        keyring->data = data;
        keyring->files = g_array_new(FALSE, FALSE, sizeof(File));
        g_array_set_clear_func(keyring->files, clear_file);
        return keyring;
}

void sc_keyring_free(ScKeyring *keyring)
{
        if (keyring == NULL)
                return;
        g_mutex_clear(&keyring->lock);
        g_free(keyring->host);
        sc_login_clear(&keyring->login);
        g_array_unref(keyring->files);
        g_strfreev(keyring->order);
        g_free(keyring);
}

void sc_keyring_give(ScKeyring *keyring, const char *host, const ScLogin *login)
{
        g_free(keyring->host);
        keyring->host = g_strdup(host);
        sc_login_clear(&keyring->login);
        keyring->login = sc_login_copy(login);
}

void sc_keyring_add_file(ScKeyring *keyring, ScAuthFile *file, ScKeyringHelpers helpers)
{
        const File added = {file, helpers, NULL};
        g_array_append_val(keyring->files, added);
}

void sc_keyring_add_broken(ScKeyring *keyring, GError *problem)
{
        const File added = {NULL, SC_KEYRING_HELPERS_RUN, problem};
        g_array_append_val(keyring->files, added);
}

void sc_keyring_add_certificates(ScKeyring *keyring)
{
        keyring->certificates = true;
}

bool sc_keyring_has_certificates(const ScKeyring *keyring)
{
        return keyring != NULL && keyring->certificates;
}

void sc_keyring_set_stores(ScKeyring *keyring, ScKeyringStores stores)
{
        keyring->stores = stores;
}

static bool look_into(ScKeyring *keyring, const File *file, const char *host, const char *repository, ScLogin *ret, GError **error)
{
        g_auto(ScAuthHelper) helper = {};
        if (file->problem != NULL) {
                g_propagate_error(error, g_error_copy(file->problem));
                return false;
        }
        if (!sc_auth_file_find(file->file, host, repository, ret, &helper, error))
                return false;
        if (helper.name == NULL)
                return true;
        if (file->helpers == SC_KEYRING_HELPERS_REFUSED)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "The credentials for %s are kept by docker-credential-%s (%s), which is not run for somebody else: "
                                "ask it, and hand over what it answers, as sysconsctl does",
                                host, helper.name, sc_auth_file_path(file->file));
        return keyring->ask(keyring->data, &helper, ret, error);
}

/* The first that knows a login counts. */
static bool look_into_files(ScKeyring *keyring, ScKeyringHelpers whose, const char *host, const char *repository, ScLogin *ret,
                            GError **error)
{
        for (guint i = 0; i < keyring->files->len; i++) {
                const File *file = &g_array_index(keyring->files, File, i);
                if (file->helpers == whose && (!look_into(keyring, file, host, repository, ret, error) || sc_login_is_set(ret)))
                        return sc_login_is_set(ret);
        }
        return true;
}

static bool look_into_store(ScKeyring *keyring, const char *store, const char *host, const char *repository, ScLogin *ret,
                            GError **error)
{
        if (strcmp(store, SC_KEYRING_FILES) == 0)
                return look_into_files(keyring, SC_KEYRING_HELPERS_RUN, host, repository, ret, error);
        /* Such a program knows registries, not what is in them. */
        const ScAuthHelper helper = {(char *)store, (char *)host};
        return keyring->ask(keyring->data, &helper, ret, error);
}

static bool look_into_our_own(ScKeyring *keyring, const char *host, const char *repository, ScLogin *ret, GError **error)
{
        static const char *const files_alone[] = {SC_KEYRING_FILES, NULL};
        if (keyring->stores != NULL && keyring->order == NULL && !keyring->stores(keyring->data, &keyring->order, error))
                return false;
        bool said = keyring->order != NULL && keyring->order[0] != NULL;
        GError *first = NULL;
        for (const char *const *store = said ? (const char *const *)keyring->order : files_alone; *store != NULL; store++) {
                if (look_into_store(keyring, *store, host, repository, ret, first == NULL ? &first : NULL) &&
                    sc_login_is_set(ret)) {
                        g_clear_error(&first);
                        return true;
                }
        }
        if (first == NULL)
                return true;
        g_propagate_error(error, first);
        return false;
}

bool sc_keyring_find(ScKeyring *keyring, const char *host, const char *repository, ScLogin *ret, GError **error)
{
        if (keyring == NULL)
                return true;
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&keyring->lock);
        if (sc_login_is_set(&keyring->login) && strcmp(keyring->host, host) == 0) {
                *ret = sc_login_copy(&keyring->login);
                return true;
        }
        if (!look_into_files(keyring, SC_KEYRING_HELPERS_REFUSED, host, repository, ret, error) || sc_login_is_set(ret))
                return sc_login_is_set(ret);
        return look_into_our_own(keyring, host, repository, ret, error);
}
