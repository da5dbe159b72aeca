/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "atomicfile.h"

#include "error.h"
#include "path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

bool sc_write_file(int dir_fd, const char *name, const char *data, gssize size, mode_t mode, ScWriteFlags flags, GError **error)
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

bool sc_write_symlink(int dir_fd, const char *target, const char *name, GError **error)
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

bool sc_unlink_durably(int dir_fd, const char *name, GError **error)
{
        if (unlinkat(dir_fd, name, 0) < 0) {
                if (errno == ENOENT)
                        return true;
                return sc_throw_errno(error, "Cannot remove %s", name);
        }
        return sc_sync_dir(dir_fd, error);
}
