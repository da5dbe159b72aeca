/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-copy.h"

#include "base/error.h"
#include "base/path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define RANDOM_LENGTH 8

/* Told from files of others by the word in it; of a long name only the beginning, so that the whole is not too long. */
static char *hidden_prefix(const char *name)
{
        return g_strdup_printf(".%.200s.sysconsd-", name);
}

static bool copy_by_hand(int from, int to, GError **error)
{
        g_autofree char *buffer = g_malloc(128 * 1024);
        for (;;) {
                ssize_t size = read(from, buffer, 128 * 1024);
                if (size < 0 && errno == EINTR)
                        continue;
                if (size < 0)
                        return sc_throw_errno(error, "Cannot read it");
                if (size == 0)
                        return true;
                if (!sc_write_all(to, buffer, (gsize)size, error))
                        return false;
        }
}

/* A file system that cannot share blocks, or cannot copy to this other one, says so in many ways; the last way always works. */
static bool copy_content(int from, int to, GError **error)
{
        if (ioctl(to, FICLONE, from) == 0)
                return true;
        ssize_t size;
        do
                size = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
        while (size > 0 || (size < 0 && errno == EINTR));
        /* also where nothing more came: both descriptors stand where the copy ended */
        return copy_by_hand(from, to, error);
}

static bool copy_attribute(int from, int to, const char *name, GError **error)
{
        ssize_t size = fgetxattr(from, name, NULL, 0);
        g_autofree char *value = g_malloc(MAX(size, 0) + 1);
        if (size >= 0)
                size = fgetxattr(from, name, value, (gsize)size);
        if (size < 0)
                return sc_throw_errno(error, "Cannot read its attribute %s", name);
        /* The other file system has no such attributes. */
        if (fsetxattr(to, name, value, (gsize)size, 0) < 0 && errno != EOPNOTSUPP)
                return sc_throw_errno(error, "Cannot set its attribute %s", name);
        return true;
}

static bool copy_attributes(int from, int to, GError **error)
{
        ssize_t size = flistxattr(from, NULL, 0);
        g_autofree char *names = g_malloc(MAX(size, 0) + 1);
        if (size > 0)
                size = flistxattr(from, names, (gsize)size);
        if (size < 0)
                return errno == EOPNOTSUPP || sc_throw_errno(error, "Cannot list its attributes");
        for (const char *name = names; name < names + size; name += strlen(name) + 1) {
                /* trusted.overlay.* and the like belong to the place, not to the file */
                if (!g_str_has_prefix(name, "trusted.") && !copy_attribute(from, to, name, error))
                        return false;
        }
        return true;
}

static bool write_hidden(int hostfs_fd, const ScHostFile *file, const char *text, int parent_fd, const char *hidden, GError **error)
{
        sc_autofd from = sc_open_beneath(hostfs_fd, file->source + 1, O_RDONLY | O_NONBLOCK, 0, error);
        if (from < 0)
                return false;
        sc_autofd to = openat(parent_fd, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return sc_throw_errno(error, "Cannot make a file");
        if (!(text != NULL ? sc_write_all(to, text, strlen(text), error) : copy_content(from, to, error)))
                return false;
        /* In this order: a change of the owner takes set-user-ID bits and capabilities away. */
        if (fchown(to, file->uid, file->gid) < 0 || fchmod(to, file->mode & 07777) < 0)
                return sc_throw_errno(error, "Cannot set its owner and mode");
        if (!copy_attributes(from, to, error))
                return false;
        if (fsync(to) < 0)
                return sc_throw_errno(error, "Cannot sync it");
        return true;
}

static bool link_hidden(const ScHostFile *file, int parent_fd, const char *hidden, GError **error)
{
        if (symlinkat(file->link, parent_fd, hidden) < 0 ||
            fchownat(parent_fd, hidden, file->uid, file->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return sc_throw_errno(error, "Cannot make the symbolic link");
        return true;
}

static bool make_folder(const ScHostFile *file, int parent_fd, const char *name, ScHostCopyFlags flags, GError **error)
{
        if (mkdirat(parent_fd, name, 0700) < 0 && (flags == SC_HOST_COPY_NEW || errno != EEXIST))
                return sc_throw_errno(error, "Cannot make the folder");
        sc_autofd fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchown(fd, file->uid, file->gid) < 0 || fchmod(fd, file->mode & 07777) < 0)
                return sc_throw_errno(error, "Cannot set the owner and mode of the folder");
        return sc_sync_dir(fd, error) && sc_sync_dir(parent_fd, error);
}

static bool copy(int hostfs_fd, const ScHostFile *file, const char *text, int parent_fd, const char *name, ScHostCopyFlags flags,
                 GError **error)
{
        g_autofree char *prefix = hidden_prefix(name);
        g_autofree char *random = sc_random_name(RANDOM_LENGTH);
        g_autofree char *hidden = g_strconcat(prefix, random, NULL);
        bool made = S_ISLNK(file->mode) ? link_hidden(file, parent_fd, hidden, error)
                                        : write_hidden(hostfs_fd, file, text, parent_fd, hidden, error);
        if (made && renameat2(parent_fd, hidden, parent_fd, name, flags == SC_HOST_COPY_NEW ? RENAME_NOREPLACE : 0) < 0)
                made = sc_throw_errno(error, "Cannot rename it into place");
        if (!made) {
                unlinkat(parent_fd, hidden, 0);
                return false;
        }
        return sc_sync_dir(parent_fd, error);
}

bool sc_host_copy(int hostfs_fd, const ScHostFile *file, const char *text, int parent_fd, const char *name, ScHostCopyFlags flags,
                  GError **error)
{
        g_autoptr(GError) problem = NULL;
        if (S_ISDIR(file->mode))
                return make_folder(file, parent_fd, name, flags, error);
        if (copy(hostfs_fd, file, text, parent_fd, name, flags, &problem))
                return true;
        if (flags == SC_HOST_COPY_MAKE_ROOM && g_error_matches(problem, SC_ERROR, SC_ERROR_NO_SPACE) &&
            unlinkat(parent_fd, name, 0) == 0)
                return copy(hostfs_fd, file, text, parent_fd, name, flags, error);
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

static DIR *list_folder(int parent_fd, const char *name)
{
        sc_autofd fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
        if (listing != NULL)
                sc_steal_fd(&fd);
        return listing;
}

bool sc_host_copy_sweep(int parent_fd, const char *name, GError **error)
{
        g_autofree char *prefix = hidden_prefix(name);
        DIR *listing = list_folder(parent_fd, ".");
        if (listing == NULL)
                return sc_throw_errno(error, "Cannot list the folder of %s", name);
        bool ok = true;
        for (struct dirent *entry; ok && (entry = readdir(listing)) != NULL;) {
                if (!g_str_has_prefix(entry->d_name, prefix) || strlen(entry->d_name) != strlen(prefix) + RANDOM_LENGTH)
                        continue;
                if (unlinkat(parent_fd, entry->d_name, 0) < 0 && errno != ENOENT)
                        ok = sc_throw_errno(error, "Cannot remove the unfinished copy %s", entry->d_name);
        }
        closedir(listing);
        return ok;
}

bool sc_host_folder_is_empty(int parent_fd, const char *name)
{
        DIR *listing = list_folder(parent_fd, name);
        bool empty = listing != NULL;
        for (struct dirent *entry; empty && (entry = readdir(listing)) != NULL;)
                empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (listing != NULL)
                closedir(listing);
        return empty;
}
