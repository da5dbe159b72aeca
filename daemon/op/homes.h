/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A worker whose sandbox hides homes must not take what lies there for missing: it would give a user's folder to root, or lose
 * sight of a file that an image has put there. So what touches homes is refused before anything is begun (AccessDenied naming the
 * path and the setting). Where homes are not hidden, all of these are true. */

#include "side.h"

bool sc_homes_spare_path(const ScConfig *config, const char *path, GError **error);
bool sc_homes_spare_paths(const ScConfig *config, char *const *paths, GError **error); /* NULL: none */
/* Of ScHostFile; NULL: none. */
bool sc_homes_spare_files(const ScConfig *config, GPtrArray *files, GError **error);
bool sc_homes_spare_tmpfiles(const ScConfig *config, const char *text, GError **error);
/* What a worker itself does for a deployment on the host (files in a package are the package system's); NULL: there is none. */
bool sc_homes_spare_side(const ScConfig *config, const ScSide *side, GError **error);
