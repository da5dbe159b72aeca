/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Settings that podman, skopeo and this program share, in /etc/containers; a user's own in ~/.config/containers, each of which
 * stands in the place of the system's of that name. */

#include "scope.h"

/* Where the setting of that name is read from: the user's own where it is there, else the system's, whether it is there or not. */
char *sc_containers_path(const ScScope *scope, const char *name);
/* The whole of that file; *ret_text NULL: there is none. *ret_path: where it is, or would be. */
bool sc_containers_read(const ScScope *scope, const char *name, gsize max, char **ret_path, char **ret_text, gsize *ret_size,
                        GError **error);
/* The folder in which this scope's own are changed. */
char *sc_containers_own_folder(const ScScope *scope);
