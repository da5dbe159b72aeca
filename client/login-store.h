/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The places that keep the user's logins, as the credential-helpers of his registries.conf have them, in their order: his files,
 * and programs that are helpers for every registry. A file that he has named (--authfile) stands alone. */

#include "base/login.h"
#include "client.h"

/* Names of helpers, and SC_KEYRING_FILES for the usual files; ended by NULL, never empty. */
char **sc_login_stores(const ScClient *client, GError **error);

/* For HOST[:PORT][/NAMESPACE]: in the first place that takes it. What was wrong with those before is told. */
bool sc_login_stores_set(const ScClient *client, const char *key, const ScLogin *login, GError **error);
/* From all of them; *ret_removed: there was one. What goes wrong with one place keeps no other from forgetting it. */
bool sc_login_stores_remove(const ScClient *client, const char *key, bool *ret_removed, GError **error);
bool sc_login_stores_remove_all(const ScClient *client, GError **error);
