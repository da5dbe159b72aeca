/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path.h"

#include "error.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

void sc_close(int *fd)
{
        if (*fd >= 0) {
                int saved = errno;
                close(*fd);
                errno = saved;
        }
        *fd = -1;
}

int sc_steal_fd(int *fd)
{
        int stolen = *fd;
        *fd = -1;
        return stolen;
}

static int open_how(int dir_fd, const char *path, int flags, mode_t mode, guint64 resolve, GError **error)
{
        struct open_how how = {.flags = (guint64)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
        for (;;) {
                int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how);
                if (fd >= 0)
                        return fd;
                /* EAGAIN: a rename elsewhere raced with the walk, and the kernel could not prove that it stayed beneath */
                if (errno == EINTR || errno == EAGAIN)
                        continue;
                if (errno == ELOOP || errno == EXDEV)
                        sc_throw(error, SC_ERROR_FAILED, "Cannot open %s: a symbolic link is in the way", path);
                else
                        sc_throw_errno(error, "Cannot open %s", path);
                return -1;
        }
}

int sc_open_beneath(int dir_fd, const char *path, int flags, mode_t mode, GError **error)
{
        return open_how(dir_fd, path, flags, mode, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, error);
}

int sc_open_in_root(int dir_fd, const char *path, int flags, mode_t mode, GError **error)
{
        return open_how(dir_fd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, error);
}

int sc_open_dir(const char *path, GError **error)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                sc_throw_errno(error, "Cannot open the folder %s", path);
        return fd;
}

int sc_make_dirs(int dir_fd, const char *path, mode_t mode, GError **error)
{
        sc_autofd here = sc_open_beneath(dir_fd, ".", O_RDONLY | O_DIRECTORY, 0, error);
        if (here < 0)
                return -1;
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);
        for (char **part = parts; *part != NULL; part++) {
                if (**part == '\0' || strcmp(*part, ".") == 0)
                        continue;
                if (strcmp(*part, "..") == 0) {
                        sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "The path %s has a '..' in it", path);
                        return -1;
                }
                bool made = mkdirat(here, *part, 0700) == 0;
                if (!made && errno != EEXIST) {
                        sc_throw_errno(error, "Cannot make the folder %s of %s", *part, path);
                        return -1;
                }
                sc_autofd next = sc_open_beneath(here, *part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, error);
                if (next < 0)
                        return -1;
                if (made && fchmod(next, mode) < 0) {
                        sc_throw_errno(error, "Cannot set the mode of %s in %s", *part, path);
                        return -1;
                }
                if (made && !sc_sync_dir(here, error))
                        return -1;
                sc_close(&here);
                here = sc_steal_fd(&next);
        }
        return sc_steal_fd(&here);
}

/* O_NONBLOCK: a fifo that somebody put there must not hold us. */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY)

bool sc_read_fd(int fd, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error)
{
        struct stat st;
        if (fstat(fd, &st) < 0)
                return sc_throw_errno(error, "Cannot stat %s", path);
        if (!S_ISREG(st.st_mode))
                return sc_throw(error, SC_ERROR_CORRUPT, "%s is not a regular file", path);
        if (st.st_size < 0 || (guint64)st.st_size > max)
                return sc_throw(error, SC_ERROR_CORRUPT, "%s is larger than %" G_GSIZE_FORMAT " bytes", path, max);

        /* It may grow while it is read: what counts is max, not what stat said. */
        g_autoptr(GByteArray) data = g_byte_array_sized_new((guint)st.st_size + 1);
        guint8 block[16384];
        for (;;) {
                ssize_t n = read(fd, block, sizeof block);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return sc_throw_errno(error, "Cannot read %s", path);
                if (n == 0)
                        break;
                if (data->len + (gsize)n > max)
                        return sc_throw(error, SC_ERROR_CORRUPT, "%s is larger than %" G_GSIZE_FORMAT " bytes", path, max);
                g_byte_array_append(data, block, (guint)n);
        }
        gsize size = data->len;
        g_byte_array_append(data, (const guint8 *)"", 1);
        *ret_data = (char *)g_byte_array_free(g_steal_pointer(&data), FALSE);
        if (ret_size != NULL)
                *ret_size = size;
        return true;
}

bool sc_read_file(int dir_fd, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error)
{
        sc_autofd fd = sc_open_beneath(dir_fd, path, READ_FLAGS, 0, error);
        return fd >= 0 && sc_read_fd(fd, path, max, ret_data, ret_size, error);
}

bool sc_read_file_in_root(int root_fd, const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error)
{
        sc_autofd fd = sc_open_in_root(root_fd, path, READ_FLAGS, 0, error);
        return fd >= 0 && sc_read_fd(fd, path, max, ret_data, ret_size, error);
}

bool sc_read_path(const char *path, gsize max, char **ret_data, gsize *ret_size, GError **error)
{
        sc_autofd fd = open(path, READ_FLAGS | O_CLOEXEC);
        if (fd < 0)
                return sc_throw_errno(error, "Cannot open %s", path);
        return sc_read_fd(fd, path, max, ret_data, ret_size, error);
}

