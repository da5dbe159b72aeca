/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "repository.h"
#include "base/error.h"
#include "base/lock.h"
#include "base/path.h"
#include "new-repository.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STATE_DIR "extensions/sysconsd"

struct ScRepository {
        ScRepositoryView *view;
        OstreeRepo *ostree;
        int objects_fd;
        GHashTable *distrusted; /* paths in objects/ */
};

static OstreeRepoMode ostree_mode(const ScConfig *config)
{
        return config->scope->kind == SC_SCOPE_USER ? OSTREE_REPO_MODE_BARE_USER : OSTREE_REPO_MODE_BARE;
}

static bool make_repository(const ScConfig *config, GError **error)
{
        g_autofree char *path = sc_repository_find(config, SC_HOST_REPOSITORY, SC_REPOSITORY_CREATE, error);
        return path != NULL && sc_new_repository_make(path, ostree_mode(config), error);
}

ScRepository *sc_repository_open(const ScConfig *config, ScRepositoryFlags flags, GError **error)
{
        if ((flags & SC_REPOSITORY_CREATE) != 0 && !make_repository(config, error))
                return NULL;
        g_autoptr(ScRepositoryView) view = sc_repository_view_open(config, error);
        if (view == NULL)
                return NULL;
        const char *path = sc_repository_view_path(view);
        g_autoptr(OstreeRepo) ostree = ostree_repo_open_at(sc_repository_view_fd(view), ".", NULL, error);
        if (ostree == NULL) {
                sc_prefix(error, "Cannot open the repository %s", path);
                return NULL;
        }
        /* Whatever core.fsync says: without it libostree writes metadata straight into objects/, and a power cut leaves it empty.
         */
        ostree_repo_set_disable_fsync(ostree, FALSE);
        sc_autofd objects_fd = openat(ostree_repo_get_dfd(ostree), "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (objects_fd < 0) {
                sc_throw_errno(error, "Cannot open %s/objects", path);
                return NULL;
        }

        ScRepository *repository = g_new0(ScRepository, 1);
        repository->view = g_steal_pointer(&view);
        repository->ostree = g_steal_pointer(&ostree);
        repository->objects_fd = sc_steal_fd(&objects_fd);
        repository->distrusted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return repository;
}

void sc_repository_free(ScRepository *repository)
{
        if (repository == NULL)
                return;
        sc_close(&repository->objects_fd);
        g_hash_table_unref(repository->distrusted);
        g_object_unref(repository->ostree);
        sc_repository_view_free(repository->view);
        g_free(repository);
}

OstreeRepo *sc_repository_ostree(ScRepository *repository)
{
        return repository->ostree;
}

const ScRepositoryView *sc_repository_view(ScRepository *repository)
{
        return repository->view;
}

const char *sc_repository_path(ScRepository *repository)
{
        return sc_repository_view_path(repository->view);
}

int sc_repository_fd(ScRepository *repository)
{
        return ostree_repo_get_dfd(repository->ostree);
}

int sc_repository_objects_fd(ScRepository *repository)
{
        return repository->objects_fd;
}

ScObjectFormat sc_repository_format(ScRepository *repository)
{
        return sc_repository_view_format(repository->view);
}

void sc_repository_distrust(ScRepository *repository, const char *object_path)
{
        g_hash_table_add(repository->distrusted, g_strdup(object_path));
}

bool sc_repository_is_distrusted(ScRepository *repository, const char *object_path)
{
        return g_hash_table_contains(repository->distrusted, object_path);
}

int sc_repository_open_state(ScRepository *repository, GError **error)
{
        int fd = sc_make_dirs(sc_repository_fd(repository), STATE_DIR, 0755, error);

        if (fd < 0)
                sc_prefix(error, "Repository %s", sc_repository_path(repository));
        return fd;
}

bool sc_repository_make_lock_file(ScRepository *repository, GError **error)
{
        sc_autofd fd = openat(sc_repository_fd(repository), ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0660);

        return fd >= 0 || sc_throw_errno(error, "Cannot open the lock file %s/.lock", sc_repository_path(repository));
}

int sc_repository_lock(ScRepository *repository, bool exclusive, GCancellable *cancellable, GError **error)
{
        sc_autofd state_fd = sc_repository_open_state(repository, error);

        if (state_fd < 0)
                return -1;
        return sc_lock_wait(state_fd, "lock", exclusive ? SC_LOCK_EXCLUSIVE : SC_LOCK_SHARED, cancellable, error);
}

int sc_repository_lock_read_only(ScRepository *repository, GCancellable *cancellable, GError **error)
{
        g_autoptr(GError) local = NULL;
        int fd = sc_lock_wait_read_only(sc_repository_fd(repository), STATE_DIR "/lock", cancellable, &local);

        if (fd < 0 && g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                return sc_open_beneath(sc_repository_fd(repository), ".", O_RDONLY | O_DIRECTORY, 0, error);
        if (fd < 0)
                g_propagate_error(error, g_steal_pointer(&local));
        return fd;
}
