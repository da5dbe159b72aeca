/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ranges of ids that belong to a user beside his own: /etc/subuid and /etc/subgid (subuid(5)), lines of "USER:FIRST:COUNT" with the
 * user by name or number. */

#include <glib.h>
#include <stdbool.h>

typedef struct {
        guint32 container; /* the first id inside */
        guint32 host;      /* the first id outside */
        guint32 count;
} ScIdRange;

/* What a user namespace of `own` (a uid or gid) can map: root inside is himself; behind that, without a gap, come the ranges of the
 * text, as long as there are ids. Lines that make no sense are passed over, as newuidmap(1) does, and so are ranges that overlap an
 * earlier one or hold `own`. text NULL: none. ScIdRange, at least one. */
GArray *sc_subid_map(const char *text, const char *user_name, guint32 user_id, guint32 own);

/* Whether an id inside is mapped. */
bool sc_subid_maps(const GArray *map, guint32 id);
