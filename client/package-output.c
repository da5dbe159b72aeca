/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "package-output.h"

#include "base/path.h"
#include "exit.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

bool sc_package_output_open(const char *path, ScPackageOutput *ret, GError **error)
{
        g_auto(ScPackageOutput) output = {.fd = -1};
        output.path = g_strdup(path);
        output.folder = path != NULL ? g_path_get_dirname(path) : g_strdup(".");
        output.hidden = g_build_filename(output.folder, ".sysconsctl-XXXXXX", NULL);
        output.fd = g_mkstemp_full(output.hidden, O_RDWR | O_CLOEXEC, 0600);
        if (output.fd < 0) {
                int problem = errno;
                g_clear_pointer(&output.hidden, g_free);
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot make a file in %s: %s", output.folder, g_strerror(problem));
        }
        *ret = output;
        output = (ScPackageOutput){.fd = -1};
        return true;
}

/* The name comes from outside. */
static bool is_plain(const char *name)
{
        return name != NULL && name[0] != '.' && name[0] != '\0' && strchr(name, '/') == NULL;
}

bool sc_package_output_keep(ScPackageOutput *output, const char *name, char **ret_path, GError **error)
{
        if (output->path == NULL && !is_plain(name))
                return sc_exit_throw(error, SC_EXIT_FAILED, "The daemon did not say what the package is called");
        g_autofree char *path = output->path != NULL ? g_strdup(output->path) : g_canonicalize_filename(name, NULL);
        if (fsync(output->fd) < 0 || g_rename(output->hidden, path) < 0)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot write %s: %s", path, g_strerror(errno));
        g_clear_pointer(&output->hidden, g_free);
        *ret_path = g_steal_pointer(&path);
        return true;
}

void sc_package_output_clear(ScPackageOutput *output)
{
        if (output->hidden != NULL)
                g_unlink(output->hidden);
        sc_close(&output->fd);
        g_free(output->hidden);
        g_free(output->folder);
        g_free(output->path);
}
