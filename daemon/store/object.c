/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object.h"
#include "base/error.h"
#include "base/path.h"
#include "written-meta.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define COMPARE_SIZE (64 * 1024)

void sc_object_meta_clear(ScObjectMeta *meta)
{
        g_clear_pointer(&meta->target, g_free);
        g_clear_pointer(&meta->xattrs, g_variant_unref);
}

gsize sc_object_meta_size(const ScObjectMeta *meta)
{
        return (meta->target != NULL ? strlen(meta->target) : 0) + (meta->xattrs != NULL ? g_variant_get_size(meta->xattrs) : 0);
}

/* The bytes of a header without extended attributes, which nearly all files have, put together without GVariant's allocations: the
 * four numbers, the string, an empty array, and one framing offset that says where the string ends. */
static gsize plain_header(const ScObjectMeta *meta, guint8 *header)
{
        const guint32 numbers[] = {GUINT32_TO_BE(meta->uid), GUINT32_TO_BE(meta->gid), GUINT32_TO_BE(meta->mode), 0};
        const char *target = meta->target != NULL ? meta->target : "";
        gsize target_size = strlen(target) + 1, end = sizeof numbers + target_size;

        memcpy(header, numbers, sizeof numbers);
        memcpy(header + sizeof numbers, target, target_size);
        /* The offset is as wide as the whole container needs, itself included. */
        header[end] = (guint8)(end & 0xff);
        if (end + 1 <= G_MAXUINT8)
                return end + 1;
        header[end + 1] = (guint8)(end >> 8);
        return end + 2;
}

static void hash_header(ScHasher *hasher, const void *header, gsize size)
{
        const guint32 prefix[] = {GUINT32_TO_BE((guint32)size), 0};

        sc_hasher_update(hasher, prefix, sizeof prefix);
        sc_hasher_update(hasher, header, size);
}

void sc_object_hash_header(ScHasher *hasher, const ScObjectMeta *meta)
{
        if (meta->xattrs == NULL) {
                guint8 header[4 * sizeof(guint32) + PATH_MAX + 2];
                hash_header(hasher, header, plain_header(meta, header));
                return;
        }
        g_autoptr(GVariant) header = g_variant_ref_sink(g_variant_new("(uuuus@a(ayay))", GUINT32_TO_BE(meta->uid),
                                                                      GUINT32_TO_BE(meta->gid), GUINT32_TO_BE(meta->mode), 0,
                                                                      meta->target != NULL ? meta->target : "", meta->xattrs));
        hash_header(hasher, g_variant_get_data(header), g_variant_get_size(header));
}

void sc_object_path(ScObjectType type, const ScDigest *id, char ret_path[SC_OBJECT_PATH_SIZE])
{
        static const char *const suffixes[] = {
                [SC_OBJECT_FILE] = "file",
                [SC_OBJECT_FOLDER] = "dirtree",
                [SC_OBJECT_FOLDER_META] = "dirmeta",
                [SC_OBJECT_COMMIT] = "commit",
        };
        char hex[SC_DIGEST_HEX_SIZE];

        /* Called for each file of an image, where snprintf() counts. */
        sc_digest_to_hex(id, hex);
        memcpy(ret_path, hex, 2);
        ret_path[2] = '/';
        memcpy(ret_path + 3, hex + 2, 62);
        ret_path[65] = '.';
        g_strlcpy(ret_path + 66, suffixes[type], SC_OBJECT_PATH_SIZE - 66);
}

static bool xattr_failed(const char *name, GError **error)
{
        /* ext4 says so, too, of a value that does not fit beside the inode, however empty the disk is. */
        if (errno == ENOSPC)
                return sc_throw(
                        error, SC_ERROR_UNSUPPORTED,
                        "The extended attribute %s is too large for the repository's file system, or: No space left on device",
                        name);
        if (errno == E2BIG || errno == ERANGE)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "The extended attribute %s is too large for the repository's file system", name);
        return sc_throw_errno(error, "Cannot set the extended attribute %s", name);
}

