/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file of logins (base/auth-file.h) that is changed: what is not known of it stays. Others wait while it is open. */

#include "base/auth-file.h"

typedef struct ScLoginFile ScLoginFile;

/* One that is not there begins empty; its folder is made. */
ScLoginFile *sc_login_file_open(const char *path, GError **error);
void sc_login_file_free(ScLoginFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScLoginFile, sc_login_file_free)

/* Where the file says that a helper keeps what belongs to the registry, that is told; else the file itself does, under the key,
 * HOST[:PORT][/NAMESPACE]. On the disk when it returns. */
bool sc_login_file_set(ScLoginFile *file, const char *key, const ScLogin *login, GError **error);
/* *ret_removed: there was one. */
bool sc_login_file_remove(ScLoginFile *file, const char *key, bool *ret_removed, GError **error);
bool sc_login_file_remove_all(ScLoginFile *file, GError **error);
