/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* registries.d, containers-registries.d(5): where the signatures of which images lie. */

#include <glib.h>
#include <stdbool.h>

typedef struct ScRegistriesD ScRegistriesD;
/* All files *.yaml of a folder; one that is not there is empty. Corrupt names the file. */
ScRegistriesD *sc_registries_d_load(const char *folder, GError **error);
ScRegistriesD *sc_registries_d_new(void);
/* One more file; `file` names it in messages. */
bool sc_registries_d_add(ScRegistriesD *registries, const char *text, gsize size, const char *file, GError **error);
void sc_registries_d_free(ScRegistriesD *registries);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRegistriesD, sc_registries_d_free)

/* The file of the folder that has a section for the scope; *ret_file NULL: none. *ret_alone: it says that scope's lookaside and
 * nothing else. */
bool sc_registries_d_find(const char *folder, const char *scope, char **ret_file, bool *ret_alone, GError **error);

/* The URL of the lookaside storage for an image of these scopes, the most specific first; NULL: none is configured. */
const char *sc_registries_d_lookaside(const ScRegistriesD *registries, const char *const *scopes);
/* Whether sigstore signatures are looked for beside the image in its registry. */
bool sc_registries_d_uses_attachments(const ScRegistriesD *registries, const char *const *scopes);
/* All URLs by their scopes; "": that of default-docker. The caller's. */
GHashTable *sc_registries_d_lookasides(const ScRegistriesD *registries);
