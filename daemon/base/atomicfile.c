/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "atomicfile.h"

#include "error.h"
#include "path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX_SIZE 8

static char *hidden_prefix(const char *name)
{
        return g_strdup_printf(".%.200s.", name);
}

/* A fixed temporary name would let one crash block every later write. */
static char *hidden_name(const char *name)
{
        g_autofree char *prefix = hidden_prefix(name), *suffix = sc_random_name(SUFFIX_SIZE);
        return g_strconcat(prefix, suffix, NULL);
}

static bool is_suffix(const char *text)
{
        gsize size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
        return size == SUFFIX_SIZE && text[size] == '\0';
}

bool sc_write_sweep(int dir_fd, const char *name, GError **error)
{
        g_autofree char *prefix = hidden_prefix(name);
        int listing_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *listing = listing_fd >= 0 ? fdopendir(listing_fd) : NULL;
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list the folder of %s", name);
                sc_close(&listing_fd);
                return false;
        }
        bool ok = true;
        for (struct dirent *entry; ok && (entry = readdir(listing)) != NULL;)
                if (g_str_has_prefix(entry->d_name, prefix) && is_suffix(entry->d_name + strlen(prefix)) &&
                    unlinkat(dir_fd, entry->d_name, 0) < 0 && errno != ENOENT)
                        ok = sc_throw_errno(error, "Cannot remove %s", entry->d_name);
        closedir(listing);
        return ok;
}

static bool write_hidden(int dir_fd, const char *hidden, const char *data, gsize size, mode_t mode, ScWriteFlags flags,
                         GError **error)
{
        sc_autofd fd = openat(dir_fd, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return sc_throw_errno(error, "Cannot make a file");
        if (fchmod(fd, mode) < 0)
                return sc_throw_errno(error, "Cannot set its mode");
        if (!sc_write_all(fd, data, size, error))
                return false;
        if (!(flags & SC_WRITE_UNSYNCED) && fsync(fd) < 0)
                return sc_throw_errno(error, "Cannot sync it");
        return true;
}

/* Whether something was removed: then it is worth while to try again. */
static bool make_room(int dir_fd, const char *name, ScWriteFlags flags, const GError *problem)
{
        return (flags & SC_WRITE_MAKE_ROOM) && g_error_matches(problem, SC_ERROR, SC_ERROR_NO_SPACE) &&
               unlinkat(dir_fd, name, 0) == 0;
}

static bool write_file(int dir_fd, const char *name, const char *data, gssize size, mode_t mode, ScWriteFlags flags, GError **error)
{
        g_autofree char *hidden = hidden_name(name);
        if (!write_hidden(dir_fd, hidden, data, size < 0 ? strlen(data) : (gsize)size, mode, flags, error)) {
                unlinkat(dir_fd, hidden, 0);
                return sc_prefix(error, "Cannot write %s", name);
        }
        if (renameat2(dir_fd, hidden, dir_fd, name, (flags & SC_WRITE_NEW) ? RENAME_NOREPLACE : 0) < 0) {
                sc_throw_errno(error, "Cannot write %s", name);
                unlinkat(dir_fd, hidden, 0);
                return false;
        }
        return (flags & SC_WRITE_UNSYNCED) || sc_sync_dir(dir_fd, error);
}

bool sc_write_file(int dir_fd, const char *name, const char *data, gssize size, mode_t mode, ScWriteFlags flags, GError **error)
{
        g_autoptr(GError) problem = NULL;
        if (write_file(dir_fd, name, data, size, mode, flags, &problem))
                return true;
        if (make_room(dir_fd, name, flags, problem))
                return write_file(dir_fd, name, data, size, mode, flags, error);
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

/* Also durable: who wrote it may not have come to that. */
static bool is_there(int dir_fd, const char *name, const char *text, mode_t mode)
{
        sc_autofd fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        size_t size = strlen(text);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 07777) != mode || st.st_uid != geteuid() ||
            st.st_gid != getegid() || (size_t)st.st_size != size)
                return false;
        g_autofree char *found = g_malloc(size + 1);
        return read(fd, found, size) == (ssize_t)size && memcmp(found, text, size) == 0 && fsync(fd) == 0 && fsync(dir_fd) == 0;
}

bool sc_write_changed(int dir_fd, const char *name, const char *text, mode_t mode, ScWriteFlags flags, GError **error)
{
        return is_there(dir_fd, name, text, mode) || sc_write_file(dir_fd, name, text, -1, mode, flags, error);
}

static bool leads_there(int dir_fd, const char *target, const char *name)
{
        g_autofree char *found = g_malloc(PATH_MAX);
        ssize_t size = readlinkat(dir_fd, name, found, PATH_MAX - 1);
        return size == (ssize_t)strlen(target) && memcmp(found, target, (size_t)size) == 0;
}

static bool write_symlink(int dir_fd, const char *target, const char *name, GError **error)
{
        g_autofree char *hidden = hidden_name(name);
        if (symlinkat(target, dir_fd, hidden) < 0)
                return sc_throw_errno(error, "Cannot make the symbolic link %s", name);
        if (renameat(dir_fd, hidden, dir_fd, name) < 0) {
                sc_throw_errno(error, "Cannot make the symbolic link %s", name);
                unlinkat(dir_fd, hidden, 0);
                return false;
        }
        return sc_sync_dir(dir_fd, error);
}

bool sc_write_symlink(int dir_fd, const char *target, const char *name, ScWriteFlags flags, GError **error)
{
        g_autoptr(GError) problem = NULL;
        if (leads_there(dir_fd, target, name))
                return sc_sync_dir(dir_fd, error);
        if (write_symlink(dir_fd, target, name, &problem))
                return true;
        if (make_room(dir_fd, name, flags, problem))
                return write_symlink(dir_fd, target, name, error);
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

bool sc_unlink_durably(int dir_fd, const char *name, GError **error)
{
        if (unlinkat(dir_fd, name, 0) < 0) {
                if (errno == ENOENT)
                        return true;
                return sc_throw_errno(error, "Cannot remove %s", name);
        }
        return sc_sync_dir(dir_fd, error);
}