static bool set_time(int fd, GError **error)
{
        const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {0}};

        return futimens(fd, times) == 0 || sc_throw_errno(error, "Cannot set the times");
}

/* Most have both already, by whoever makes them: to look is a tenth of the price of a change, which goes through the file system's
 * journal. */
static bool set_owner_and_mode(int fd, const ScObjectMeta *meta, GError **error)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return sc_throw_errno(error, "Cannot tell the owner and the mode");
        bool chown = st.st_uid != meta->uid || st.st_gid != meta->gid;
        if (chown && fchown(fd, meta->uid, meta->gid) < 0)
                return sc_throw_errno(error, "Cannot set the owner");
        /* A change of owner takes set-id bits away. */
        if ((chown || (st.st_mode & 07777) != (meta->mode & 07777)) && fchmod(fd, meta->mode & 07777) < 0)
                return sc_throw_errno(error, "Cannot set the mode");
        return true;
}

static bool set_bare_meta(int fd, const ScObjectMeta *meta, GError **error)
{
        /* In this order: a change of owner takes security.capability away. */
        if (!set_owner_and_mode(fd, meta, error))
                return false;
        for (gsize i = 0; meta->xattrs != NULL && i < g_variant_n_children(meta->xattrs); i++) {
                g_autoptr(GVariant) name = NULL, value = NULL;
                g_variant_get_child(meta->xattrs, i, "(@ay@ay)", &name, &value);
                if (fsetxattr(fd, g_variant_get_bytestring(name), g_variant_get_data(value), g_variant_get_size(value), 0) < 0)
                        return xattr_failed(g_variant_get_bytestring(name), error);
        }
        return set_time(fd, error);
}

bool sc_object_set_meta(int fd, ScObjectFormat format, const ScObjectMeta *meta, GError **error)
{
        if (format == SC_OBJECTS_BARE)
                return set_bare_meta(fd, meta, error);
        return sc_written_meta_put(fd, meta, error) && set_time(fd, error);
}

bool sc_object_set_folder_meta(int fd, ScObjectFormat format, const ScObjectMeta *meta, GError **error)
{
        if (format == SC_OBJECTS_BARE)
                return set_bare_meta(fd, meta, error);
        if (fchmod(fd, (meta->mode & SC_WRITTEN_MODE_MASK) | S_IRWXU) < 0)
                return sc_throw_errno(error, "Cannot set the mode");
        return set_time(fd, error);
}

