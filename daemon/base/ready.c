/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ready.h"

#include "error.h"
#include <errno.h>
#include <poll.h>

static int poll_until(struct pollfd fds[2], gint64 end)
{
        for (;;) {
                gint64 left = (end - g_get_monotonic_time()) / 1000;
                int r = poll(fds, 2, (int)CLAMP(left, 0, G_MAXINT));
                if (r >= 0 || errno != EINTR)
                        return r;
        }
}

int sc_wait_ready(int fd, short events, guint seconds, GCancellable *cancellable, GError **error)
{
        GPollFD cancel = {.fd = -1};
        bool has_cancel = cancellable != NULL && g_cancellable_make_pollfd(cancellable, &cancel);
        struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = has_cancel ? cancel.fd : -1, .events = POLLIN}};
        int r = poll_until(fds, g_get_monotonic_time() + seconds * (gint64)G_USEC_PER_SEC);
        int problem = errno;
        if (has_cancel)
                g_cancellable_release_fd(cancellable);
        if (sc_cancelled(cancellable, error))
                return -1;
        errno = problem;
        if (r < 0)
                sc_throw_errno(error, "Cannot wait for a file");
        return r < 0 ? -1 : r > 0;
}
