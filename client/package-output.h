/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file that a package is written into: by the daemon, but opened here, with the rights of who asked. Until it is whole it has a
 * hidden name. */

#include <gio/gio.h>
#include <stdbool.h>

typedef struct {
        int fd;
        char *folder;
        char *path;   /* what it is to be called; NULL: the daemon says, in the folder */
        char *hidden; /* what it is called now; NULL: it is gone or done */
} ScPackageOutput;

/* path NULL: in the current folder, under the name that the package has. */
bool sc_package_output_open(const char *path, ScPackageOutput *ret, GError **error);
/* It is whole: gives it its name, of which *ret_path is a copy. `name` is the package's own. */
bool sc_package_output_keep(ScPackageOutput *output, const char *name, char **ret_path, GError **error);
/* Removes what was not kept. */
void sc_package_output_clear(ScPackageOutput *output);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScPackageOutput, sc_package_output_clear)
