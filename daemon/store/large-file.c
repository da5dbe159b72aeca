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
        int left_fd; /* of an interrupted import, the same so far; -1: none, or no longer */
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

ScLargeFile *sc_large_file_new(ScStaging *staging, ScObjectFormat format, const ScObjectMeta *meta, guint64 size, GError **error)
{
        g_autoptr(ScLargeFile) file = g_new0(ScLargeFile, 1);

        file->staging = staging;
        file->format = format;
        file->meta = meta;
        file->size = size;
        file->fd = -1;
        file->hasher = sc_hasher_new();
        file->left_fd = sc_staging_open_left(staging, meta, size, &file->left_at, file->left_path);
        if (file->left_fd < 0 && !make_temporary(file, error))
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
        sc_close(&file->left_fd);
        sc_hasher_free(file->hasher);
        g_free(file->temporary);
        g_free(file);
}

static bool read_at(int fd, guint8 *buffer, gsize size, guint64 offset)
{
        for (gsize got = 0; got < size;) {
                ssize_t n = pread(fd, buffer + got, size - got, (off_t)(offset + got));
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
static bool begins_as_left(const ScLargeFile *file, int fd)
{
        guint8 buffer[ZEROS_SIZE];

        for (guint64 at = 0; at < file->done; at += MIN(ZEROS_SIZE, file->done - at)) {
                gsize size = MIN(ZEROS_SIZE, file->done - at);
                if (!read_at(file->left_fd, buffer, size, at) || !has_at(fd, buffer, size, at))
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
                if (!begins_as_left(file, fd) || !has_at(fd, data, size, file->done))
                        continue;
                sc_close(&file->left_fd);
                file->left_fd = sc_steal_fd(&fd);
                memcpy(file->left_path, path, sizeof path);
                return true;
        }
}

/* It is none of the files that were left: what has come so far is the same, and is copied. */
static bool part_from_left(ScLargeFile *file, GError **error)
{
        if (!make_temporary(file, error))
                return false;
        for (loff_t from = 0; (guint64)from < file->done;) {
                ssize_t copied = copy_file_range(file->left_fd, &from, file->fd, NULL, file->done - (guint64)from, 0);
                if (copied <= 0)
                        return sc_throw_errno(error, "Cannot copy what an interrupted import has left");
        }
        sc_close(&file->left_fd);
        return true;
}

static bool take(ScLargeFile *file, const void *data, gsize size, GError **error)
{
        if (file->left_fd >= 0 && !has_at(file->left_fd, data, size, file->done) && !change_left(file, data, size) &&
            !part_from_left(file, error))
                return false;
        sc_hasher_update(file->hasher, data, size);
        /* What is zero needs no space. */
        bool hole = data == zeros;
        if (file->left_fd < 0 && hole && lseek(file->fd, (off_t)size, SEEK_CUR) < 0)
                return sc_throw_errno(error, "Cannot leave a hole");
        if (file->left_fd < 0 && !hole && !sc_write_all(file->fd, data, size, error))
                return false;
        file->done += size;
        return true;
}

static bool take_hole(ScLargeFile *file, guint64 end, GCancellable *cancellable, GError **error)
{
        while (file->done < end)
                if (sc_cancelled(cancellable, error) || !take(file, zeros, MIN(end - file->done, ZEROS_SIZE), error))
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
                if (!take(file, at, part, error))
                        return false;
                if (file->left_fd < 0)
                        sc_staging_wrote(file->staging, part);
        }
        return !sc_cancelled(cancellable, error) && sc_staging_check_space(file->staging, error);
}

ScStagedObject *sc_large_file_finish(ScLargeFile *file, GCancellable *cancellable, GError **error)
{
        ScDigest id;
        bool mine;

        if (!take_hole(file, file->size, cancellable, error))
                return NULL;
        if (file->left_fd < 0) {
                if (ftruncate(file->fd, (off_t)file->size) < 0) {
                        sc_throw_errno(error, "Cannot set the size");
                        return NULL;
                }
                if (!sc_object_set_meta(file->fd, file->format, file->meta, error))
                        return NULL;
        }
        sc_hasher_finish(file->hasher, &id);
        ScStagedObject *object = sc_staging_claim(file->staging, SC_OBJECT_FILE, &id, file->meta, file->size, &mine);
        if (mine && !sc_staging_take(file->staging, object, file->left_fd < 0 ? file->temporary : file->left_path, error))
                return NULL;
        return object;
}
