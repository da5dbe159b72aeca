/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object-check.h"
#include "base/path.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (1u << 20)

/* No more than the file had when it was opened: one that grows under our hands is damaged, not endless. */
static bool hash_content(ScHasher *hasher, int fd, ScReport *report, GCancellable *cancellable)
{
        g_autofree guint8 *buffer = NULL;
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return false;
        guint64 left = (guint64)st.st_size;
        buffer = g_malloc(MIN(MAX(left, 1), CHUNK));
        while (left > 0 && !g_cancellable_is_cancelled(cancellable)) {
                ssize_t got = read(fd, buffer, MIN(left, CHUNK));
                if (got <= 0)
                        return false;
                sc_hasher_update(hasher, buffer, (gsize)got);
                sc_report_advance(report, (guint64)got);
                left -= (guint64)got;
        }
        return left == 0;
}

static bool is_whole(ScRepository *repository, const char *path, const ScDigest *id, ScReport *report, GCancellable *cancellable)
{
        int objects_fd = sc_repository_objects_fd(repository);
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        g_auto(ScObjectMeta) meta = {0};
        ScDigest found;

        if (!sc_object_read_meta(objects_fd, path, sc_repository_format(repository), &meta, NULL))
                return false;
        sc_object_hash_header(hasher, &meta);
        if (S_ISREG(meta.mode)) {
                sc_autofd fd = openat(objects_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (fd < 0 || !hash_content(hasher, fd, report, cancellable))
                        return false;
        } else if (!S_ISLNK(meta.mode))
                return false;
        sc_hasher_finish(hasher, &found);
        return sc_digest_equal(&found, id);
}

bool sc_object_is_whole(ScRepository *repository, const ScDigest *id, ScReport *report, GCancellable *cancellable)
{
        char path[SC_OBJECT_PATH_SIZE], hex[SC_DIGEST_HEX_SIZE];

        sc_object_path(SC_OBJECT_FILE, id, path);
        if (is_whole(repository, path, id, report, cancellable))
                return true;
        /* Where the atomic command imported on a host with SELinux, labels are part of the id; we leave them out. */
        sc_digest_to_hex(id, hex);
        return !g_cancellable_is_cancelled(cancellable) &&
               ostree_repo_fsck_object(sc_repository_ostree(repository), OSTREE_OBJECT_TYPE_FILE, hex, cancellable, NULL);
}
