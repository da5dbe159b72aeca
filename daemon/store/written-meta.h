/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an object of SC_OBJECTS_BARE_USER has written beside its content, in the extended attribute user.ostreemeta: all that its
 * header says, because the file itself is the user's. */

#include "object.h"
#include <sys/stat.h>

/* What is left of a mode: no set-id bits, nothing that everybody may write. */
#define SC_WRITTEN_MODE_MASK 0775

/* Sets mode and attribute of an open regular file. */
bool sc_written_meta_put(int fd, const ScObjectMeta *meta, GError **error);
/* Whether they are these. */
bool sc_written_meta_matches(int fd, const struct stat *st, const ScObjectMeta *meta);
/* Reads them, and a symlink's target from the content. Corrupt. */
bool sc_written_meta_get(int fd, ScObjectMeta *ret, GError **error);

/* The attribute's value to what it says, without a target. Corrupt. */
bool sc_written_meta_parse(const void *data, gsize size, ScObjectMeta *ret, GError **error);
