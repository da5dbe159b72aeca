/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lock.h"

#include "error.h"
#include "path.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define POLL_INTERVAL (G_USEC_PER_SEC / 10)

/* -1 error, 0 somebody else holds it, 1 ours */
static int try_lock(int fd, ScLockMode mode, const char *name, GError **error)
{
        while (flock(fd, (mode == SC_LOCK_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
                if (errno == EINTR)
                        continue;
                if (errno == EWOULDBLOCK)
                        return 0;
                sc_throw_errno(error, "Cannot lock %s", name);
                return -1;
        }
        return 1;
}

static int open_lock(int dir_fd, const char *name, GError **error)
{
        return sc_open_beneath(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, error);
}

static int wait_for_lock(int fd, const char *name, ScLockMode mode, GCancellable *cancellable, GError **error)
{
        for (;;) {
                int locked = try_lock(fd, mode, name, error);
                if (locked < 0 || sc_cancelled(cancellable, error))
                        return -1;
                if (locked > 0)
                        return 0;
                g_usleep(POLL_INTERVAL);
        }
}

int sc_lock_wait(int dir_fd, const char *name, ScLockMode mode, GCancellable *cancellable, GError **error)
{
        sc_autofd fd = open_lock(dir_fd, name, error);
        return fd >= 0 && wait_for_lock(fd, name, mode, cancellable, error) == 0 ? sc_steal_fd(&fd) : -1;
}

int sc_lock_wait_read_only(int dir_fd, const char *name, GCancellable *cancellable, GError **error)
{
        sc_autofd fd = sc_open_beneath(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0, error);
        return fd >= 0 && wait_for_lock(fd, name, SC_LOCK_SHARED, cancellable, error) == 0 ? sc_steal_fd(&fd) : -1;
}

int sc_lock_try(int dir_fd, const char *name, ScLockMode mode, GError **error)
{
        sc_autofd fd = open_lock(dir_fd, name, error);
        if (fd < 0)
                return -1;
        int locked = try_lock(fd, mode, name, error);
        if (locked == 0)
                sc_throw(error, SC_ERROR_BUSY, "%s is in use by another operation", name);
        return locked > 0 ? sc_steal_fd(&fd) : -1;
}