bool sc_write_all(int fd, const void *data, gsize size, GError **error)
{
        const char *at = data;
        while (size > 0) {
                ssize_t n = write(fd, at, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return sc_throw_errno(error, "Cannot write");
                at += n;
                size -= (gsize)n;
        }
        return true;
}

/* Each level holds two descriptors. Folders of an image are as deep as a path can be long: what lies deeper than this is moved to
 * the top first. */
enum { MAX_LEVELS = 100 };

typedef struct {
        int top_fd; /* the folder that goes; -1: not opened yet */
        bool moved; /* something to its top */
} Removal;

static bool remove_entries(Removal *removal, int fd, const char *name, unsigned depth, GError **error);

static bool move_to_top(Removal *removal, int dir_fd, const char *name, GError **error)
{
        g_autofree char *there = sc_random_name(20);
        if (renameat(dir_fd, name, removal->top_fd, there) < 0)
                return sc_throw_errno(error, "Cannot move the folder %s to remove it", name);
        removal->moved = true;
        return true;
}

/* A pass that has moved something ends with more to do. */
static bool empty_folder(Removal *removal, int fd, const char *name, unsigned depth, GError **error)
{
        if (depth > 0)
                return remove_entries(removal, fd, name, depth, error);
        removal->top_fd = fd;
        do {
                removal->moved = false;
                if (!remove_entries(removal, fd, name, depth, error))
                        return false;
        } while (removal->moved);
        return true;
}

static bool remove_one(Removal *removal, int dir_fd, const char *name, unsigned depth, GError **error)
{
        if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
                return true;
        if (errno != EISDIR && errno != EPERM)
                return sc_throw_errno(error, "Cannot remove %s", name);
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return true;
        if (errno != ENOTEMPTY && errno != EEXIST)
                return sc_throw_errno(error, "Cannot remove the folder %s", name);
        if (depth >= MAX_LEVELS)
                return move_to_top(removal, dir_fd, name, error);

        sc_autofd fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT || sc_throw_errno(error, "Cannot open the folder %s to remove it", name);
        if (!empty_folder(removal, fd, name, depth, error))
                return false;
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                return true;
        return sc_throw_errno(error, "Cannot remove the folder %s", name);
}

static bool remove_entries(Removal *removal, int fd, const char *name, unsigned depth, GError **error)
{
        int listing_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (listing_fd < 0)
                return sc_throw_errno(error, "Cannot open the folder %s to remove it", name);
        DIR *listing = fdopendir(listing_fd);
        if (listing == NULL) {
                close(listing_fd);
                return sc_throw_errno(error, "Cannot list the folder %s", name);
        }
        bool ok = true;
        for (struct dirent *entry; ok && (entry = readdir(listing)) != NULL;)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        ok = remove_one(removal, fd, entry->d_name, depth + 1, error);
        closedir(listing);
        return ok;
}

bool sc_remove_tree(int dir_fd, const char *name, GError **error)
{
        Removal removal = {.top_fd = -1};
        return remove_one(&removal, dir_fd, name, 0, error);
}

bool sc_sync_dir(int dir_fd, GError **error)
{
        if (fsync(dir_fd) < 0)
                return sc_throw_errno(error, "Cannot sync a folder");
        return true;
}

bool sc_sync_fs(int fd, GError **error)
{
        if (syncfs(fd) < 0)
                return sc_throw_errno(error, "Cannot sync the file system");
        return true;
}

bool sc_rename_new(int dir_fd, const char *from, const char *to, GError **error)
{
        if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) < 0)
                return sc_throw_errno(error, "Cannot rename %s to %s", from, to);
        return sc_sync_dir(dir_fd, error);
}

bool sc_rename_exchange(int dir_fd, const char *a, const char *b, GError **error)
{
        if (renameat2(dir_fd, a, dir_fd, b, RENAME_EXCHANGE) < 0)
                return sc_throw_errno(error, "Cannot exchange %s and %s", a, b);
        return sc_sync_dir(dir_fd, error);
}

int sc_lstat(int dir_fd, const char *path, struct stat *ret, GError **error)
{
        struct stat st;
        if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                if (ret != NULL)
                        *ret = st;
                return 1;
        }
        if (errno == ENOENT || errno == ENOTDIR)
                return 0;
        sc_throw_errno(error, "Cannot stat %s", path);
        return -1;
}

char *sc_random_name(unsigned length)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        char *name = g_malloc(length + 1);
        for (unsigned i = 0; i < length; i++) {
                guint8 byte;
                if (getrandom(&byte, 1, 0) != 1)
                        byte = (guint8)g_random_int();
                name[i] = letters[byte % (sizeof letters - 1)];
        }
        name[length] = '\0';
        return name;
}

bool sc_path_is_clean_relative(const char *path)
{
        if (*path == '\0' || strlen(path) >= PATH_MAX)
                return false;
        for (const char *part = path;;) {
                size_t length = strcspn(part, "/");
                if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
                        return false;
                if (part[length] == '\0')
                        return true;
                part += length + 1;
        }
}

bool sc_path_is_clean_absolute(const char *path)
{
        return path[0] == '/' && sc_path_is_clean_relative(path + 1);
}
