/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mount-record.h"
#include "base/atomicfile.h"
#include "base/error.h"
#include "base/path.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static void record_free(gpointer data)
{
        ScMountRecord *record = data;

        g_free(record->id);
        g_free(record->where);
        g_free(record->deployment);
        g_free(record);
}

static char *read_link(int mounts_fd, const char *id, const char *name)
{
        g_autofree char *path = g_build_filename(id, name, NULL);
        char target[PATH_MAX];
        ssize_t size = readlinkat(mounts_fd, path, target, sizeof target - 1);

        return size > 0 ? g_strndup(target, (gsize)size) : NULL;
}

GPtrArray *sc_mount_record_list(int checkout_fd, GError **error)
{
        g_autoptr(GPtrArray) records = g_ptr_array_new_with_free_func(record_free);
        g_autoptr(GError) none = NULL;
        int mounts_fd = sc_open_beneath(checkout_fd, SC_MOUNT_DIR, O_RDONLY | O_DIRECTORY, 0, &none);
        DIR *listing = mounts_fd >= 0 ? fdopendir(mounts_fd) : NULL;

        if (listing == NULL) {
                sc_close(&mounts_fd);
                if (g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return g_steal_pointer(&records);
                if (none != NULL)
                        g_propagate_error(error, g_steal_pointer(&none));
                else
                        sc_throw_errno(error, "Cannot list " SC_MOUNT_DIR);
                return NULL;
        }
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                ScMountRecord *record = g_new0(ScMountRecord, 1);
                record->id = g_strdup(entry->d_name);
                record->where = read_link(dirfd(listing), record->id, "where");
                record->deployment = read_link(dirfd(listing), record->id, "deployment");
                g_ptr_array_add(records, record);
        }
        closedir(listing);
        return g_steal_pointer(&records);
}

int sc_mount_record_new(int checkout_fd, const char *where, const char *deployment, char **ret_id, GError **error)
{
        g_autofree char *id = sc_random_name(12), *path = g_build_filename(SC_MOUNT_DIR, id, NULL);
        sc_autofd fd = sc_make_dirs(checkout_fd, path, 0700, error);

        if (fd < 0)
                return -1;
        if ((deployment != NULL && !sc_write_symlink(fd, deployment, "deployment", SC_WRITE_REPLACE, error)) ||
            !sc_write_symlink(fd, where, "where", SC_WRITE_REPLACE, error)) {
                sc_remove_tree(checkout_fd, path, NULL);
                return -1;
        }
        *ret_id = g_steal_pointer(&id);
        return sc_steal_fd(&fd);
}

bool sc_mount_record_remove(int checkout_fd, const char *id, GError **error)
{
        sc_autofd mounts_fd = sc_open_beneath(checkout_fd, SC_MOUNT_DIR, O_RDONLY | O_DIRECTORY, 0, error);

        return mounts_fd >= 0 && sc_remove_tree(mounts_fd, id, error);
}
