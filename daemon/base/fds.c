/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fds.h"

#include "error.h"
#include "path.h"
#include <fcntl.h>
#include <unistd.h>

static void clear_fd(gpointer fd)
{
        sc_close(fd);
}

GArray *sc_fds_new(void)
{
        GArray *fds = g_array_new(FALSE, FALSE, sizeof(int));
        g_array_set_clear_func(fds, clear_fd);
        return fds;
}

int sc_fds_add(GArray *fds, int fd, GError **error)
{
        int own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (own < 0) {
                sc_throw_errno(error, "Cannot keep a file descriptor");
                return -1;
        }
        g_array_append_val(fds, own);
        return (int)fds->len - 1;
}
