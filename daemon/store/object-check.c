/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object-check.h"
#include "base/error.h"
#include "base/path.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (1u << 20)

/* No more than the file had when it was opened: one that grows under our hands is damaged, not endless. */
static bool hash_content(ScHasher *hasher, int fd, ScReport *report, GCancellable *cancellable, GError **error)
{
        g_autofree guint8 *buffer = NULL;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return sc_throw_errno(error, "Cannot look at it");
        if (!S_ISREG(st.st_mode))
                return sc_throw(error, SC_ERROR_CORRUPT, "It is no file");
        guint64 left = (guint64)st.st_size;
        buffer = g_malloc(MIN(MAX(left, 1), CHUNK));
        while (left > 0) {
                if (sc_cancelled(cancellable, error))
                        return false;
                ssize_t got = read(fd, buffer, MIN(left, CHUNK));
                if (got < 0)
                        return sc_throw_errno(error, "Cannot read it");
                if (got == 0)
                        return sc_throw(error, SC_ERROR_CORRUPT, "It got shorter");
                sc_hasher_update(hasher, buffer, (gsize)got);
                sc_report_advance(report, (guint64)got);
                left -= (guint64)got;
        }
        return true;
}

static bool hash_object(ScRepository *repository, const char *path, ScReport *report, GCancellable *cancellable, ScDigest *ret,
                        GError **error)
{
        int objects_fd = sc_repository_objects_fd(repository);
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        g_auto(ScObjectMeta) meta = {0};

        if (!sc_object_read_meta(objects_fd, path, sc_repository_format(repository), &meta, error))
                return false;
        sc_object_hash_header(hasher, &meta);
        if (S_ISREG(meta.mode)) {
                sc_autofd fd = openat(objects_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (fd < 0)
                        return sc_throw_errno(error, "Cannot open it");
                if (!hash_content(hasher, fd, report, cancellable, error))
                        return false;
        } else if (!S_ISLNK(meta.mode))
                return sc_throw(error, SC_ERROR_CORRUPT, "It is neither a file nor a symlink");
        sc_hasher_finish(hasher, ret);
        return true;
}

/* Where the atomic command imported on a host with SELinux, labels are part of the id; we leave them out. */
static bool is_whole_with_labels(ScRepository *repository, const ScDigest *id, GCancellable *cancellable, bool *ret_whole,
                                 GError **error)
{
        g_autoptr(GError) own_error = NULL;
        char hex[SC_DIGEST_HEX_SIZE];

        sc_digest_to_hex(id, hex);
        *ret_whole = ostree_repo_fsck_object(sc_repository_ostree(repository), OSTREE_OBJECT_TYPE_FILE, hex, cancellable,
                                             &own_error);
        if (!g_error_matches(own_error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES) &&
            !g_error_matches(own_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
                return true;
        g_propagate_error(error, g_steal_pointer(&own_error));
        return sc_prefix(error, "Cannot check the object %s", hex);
}

bool sc_object_check(ScRepository *repository, const ScDigest *id, ScReport *report, GCancellable *cancellable, bool *ret_whole,
                     GError **error)
{
        g_autoptr(GError) own_error = NULL;
        char path[SC_OBJECT_PATH_SIZE];
        ScDigest found;

        sc_object_path(SC_OBJECT_FILE, id, path);
        bool hashed = hash_object(repository, path, report, cancellable, &found, &own_error);
        if (!hashed && (sc_error_is_passing(own_error) || g_error_matches(own_error, SC_ERROR, SC_ERROR_CANCELLED))) {
                g_propagate_error(error, g_steal_pointer(&own_error));
                return sc_prefix(error, "Cannot check the object %s", path);
        }
        *ret_whole = hashed && sc_digest_equal(&found, id);
        return !hashed || *ret_whole || is_whole_with_labels(repository, id, cancellable, ret_whole, error);
}
