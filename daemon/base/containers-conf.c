/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containers-conf.h"

#include "error.h"
#include "path.h"
#include <unistd.h>

#define SYSTEM_FOLDER SYSCONFDIR "/containers"

char *sc_containers_own_folder(const ScScope *scope)
{
        return scope->kind == SC_SCOPE_USER ? g_build_filename(scope->user_config, "containers", NULL) : g_strdup(SYSTEM_FOLDER);
}

char *sc_containers_path(const ScScope *scope, const char *name)
{
        g_autofree char *folder = sc_containers_own_folder(scope);
        g_autofree char *own = g_build_filename(folder, name, NULL);
        return access(own, F_OK) == 0 ? g_steal_pointer(&own) : g_build_filename(SYSTEM_FOLDER, name, NULL);
}

bool sc_containers_read(const ScScope *scope, const char *name, gsize max, char **ret_path, char **ret_text, gsize *ret_size,
                        GError **error)
{
        g_autoptr(GError) local = NULL;
        *ret_path = sc_containers_path(scope, name);
        if (sc_read_path(*ret_path, max, ret_text, ret_size, &local))
                return true;
        *ret_text = NULL;
        *ret_size = 0;
        if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                bool link = g_file_test(*ret_path, G_FILE_TEST_IS_SYMLINK);
                return !link || sc_throw(error, SC_ERROR_CORRUPT, "%s is a link to nothing", *ret_path);
        }
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}
