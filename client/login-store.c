/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "login-store.h"
#include "base/keyring.h"
#include "base/registries-files.h"
#include "helper.h"
#include "login-file.h"
#include "logins.h"
#include <string.h>
#include <unistd.h>

char **sc_login_stores(const ScClient *client, GError **error)
{
        static const char *const files_alone[] = {SC_KEYRING_FILES, NULL};
        if (client->authfile != NULL)
                return g_strdupv((char **)files_alone);
        g_autofree char *own = getuid() != 0 ? g_build_filename(g_get_user_config_dir(), "containers", NULL) : NULL;
        const ScScope scope = {.containers_dir = own, .short_names = (char *)""};
        g_autoptr(ScRegistries) registries = sc_registries_load(&scope, NULL, error);
        if (registries == NULL)
                return NULL;
        char **said = registries->credential_helpers;
        return g_strdupv(said[0] != NULL ? said : (char **)files_alone);
}

static bool are_files(const char *store)
{
        return strcmp(store, SC_KEYRING_FILES) == 0;
}

static ScLoginFile *open_file(const ScClient *client, GError **error)
{
        g_auto(GStrv) places = sc_logins_places(client);
        return sc_login_file_open(places[0], error);
}

/* ---- to keep one ---- */

static bool set_in(const ScClient *client, const char *store, const char *key, const ScLogin *login, GError **error)
{
        if (are_files(store)) {
                g_autoptr(ScLoginFile) file = open_file(client, error);
                return file != NULL && sc_login_file_set(file, key, login, error);
        }
        const ScAuthHelper helper = {(char *)store, (char *)key};
        if (strchr(key, '/') != NULL)
                return sc_exit_throw(error, SC_EXIT_USAGE,
                                     "docker-credential-%s keeps logins for registries, not for %s: leave out what is behind the "
                                     "first slash",
                                     store, key);
        return sc_helper_store(&helper, login, error);
}

bool sc_login_stores_set(const ScClient *client, const char *key, const ScLogin *login, GError **error)
{
        g_auto(GStrv) stores = sc_login_stores(client, error);
        for (char **store = stores; store != NULL && *store != NULL; store++) {
                g_autoptr(GError) problem = NULL;
                if (set_in(client, *store, key, login, &problem))
                        return true;
                if (store[1] == NULL)
                        g_propagate_error(error, g_steal_pointer(&problem));
                else
                        sc_client_report(client, problem);
        }
        return false;
}

/* ---- to forget ---- */

/* key NULL: all. */
static bool remove_from(const ScClient *client, const char *store, const char *key, bool *ret_removed, GError **error)
{
        if (are_files(store)) {
                g_autoptr(ScLoginFile) file = open_file(client, error);
                if (file == NULL)
                        return false;
                return key != NULL ? sc_login_file_remove(file, key, ret_removed, error) : sc_login_file_remove_all(file, error);
        }
        if (key == NULL)
                return sc_helper_erase_all(store, error);
        const ScAuthHelper helper = {(char *)store, (char *)key};
        return strchr(key, '/') != NULL || sc_helper_remove(&helper, ret_removed, error);
}

static bool remove_everywhere(const ScClient *client, const char *key, bool *ret_removed, GError **error)
{
        g_auto(GStrv) stores = sc_login_stores(client, error);
        g_autoptr(GError) first = NULL;
        *ret_removed = false;
        for (char **store = stores; store != NULL && *store != NULL; store++) {
                bool removed = false;
                (void)remove_from(client, *store, key, &removed, first == NULL ? &first : NULL);
                *ret_removed |= removed;
        }
        if (first == NULL)
                return stores != NULL;
        g_propagate_error(error, g_steal_pointer(&first));
        return false;
}

bool sc_login_stores_remove(const ScClient *client, const char *key, bool *ret_removed, GError **error)
{
        return remove_everywhere(client, key, ret_removed, error);
}

bool sc_login_stores_remove_all(const ScClient *client, GError **error)
{
        bool removed;
        return remove_everywhere(client, NULL, &removed, error);
}
