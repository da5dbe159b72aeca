/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "large-file.h"
#include "base/error.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ZEROS_SIZE (64 * 1024)

static const guint8 zeros[ZEROS_SIZE];

struct ScLargeFile {
        ScStaging *staging;
        ScObjectFormat format;
        const ScObjectMeta *meta;
        guint64 size;
        ScHasher *hasher;
        guint64 done;
        int same_fd;    /* a file that is the same so far; -1: none, or no longer */
        bool is_stored; /* it is the repository's, and not of an interrupted import */
        guint left_at;
        char left_path[SC_OBJECT_PATH_SIZE];
        int fd; /* the temporary file; -1: none yet */
        char *temporary;
};

static bool make_temporary(ScLargeFile *file, GError **error)
{
        g_autofree char *random = sc_random_name(16);

        file->temporary = g_strconcat(SC_STAGING_TEMPORARY, random, NULL);
        file->fd = openat(sc_staging_fd(file->staging), file->temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
                          0600);
        return file->fd >= 0 || sc_throw_errno(error, "Cannot make a temporary file");
}

/* What an interrupted import has left is the likelier one. */
static void find_same(ScLargeFile *file, int stored_fd)
{
        file->same_fd = sc_staging_open_left(file->staging, file->meta, file->size, &file->left_at, file->left_path);
        if (file->same_fd >= 0) {
                sc_close(&stored_fd);
                return;
        }
        file->same_fd = stored_fd;
        file->is_stored = stored_fd >= 0;
        if (file->is_stored)
                (void)posix_fadvise(stored_fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

ScLargeFile *sc_large_file_new(ScStaging *staging, ScObjectFormat format, const ScObjectMeta *meta, guint64 size, int stored_fd,
                               GError **error)
{
        g_autoptr(ScLargeFile) file = g_new0(ScLargeFile, 1);

        file->staging = staging;
        file->format = format;
        file->meta = meta;
        file->size = size;
        file->fd = -1;
        file->hasher = sc_hasher_new();
        find_same(file, stored_fd);
        if (file->same_fd < 0 && !make_temporary(file, error))
                return NULL;
        sc_object_hash_header(file->hasher, meta);
        return g_steal_pointer(&file);
}

void sc_large_file_free(ScLargeFile *file)
{
        /* Gone already where it has become the object. */
        if (file->temporary != NULL)
                (void)unlinkat(sc_staging_fd(file->staging), file->temporary, 0);
        sc_close(&file->fd);
        sc_close(&file->same_fd);
        sc_hasher_free(file->hasher);
        g_free(file->temporary);
        g_free(file);
}

/* False with errno: ENODATA where the file ends before. */
static bool read_at(int fd, guint8 *buffer, gsize size, guint64 offset)
{
        for (gsize got = 0; got < size;) {
                ssize_t n = pread(fd, buffer + got, size - got, (off_t)(offset + got));
                if (n == 0)
                        errno = ENODATA;
                if (n <= 0)
                        return false;
                got += (gsize)n;
        }
        return true;
}

/* Whether these bytes stand there, too; at most ZEROS_SIZE. */
static bool has_at(int fd, const void *data, gsize size, guint64 offset)
{
        guint8 buffer[ZEROS_SIZE];

        return read_at(fd, buffer, size, offset) && memcmp(buffer, data, size) == 0;
}

/* Whether a file that was left begins as the one that was compared with so far. */
static bool begins_as_same(const ScLargeFile *file, int fd)
{
        guint8 buffer[ZEROS_SIZE];

        for (guint64 at = 0; at < file->done; at += MIN(ZEROS_SIZE, file->done - at)) {
                gsize size = MIN(ZEROS_SIZE, file->done - at);
                if (!read_at(file->same_fd, buffer, size, at) || !has_at(fd, buffer, size, at))
                        return false;
        }
        return true;
}

/* Another one that was left may be the same a while longer. */
static bool change_left(ScLargeFile *file, const void *data, gsize size)
{
        for (;;) {
                char path[SC_OBJECT_PATH_SIZE];
                sc_autofd fd = sc_staging_open_left(file->staging, file->meta, file->size, &file->left_at, path);
                if (fd < 0)
                        return false;
                if (!begins_as_same(file, fd) || !has_at(fd, data, size, file->done))
                        continue;
                sc_close(&file->same_fd);
                file->same_fd = sc_steal_fd(&fd);
                file->is_stored = false;
                memcpy(file->left_path, path, sizeof path);
                return true;
        }
}

/* What is a hole needs no space. */
static bool append(const ScLargeFile *file, const void *data, gsize size, bool is_hole, GError **error)
{
        if (!is_hole)
                return sc_write_all(file->fd, data, size, error);
        return lseek(file->fd, (off_t)size, SEEK_CUR) >= 0 || sc_throw_errno(error, "Cannot leave a hole");
}

/* Whether these bytes, which are at this place, need no space there. */
static bool is_hole_at(int fd, const void *data, gsize size, guint64 offset)
{
        if (memcmp(data, zeros, size) != 0)
                return false;
        off_t next = lseek(fd, (off_t)offset, SEEK_DATA);
        return next < 0 ? errno == ENXIO : (guint64)next >= offset + size;
}

/* Copies what was compared, `done` bytes. Whoever may write to a checkout may have changed the object since: what was copied must
 * have the digest of what has come. */
static bool copy_same(ScLargeFile *file, const ScDigest *expected, GCancellable *cancellable, GError **error)
{
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        guint8 buffer[ZEROS_SIZE];
        ScDigest found;

        sc_object_hash_header(hasher, file->meta);
        for (guint64 at = 0; at < file->done; at += MIN(ZEROS_SIZE, file->done - at)) {
                gsize size = MIN(ZEROS_SIZE, file->done - at);
                if (!read_at(file->same_fd, buffer, size, at))
                        return sc_throw_errno(error, "Cannot read again the file of the repository that it was compared with");
                sc_hasher_update(hasher, buffer, size);
                sc_staging_wrote(file->staging, size);
                if (!append(file, buffer, size, is_hole_at(file->same_fd, buffer, size, at), error) ||
                    sc_cancelled(cancellable, error) || !sc_staging_check_space(file->staging, error))
                        return false;
        }
        sc_hasher_finish(hasher, &found);
        return sc_digest_equal(&found, expected) ||
               sc_throw(error, SC_ERROR_FAILED, "What it was compared with was changed meanwhile: try again");
}

/* It is none of them: what has come so far is the same. */
static bool part_from_same(ScLargeFile *file, const ScDigest *expected, GCancellable *cancellable, GError **error)
{
        if (!make_temporary(file, error) || !copy_same(file, expected, cancellable, error))
                return false;
        sc_close(&file->same_fd);
        return true;
}

/* Goes on with what is the same as these bytes, too, or alone. */
static bool compare(ScLargeFile *file, const void *data, gsize size, GCancellable *cancellable, GError **error)
{
        ScDigest so_far;

        if (has_at(file->same_fd, data, size, file->done) || change_left(file, data, size))
                return true;
        sc_hasher_peek(file->hasher, &so_far);
        return part_from_same(file, &so_far, cancellable, error);
}

static bool take(ScLargeFile *file, const void *data, gsize size, GCancellable *cancellable, GError **error)
{
        if (file->same_fd >= 0 && !compare(file, data, size, cancellable, error))
                return false;
        sc_hasher_update(file->hasher, data, size);
        if (file->same_fd < 0 && !append(file, data, size, data == zeros, error))
                return false;
        file->done += size;
        return true;
}

static bool take_hole(ScLargeFile *file, guint64 end, GCancellable *cancellable, GError **error)
{
        while (file->done < end)
                if (sc_cancelled(cancellable, error) || !take(file, zeros, MIN(end - file->done, ZEROS_SIZE), cancellable, error))
                        return false;
        return true;
}

bool sc_large_file_write(ScLargeFile *file, const void *data, gsize size, guint64 offset, GCancellable *cancellable, GError **error)
{
        const guint8 *at = data;

        if (!take_hole(file, offset, cancellable, error))
                return false;
        for (gsize part; size > 0; at += part, size -= part) {
                part = MIN(size, ZEROS_SIZE);
                if (!take(file, at, part, cancellable, error))
                        return false;
                if (file->same_fd < 0)
                        sc_staging_wrote(file->staging, part);
        }
        return !sc_cancelled(cancellable, error) && sc_staging_check_space(file->staging, error);
}

static bool complete_temporary(ScLargeFile *file, GError **error)
{
        if (ftruncate(file->fd, (off_t)file->size) < 0)
                return sc_throw_errno(error, "Cannot set the size");
        return sc_object_set_meta(file->fd, file->format, file->meta, error);
}

/* What it was compared with is no object of the repository any more, or was never the one of its name. */
static bool copy_stored(ScLargeFile *file, ScStagedObject *object, GCancellable *cancellable, GError **error)
{
        if (part_from_same(file, sc_staged_object_id(object), cancellable, error) && complete_temporary(file, error))
                return true;
        sc_staging_give_up(file->staging, object);
        return false;
}

ScStagedObject *sc_large_file_finish(ScLargeFile *file, GCancellable *cancellable, GError **error)
{
        ScDigest id;
        bool mine;

        if (!take_hole(file, file->size, cancellable, error) || (file->same_fd < 0 && !complete_temporary(file, error)))
                return NULL;
        sc_hasher_finish(file->hasher, &id);
        ScStagedObject *object = sc_staging_claim(file->staging, SC_OBJECT_FILE, &id, file->meta, file->size, &mine);
        if (mine && file->same_fd >= 0 && file->is_stored && !copy_stored(file, object, cancellable, error))
                return NULL;
        if (mine && !sc_staging_take(file->staging, object, file->same_fd < 0 ? file->temporary : file->left_path, error))
                return NULL;
        return object;
}