static bool set_symlink_meta(int dir_fd, const char *path, const ScObjectMeta *meta, GError **error)
{
        g_autofree char *proc_path = g_strdup_printf("/proc/self/fd/%d/%s", dir_fd, path);

        if (fchownat(dir_fd, path, meta->uid, meta->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return sc_throw_errno(error, "Cannot set the owner");
        for (gsize i = 0; meta->xattrs != NULL && i < g_variant_n_children(meta->xattrs); i++) {
                g_autoptr(GVariant) name = NULL, value = NULL;
                g_variant_get_child(meta->xattrs, i, "(@ay@ay)", &name, &value);
                if (lsetxattr(proc_path, g_variant_get_bytestring(name), g_variant_get_data(value), g_variant_get_size(value), 0) <
                    0)
                        return xattr_failed(g_variant_get_bytestring(name), error);
        }
        return true;
}

static bool write_file(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, const void *data, gsize size,
                       GError **error)
{
        /* Set-id bits only once all is written and has its owner. */
        mode_t mode = format == SC_OBJECTS_BARE ? meta->mode & 0777 : 0600;
        sc_autofd fd = openat(dir_fd, path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);

        if (fd < 0)
                return sc_throw_errno(error, "Cannot make the file %s", path);
        if (sc_write_all(fd, data, size, error) && sc_object_set_meta(fd, format, meta, error))
                return true;
        (void)unlinkat(dir_fd, path, 0);
        return false;
}

static bool write_symlink(int dir_fd, const char *path, const ScObjectMeta *meta, GError **error)
{
        g_assert(meta->target != NULL);
        if (symlinkat(meta->target, dir_fd, path) < 0)
                return sc_throw_errno(error, "Cannot make the symlink %s", path);
        if (set_symlink_meta(dir_fd, path, meta, error))
                return true;
        (void)unlinkat(dir_fd, path, 0);
        return false;
}

bool sc_object_write(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, const void *data, gsize size,
                     GError **error)
{
        if (!S_ISLNK(meta->mode))
                return write_file(dir_fd, path, format, meta, data, size, error);
        if (format == SC_OBJECTS_BARE)
                return write_symlink(dir_fd, path, meta, error);
        return write_file(dir_fd, path, format, meta, meta->target, strlen(meta->target) + 1, error);
}

static bool content_matches(int fd, const guint8 *data, gsize size)
{
        g_autofree guint8 *buffer = g_malloc(COMPARE_SIZE);
        gsize done = 0;

        while (done < size) {
                ssize_t got = pread(fd, buffer, MIN(COMPARE_SIZE, size - done), (off_t)done);
                if (got <= 0 || memcmp(buffer, data + done, (gsize)got) != 0)
                        return false;
                done += (gsize)got;
        }
        return true;
}

/* The attributes of an open file (a symlink's: opened with O_PATH), as meta->xattrs holds them. */
static bool read_xattrs(int fd, guint32 mode, GVariant **ret)
{
        g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd), *names = g_malloc(XATTR_LIST_MAX),
                        *value = g_malloc(XATTR_SIZE_MAX);
        ssize_t names_size = listxattr(path, names, XATTR_LIST_MAX);
        ScXattrs *xattrs = sc_xattrs_new(mode);
        bool readable = names_size >= 0 || errno == EOPNOTSUPP;

        for (const char *name = names; readable && name < names + names_size; name += strlen(name) + 1) {
                ssize_t size = getxattr(path, name, value, XATTR_SIZE_MAX);
                readable = size >= 0;
                if (readable)
                        sc_xattrs_add(xattrs, name, value, (gsize)size);
        }
        *ret = sc_xattrs_end(xattrs);
        return readable;
}

/* An open file's, by what it is itself. */
static bool bare_meta_matches(int fd, const struct stat *st, const ScObjectMeta *meta)
{
        g_autoptr(GVariant) xattrs = NULL;

        if (st->st_mode != meta->mode || st->st_uid != meta->uid || st->st_gid != meta->gid ||
            !read_xattrs(fd, meta->mode, &xattrs) || (xattrs == NULL) != (meta->xattrs == NULL))
                return false;
        return xattrs == NULL || g_variant_equal(xattrs, meta->xattrs);
}

int sc_object_open_stored(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, guint64 size)
{
        sc_autofd fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_mtim.tv_sec != 0 || (guint64)st.st_size != size)
                return -1;
        bool same = format == SC_OBJECTS_BARE ? bare_meta_matches(fd, &st, meta) : sc_written_meta_matches(fd, &st, meta);
        return same ? sc_steal_fd(&fd) : -1;
}

int sc_object_open_similar(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, guint64 size)
{
        sc_autofd fd = sc_object_open_stored(dir_fd, path, format, meta, size);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 1 ? sc_steal_fd(&fd) : -1;
}

static bool symlink_matches(int dir_fd, const char *path, const ScObjectMeta *meta)
{
        sc_autofd fd = openat(dir_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char target[PATH_MAX] = "";
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode) && st.st_nlink == 1 &&
               readlinkat(fd, "", target, sizeof target - 1) >= 0 && strcmp(target, meta->target) == 0 &&
               bare_meta_matches(fd, &st, meta);
}

bool sc_object_matches(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, const void *data, gsize size)
{
        if (S_ISLNK(meta->mode) && format == SC_OBJECTS_BARE)
                return symlink_matches(dir_fd, path, meta);
        if (S_ISLNK(meta->mode)) {
                data = meta->target;
                size = strlen(meta->target) + 1;
        }
        sc_autofd fd = sc_object_open_similar(dir_fd, path, format, meta, size);
        return fd >= 0 && content_matches(fd, data, size);
}

