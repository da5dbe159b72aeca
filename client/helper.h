/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The user's own credential helpers, docker-credential-NAME: programs that keep logins for registries. They run as the user, here.
 */

#include "base/auth-file.h"

/* A ScKeyringAsk. */
bool sc_helper_get(gpointer data, const ScAuthHelper *helper, ScLogin *ret, GError **error);
bool sc_helper_store(const ScAuthHelper *helper, const ScLogin *login, GError **error);
bool sc_helper_erase(const ScAuthHelper *helper, GError **error);
/* If it has one; *ret_removed says so. */
bool sc_helper_remove(const ScAuthHelper *helper, bool *ret_removed, GError **error);
/* All that it lists. */
bool sc_helper_erase_all(const char *name, GError **error);
