/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file of registries.d, containers-registries.d(5), that says of one scope where its signatures lie, and nothing else: it is
 * called by its scope, as the atomic command called it. What more there is in a file is somebody's own, and is not rewritten. */

#include "base/scope.h"

/* Whether both can be: a scope as registries.d has it (HOST[:PORT][/PATH[:TAG]], no *.DOMAIN), and a URL of http, https or file.
 * InvalidArgument. */
bool sc_lookaside_file_check(const char *images, const char *url, GError **error);

/* Makes or changes it below containers_fd, the folder of this scope's own settings. Exists, naming the file, where another has a
 * say for these images, or the name. */
bool sc_lookaside_file_write(const ScScope *scope, int containers_fd, const char *images, const char *url, bool *ret_changed,
                             GError **error);

/* Removes it. *ret_other: the file that says it still, among other things, NULL: none. */
bool sc_lookaside_file_remove(const ScScope *scope, const char *images, bool *ret_changed, char **ret_other, GError **error);
