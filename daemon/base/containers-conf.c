/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containers-conf.h"

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
