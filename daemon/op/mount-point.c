/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mount-point.h"

#include "base/error.h"
#include "base/path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_below(const char *path, const char *folder)
{
        gsize length = strlen(folder);
        return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool can_others_rename(const struct stat *folder, const struct stat *entry)
{
        if (folder->st_uid != 0)
                return true;
        if ((folder->st_mode & (S_IWGRP | S_IWOTH)) == 0)
                return false;
        return (folder->st_mode & S_ISVTX) == 0 || entry->st_uid != 0;
}

/* One component on; *fd is the folder. */
static bool step(int *fd, const char *name, const char *where, GError **error)
{
        struct stat folder, entry;
        sc_autofd next = openat(*fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
                return errno == ENOENT ? sc_throw(error, SC_ERROR_NOT_FOUND, "There is no folder %s", where)
                                       : sc_throw_errno(error, "Cannot look at %s", where);
        if (fstat(*fd, &folder) < 0 || fstat(next, &entry) < 0)
                return sc_throw_errno(error, "Cannot look at %s", where);
        if (S_ISLNK(entry.st_mode))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "'%s' on the way to %s is a symbolic link: name the place itself",
                                name, where);
        if (!S_ISDIR(entry.st_mode))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "'%s' of %s is no folder", name, where);
        if (can_others_rename(&folder, &entry))
                return sc_throw(
                        error, SC_ERROR_ACCESS_DENIED,
                        "Others than root could put something else in the place of '%s' of %s: choose a folder in one of root's",
                        name, where);
        sc_close(fd);
        *fd = sc_steal_fd(&next);
        return true;
}

static int walk(const char *where, GError **error)
{
        sc_autofd fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                sc_throw_errno(error, "Cannot look at %s", where);
                return -1;
        }
        g_auto(GStrv) parts = g_strsplit(where + 1, "/", -1);
        for (char **part = parts; *part != NULL; part++)
                if (!step(&fd, *part, where, error))
                        return -1;
        return sc_steal_fd(&fd);
}

static bool is_mount_point(int fd, bool *ret, const char *where, GError **error)
{
        struct statx st;
        if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) < 0)
                return sc_throw_errno(error, "Cannot look at %s", where);
        *ret = (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
        return true;
}

static bool is_empty(int fd, bool *ret, const char *where, GError **error)
{
        int listing_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *listing = listing_fd >= 0 ? fdopendir(listing_fd) : NULL;
        if (listing == NULL) {
                sc_throw_errno(error, "Cannot list %s", where);
                sc_close(&listing_fd);
                return false;
        }
        *ret = true;
        for (struct dirent *entry; *ret && (entry = readdir(listing)) != NULL;)
                *ret = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        closedir(listing);
        return true;
}

bool sc_mount_point_check(const ScConfig *config, const char *where, GError **error)
{
        bool mounted, empty;
        if (!sc_path_is_clean_absolute(where) || where[1] == '\0')
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "'%.200s' is no absolute path of a folder without `..`", where);
        if (is_below(where, config->checkout_path))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s lies in the checkout path: choose a place elsewhere", where);
        sc_autofd fd = walk(where, error);
        if (fd < 0 || !is_mount_point(fd, &mounted, where, error))
                return false;
        if (mounted)
                return sc_throw(error, SC_ERROR_EXISTS, "Something is mounted on %s already", where);
        if (!is_empty(fd, &empty, where, error))
                return false;
        return empty || sc_throw(error, SC_ERROR_EXISTS, "The folder %s is not empty: what is in it would be hidden", where);
}
