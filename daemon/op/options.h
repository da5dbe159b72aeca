/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An operation's options, as the daemon passes them on from the bus. The daemon has checked keys and types; a worker that is run by
 * hand has not been, so everything is checked here again. */

#include "op.h"

/* NULL where the option is absent. */
bool sc_option_string(const ScOpContext *context, const char *key, const char **ret, GError **error);
/* An empty table where it is absent. Values are checked as variables. */
bool sc_option_values(const ScOpContext *context, const char *key, GHashTable **ret, GError **error);
bool sc_option_strv(const ScOpContext *context, const char *key, char ***ret, GError **error);
bool sc_option_uint(const ScOpContext *context, const char *key, guint fallback, guint *ret, GError **error);
/* The word is one of those in `words` (ended by NULL), the first where the option is absent. */
bool sc_option_word(const ScOpContext *context, const char *key, const char *const *words, const char **ret, GError **error);
/* A file that the caller handed over, {"fd":N}; the caller of this owns it then. -1 where the option is absent. InvalidArgument for
 * what is no pipe, socket, terminal or regular file: a device or a folder would be more than something to read or write. */
bool sc_option_fd(const ScOpContext *context, const char *key, int *ret, GError **error);
/* The same of a reference {"fd":N} that lies elsewhere in the options; key: for messages. */
bool sc_option_take_fd(const ScOpContext *context, JsonObject *reference, const char *key, int *ret, GError **error);
/* One of the job's details; NULL: it is not known, and left out. */
void sc_detail(ScOpContext *context, const char *key, const char *value);
