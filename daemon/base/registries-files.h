/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files about registries that a scope has, and how they become a ScRegistries. They are in the order in which they are read:
 *   registries.conf in /etc/containers, else in /usr/share/containers; the files *.conf in registries.conf.d of both, where the
 * first hides one of the same name in the second; a user's own registries.conf instead of all these, and his own drop-ins behind
 * either. The program sysconsd-toml parses them, which is not run where there are none. */

#include "registries.h"
#include "scope.h"
#include <gio/gio.h>

typedef struct {
        char **settings; /* absolute paths; never NULL */
        char *aliases;   /* podman's record of what its users chose for short names; NULL: there is none */
} ScRegistriesFiles;

/* InvalidArgument where a folder is there and cannot be read. */
bool sc_registries_files_find(const ScScope *scope, ScRegistriesFiles *ret, GError **error);
void sc_registries_files_clear(ScRegistriesFiles *files);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScRegistriesFiles, sc_registries_files_clear)

/* A text that is another one whenever the files are. */
char *sc_registries_files_stamp(const ScRegistriesFiles *files);

/* Starts the parser. NULL without an error: there is nothing to parse. */
GSubprocess *sc_registries_files_parse(const ScRegistriesFiles *files, GError **error);
/* From what the parser printed. InvalidArgument names the file and the line. */
ScRegistries *sc_registries_files_take(const ScRegistriesFiles *files, bool successful, const char *output, const char *problem,
                                       GError **error);

/* All of the above; blocks until it is done. */
ScRegistries *sc_registries_load(const ScScope *scope, GCancellable *cancellable, GError **error);
