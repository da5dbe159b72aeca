/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The systemd unit of a container. */

#include <gio/gio.h>
#include "exports.h"
#include "variables.h"

/* The template in use: the image's, or ours (Restart=on-failure, WantedBy=multi-user.target ...). Not owned by the caller. */
const char *sc_service_template(const ScExports *exports);
bool sc_service_is_detached(const char *template_text);
/* Whether the container's life is the OCI runtime's affair. A unit may as well start a program straight from $DESTDIR/rootfs; what
 * has no service needs no runtime either. */
bool sc_service_needs_runtime(const ScExports *exports);
/* The rendered unit; what is to start with multi-user.target starts with the scope's own target. Where it starts a runtime and has
 * no Delegate=, one is added: the container's cgroup lies in the unit's. A % in a value is doubled. */
char *sc_service_make(const ScExports *exports, const ScVariables *variables, GError **error);
/* True if the text has an [Install] section with an effective directive: enabling it means something. */
bool sc_service_is_enableable(const char *unit_text);
/* The control group, from the root of the hierarchy, in which the scope's systemd runs the unit NAME.service: Slice= or the
 * scope's default. */
char *sc_service_cgroup(const ScScope *scope, const char *unit_text, const char *name);

/* tmpfiles.d lines: the image's template rendered (for a user's container, where it says root, he), or `d PATH 0700 UID GID - -`
 * for each missing bind source; "" for none. */
char *sc_tmpfiles_make(const ScExports *exports, const ScVariables *variables, char *const *missing_sources, GError **error);
/* Whether a line of the text (NULL: there is none) makes the folder `path`; paths as sysconsd and the atomic command write them. */
bool sc_tmpfiles_makes(const char *text, const char *path);
/* A path in a home (base/home.h) that a line of the text (NULL: there is none) makes, changes, reads or removes; newly allocated,
 * NULL: no line does. */
char *sc_tmpfiles_find_home(const char *text);
/* systemd-tmpfiles --create FILE / --remove FILE; its stderr is part of the error. */
bool sc_tmpfiles_create(const ScScope *scope, const char *path, GCancellable *cancellable, GError **error);
bool sc_tmpfiles_remove(const ScScope *scope, const char *path, GCancellable *cancellable, GError **error);