static bool bare_looks_whole(const struct stat *st, const ScObjectMeta *meta, guint64 size)
{
        return st->st_mode == meta->mode && st->st_uid == meta->uid && st->st_gid == meta->gid &&
               (!S_ISREG(meta->mode) || (guint64)st->st_size == size);
}

static bool written_looks_whole(int dir_fd, const char *path, const ScObjectMeta *meta, guint64 size)
{
        guint64 stored = S_ISLNK(meta->mode) ? strlen(meta->target) + 1 : size;
        sc_autofd fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && (guint64)st.st_size == stored && sc_written_meta_matches(fd, &st, meta);
}

ScObjectLook sc_object_look(int dir_fd, const char *path, ScObjectFormat format, const ScObjectMeta *meta, guint64 size)
{
        struct stat st;

        if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return SC_OBJECT_MISSING;
        bool whole = format == SC_OBJECTS_BARE ? bare_looks_whole(&st, meta, size) : written_looks_whole(dir_fd, path, meta, size);
        return whole ? SC_OBJECT_WHOLE : SC_OBJECT_DAMAGED;
}

static bool read_bare_meta(int dir_fd, const char *path, ScObjectMeta *ret, GError **error)
{
        sc_autofd fd = openat(dir_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char target[PATH_MAX] = "";
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return sc_throw_errno(error, "Cannot open the object %s", path);
        if (!read_xattrs(fd, st.st_mode, &ret->xattrs))
                return sc_throw_errno(error, "Cannot read the extended attributes of the object %s", path);
        if (S_ISLNK(st.st_mode) && readlinkat(fd, "", target, sizeof target - 1) < 0)
                return sc_throw_errno(error, "Cannot read the object %s", path);
        ret->uid = st.st_uid;
        ret->gid = st.st_gid;
        ret->mode = st.st_mode;
        ret->target = S_ISLNK(st.st_mode) ? g_strdup(target) : NULL;
        return true;
}

static bool read_written_meta(int dir_fd, const char *path, ScObjectMeta *ret, GError **error)
{
        sc_autofd fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return sc_throw_errno(error, "Cannot open the object %s", path);
        return sc_written_meta_get(fd, ret, error) || sc_prefix(error, "The object %s", path);
}

bool sc_object_read_meta(int dir_fd, const char *path, ScObjectFormat format, ScObjectMeta *ret, GError **error)
{
        *ret = (ScObjectMeta){0};
        if (format == SC_OBJECTS_BARE ? read_bare_meta(dir_fd, path, ret, error) : read_written_meta(dir_fd, path, ret, error))
                return true;
        sc_object_meta_clear(ret);
        return false;
}

static bool copy_content(int from, int to, GError **error)
{
        ssize_t copied;

        do
                copied = copy_file_range(from, NULL, to, NULL, SSIZE_MAX & ~(ssize_t)0xfff, 0);
        while (copied > 0);
        return copied == 0 || sc_throw_errno(error, "Cannot copy");
}

static bool copy_file(int objects_fd, const char *path, ScObjectFormat format, int dir_fd, const char *name,
                      const ScObjectMeta *meta, GError **error)
{
        sc_autofd from = openat(objects_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        sc_autofd to = from < 0 ? -1 : openat(dir_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (to < 0)
                return sc_throw_errno(error, "Cannot copy the object %s", path);
        return copy_content(from, to, error) && sc_object_set_meta(to, format, meta, error);
}

bool sc_object_copy(int objects_fd, const char *path, ScObjectFormat format, int dir_fd, const char *name, GError **error)
{
        g_auto(ScObjectMeta) meta = {0};

        if (!sc_object_read_meta(objects_fd, path, format, &meta, error))
                return false;
        if (S_ISREG(meta.mode))
                return copy_file(objects_fd, path, format, dir_fd, name, &meta, error);
        if (format == SC_OBJECTS_BARE)
                return write_symlink(dir_fd, name, &meta, error);
        return symlinkat(meta.target, dir_fd, name) == 0 || sc_throw_errno(error, "Cannot make the symlink %s", name);
}
