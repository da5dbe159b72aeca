/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Refs as libostree lays them out (refs/heads/NAME, a file with the commit's checksum and a newline), but written durably:
 * libostree syncs neither the folder nor a file that replaces another. */

#include "repository.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADS "refs/heads"

char *sc_repository_resolve(ScRepository *repository, const char *ref, GError **error)
{
        return sc_repository_view_resolve(sc_repository_view(repository), ref, error);
}

int sc_repository_has_ref(ScRepository *repository, const char *ref, GError **error)
{
        g_autoptr(GError) own_error = NULL;
        g_autofree char *commit = sc_repository_resolve(repository, ref, &own_error);
        gboolean present = FALSE;

        if (commit == NULL) {
                if (g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return 0;
                g_propagate_error(error, g_steal_pointer(&own_error));
                return -1;
        }
        if (!ostree_repo_has_object(sc_repository_ostree(repository), OSTREE_OBJECT_TYPE_COMMIT, commit, &present, NULL, error)) {
                sc_prefix(error, "Cannot read the commit of the ref %s", ref);
                return -1;
        }
        return present ? 1 : 0;
}

static int open_new(int folder_fd, const char *name, const char *commit, GError **error)
{
        g_autofree char *text = g_strconcat(commit, "\n", NULL);
        sc_autofd fd = openat(folder_fd, name, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);

        if (fd < 0) {
                sc_throw_errno(error, "Cannot make the file %s", name);
                return -1;
        }
        if (!sc_write_all(fd, text, strlen(text), error))
                return -1;
        if (fchmod(fd, 0644) < 0) {
                sc_throw_errno(error, "Cannot write the file %s", name);
                return -1;
        }
        return sc_steal_fd(&fd);
}

static bool write_new(int state_fd, const char *commit, GError **error)
{
        sc_autofd fd = open_new(state_fd, "ref.new", commit, error);

        return fd >= 0 && (fsync(fd) == 0 || sc_throw_errno(error, "Cannot write the file ref.new"));
}

typedef struct {
        const char *ref;
        const char *from; /* NULL: anything, "": it is missing */
        const char *commit;
} RefChange;

/* 1: the ref is where it is to be taken from; 0: it is not; -1: error. */
static int is_at(ScRepository *repository, const RefChange *change, GError **error)
{
        g_autoptr(GError) own_error = NULL;

        if (change->from == NULL)
                return 1;
        g_autofree char *now = sc_repository_resolve(repository, change->ref, &own_error);
        if (now != NULL)
                return strcmp(now, change->from) == 0 ? 1 : 0;
        if (g_error_matches(own_error, SC_ERROR, SC_ERROR_NOT_FOUND))
                return *change->from == '\0' ? 1 : 0;
        g_propagate_error(error, g_steal_pointer(&own_error));
        return -1;
}

static bool change_ref(ScRepository *repository, const RefChange *change, GError **error)
{
        g_autofree char *path = g_build_filename(HEADS, change->ref, NULL), *folder = g_path_get_dirname(path),
                        *name = g_path_get_basename(path);
        sc_autofd state_fd = sc_repository_open_state(repository, error);

        if (state_fd < 0)
                return false;
        sc_autofd folder_fd = sc_make_dirs(sc_repository_fd(repository), folder, 0755, error);
        if (folder_fd < 0)
                return false;
        /* The name ref.new belongs to whoever has the lock; what a crash leaves of it is written over. */
        sc_autofd lock_fd = sc_lock_wait(state_fd, "ref.lock", SC_LOCK_EXCLUSIVE, NULL, error);
        int here = lock_fd >= 0 ? is_at(repository, change, error) : -1;
        if (here <= 0)
                return here == 0;
        if (!write_new(state_fd, change->commit, error))
                return sc_prefix(error, "Ref %s", change->ref);
        if (renameat(state_fd, "ref.new", folder_fd, name) < 0)
                return sc_throw_errno(error, "Cannot write the ref %s", change->ref);
        return sc_sync_dir(folder_fd, error);
}

bool sc_repository_set_ref(ScRepository *repository, const char *ref, const char *commit, GError **error)
{
        const RefChange change = {.ref = ref, .commit = commit};
        return change_ref(repository, &change, error);
}

bool sc_repository_move_ref(ScRepository *repository, const char *ref, const char *from, const char *commit, GError **error)
{
        const RefChange change = {.ref = ref, .from = from, .commit = commit};
        return change_ref(repository, &change, error);
}

bool sc_repository_stage_ref(int folder_fd, const char *staged, const char *commit, GError **error)
{
        sc_autofd fd = open_new(folder_fd, staged, commit, error);

        return fd >= 0;
}

typedef struct {
        char *path; /* NULL: none is open */
        int fd;
} Folder;

static void folder_close(Folder *folder)
{
        g_clear_pointer(&folder->path, g_free);
        sc_close(&folder->fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_close)

/* What was renamed into the one before is durable then. */
static bool turn_to(ScRepository *repository, Folder *folder, const char *path, GError **error)
{
        if (g_strcmp0(folder->path, path) == 0)
                return true;
        if (folder->path != NULL && !sc_sync_dir(folder->fd, error))
                return false;
        folder_close(folder);
        folder->fd = sc_make_dirs(sc_repository_fd(repository), path, 0755, error);
        folder->path = folder->fd >= 0 ? g_strdup(path) : NULL;
        return folder->fd >= 0;
}

static bool place_ref(ScRepository *repository, Folder *folder, int staged_fd, const ScStagedRef *staged, GError **error)
{
        g_autofree char *path = g_build_filename(HEADS, staged->ref, NULL), *folder_path = g_path_get_dirname(path),
                        *name = g_path_get_basename(path);
        const RefChange change = {.ref = staged->ref, .from = staged->from};
        int here = is_at(repository, &change, error);

        if (here <= 0)
                return here == 0;
        if (!turn_to(repository, folder, folder_path, error))
                return false;
        return renameat(staged_fd, staged->staged, folder->fd, name) == 0 ||
               sc_throw_errno(error, "Cannot write the ref %s", staged->ref);
}

bool sc_repository_place_refs(ScRepository *repository, int folder_fd, const ScStagedRef *refs, guint n, GError **error)
{
        sc_autofd state_fd = sc_repository_open_state(repository, error);
        sc_autofd lock_fd = state_fd >= 0 ? sc_lock_wait(state_fd, "ref.lock", SC_LOCK_EXCLUSIVE, NULL, error) : -1;
        g_auto(Folder) folder = {NULL, -1};

        if (lock_fd < 0)
                return false;
        for (guint i = 0; i < n; i++)
                if (!place_ref(repository, &folder, folder_fd, &refs[i], error))
                        return false;
        return folder.path == NULL || sc_sync_dir(folder.fd, error);
}

bool sc_repository_drop_ref(ScRepository *repository, const char *ref, GError **error)
{
        g_autofree char *path = g_build_filename(HEADS, ref, NULL), *folder = g_path_get_dirname(path),
                        *name = g_path_get_basename(path);
        sc_autofd state_fd = sc_repository_open_state(repository, error);
        /* not between somebody's look at the ref and his change of it */
        sc_autofd lock_fd = state_fd >= 0 ? sc_lock_wait(state_fd, "ref.lock", SC_LOCK_EXCLUSIVE, NULL, error) : -1;

        if (lock_fd < 0)
                return false;
        sc_autofd folder_fd = openat(sc_repository_fd(repository), folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder_fd < 0)
                return errno == ENOENT ? true : sc_throw_errno(error, "Cannot open %s/%s", sc_repository_path(repository), folder);
        if (unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT)
                return sc_throw_errno(error, "Cannot remove the ref %s", ref);
        return sc_sync_dir(folder_fd, error);
}
