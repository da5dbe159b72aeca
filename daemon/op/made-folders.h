/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of tmpfiles.d of containers that were uninstalled in this boot, in RUN_DIRECTORY/sysconsd/made, a file a container. What
 * they made may be there still, and says nothing about the next boot: an install in which the image names no lines of its own takes
 * a folder that is there because of them for missing. */

#include "base/scope.h"

/* A lost memory is no reason to fail. text may be NULL. */
void sc_made_folders_remember(const ScScope *scope, const char *container, const char *text);
/* All lines, newly allocated. */
char *sc_made_folders_lines(const ScScope *scope);
