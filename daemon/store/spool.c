/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spool.h"

#include "base/error.h"
#include "base/path.h"
#include "base/ready.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { CHUNK = 1024 * 1024 };

typedef struct {
        int from, to;
        const ScSpoolLimits *limits;
        guint64 reserved, done;
        GCancellable *cancellable;
        guint8 *buffer;
} Spool;

static bool wait_for_bytes(const Spool *spool, GError **error)
{
        int r = sc_wait_ready(spool->from, POLLIN, spool->limits->stall_seconds, spool->cancellable, error);
        return r > 0 || (r == 0 && sc_throw(error, SC_ERROR_FAILED, "Nothing of the archive came through the pipe for %u s",
                                            spool->limits->stall_seconds));
}

/* *ret_size 0: the end. */
static bool receive(const Spool *spool, gsize *ret_size, GError **error)
{
        for (;;) {
                if (!wait_for_bytes(spool, error))
                        return false;
                ssize_t size = read(spool->from, spool->buffer, CHUNK);
                if (size < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                *ret_size = size > 0 ? (gsize)size : 0;
                return size >= 0 || sc_throw_errno(error, "Cannot read the archive");
        }
}

static bool check_space(const Spool *spool, GError **error)
{
        struct statvfs fs;
        if (fstatvfs(spool->to, &fs) < 0)
                return sc_throw_errno(error, "Cannot tell how much space is free");
        return (guint64)fs.f_bavail * fs.f_frsize > spool->reserved ||
               sc_throw(error, SC_ERROR_NO_SPACE,
                        "No space is left for an archive that comes through a pipe: give its file instead, prune images or make "
                        "room");
}

static bool copy(Spool *spool, ScReport *report, GError **error)
{
        for (;;) {
                gsize size;
                if (!receive(spool, &size, error))
                        return false;
                if (size == 0)
                        return true;
                if (size > spool->limits->max - spool->done)
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                        "The archive has more than %" G_GUINT64_FORMAT
                                        " bytes: give its file instead of a pipe, or raise MaxArchiveSize= in the configuration",
                                        spool->limits->max);
                if (!check_space(spool, error) || !sc_write_all(spool->to, spool->buffer, size, error))
                        return false;
                spool->done += size;
                sc_report_advance(report, size);
        }
}

int sc_spool(ScRepository *repository, int pipe_fd, const ScSpoolLimits *limits, ScReport *report, GCancellable *cancellable,
             GError **error)
{
        sc_autofd folder = sc_repository_open_state(repository, error);
        if (folder < 0)
                return -1;
        sc_autofd to = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (to < 0) {
                sc_throw_errno(error, "Cannot make a file in %s", sc_repository_path(repository));
                return -1;
        }
        g_autofree guint8 *buffer = g_malloc(CHUNK);
        Spool spool = {.from = pipe_fd, .to = to, .limits = limits, .cancellable = cancellable, .buffer = buffer};
        if (!ostree_repo_get_min_free_space_bytes(sc_repository_ostree(repository), &spool.reserved, error)) {
                sc_prefix(error, "Cannot tell how much space has to stay free");
                return -1;
        }
        sc_report_phase(report, "Receiving", 0);
        return copy(&spool, report, error) ? sc_steal_fd(&to) : -1;
}
