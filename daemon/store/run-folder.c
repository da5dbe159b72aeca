/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-folder.h"

#include "base/error.h"
#include "base/lock.h"
#include "base/path.h"
#include "deployment.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Held while a folder is made and its lock taken, and while abandoned ones are looked for. No container has such a name. */
#define LOCK SC_LOCK_DIR "/.run"
#define DEPLOYMENT "deployment"

int sc_run_folder_new(int checkout_fd, const char *id, int *ret_lock_fd, GError **error)
{
        sc_autofd runs = sc_make_dirs(checkout_fd, SC_RUN_DIR, 0700, error);
        sc_autofd guard = runs >= 0 ? sc_lock_wait(checkout_fd, LOCK, SC_LOCK_EXCLUSIVE, NULL, error) : -1;
        if (guard < 0)
                return -1;
        if (mkdirat(runs, id, 0700) < 0) {
                if (errno == EEXIST)
                        sc_throw(error, SC_ERROR_EXISTS, "A command runs as %s already", id);
                else
                        sc_throw_errno(error, "Cannot make the folder %s/%s", SC_RUN_DIR, id);
                return -1;
        }
        sc_autofd fd = sc_open_beneath(runs, id, O_RDONLY | O_DIRECTORY, 0, error);
        sc_autofd lock = fd >= 0 ? sc_lock_try(fd, "lock", SC_LOCK_EXCLUSIVE, error) : -1;
        if (lock < 0)
                return -1;
        *ret_lock_fd = sc_steal_fd(&lock);
        return sc_steal_fd(&fd);
}

bool sc_run_folder_remove(int checkout_fd, const char *id, GError **error)
{
        sc_autofd runs = sc_open_beneath(checkout_fd, SC_RUN_DIR, O_RDONLY | O_DIRECTORY, 0, error);
        return runs >= 0 && sc_remove_tree(runs, id, error);
}

static bool is_abandoned(int runs_fd, const char *id)
{
        sc_autofd fd = sc_open_beneath(runs_fd, id, O_RDONLY | O_DIRECTORY, 0, NULL);
        sc_autofd lock = fd >= 0 ? sc_lock_try(fd, "lock", SC_LOCK_EXCLUSIVE, NULL) : -1;
        return lock >= 0;
}

/* NULL: there is no such folder, or it cannot be read. */
static DIR *list(int checkout_fd)
{
        int fd = sc_open_beneath(checkout_fd, SC_RUN_DIR, O_RDONLY | O_DIRECTORY, 0, NULL);
        DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
        if (listing == NULL)
                sc_close(&fd);
        return listing;
}

char **sc_run_folder_abandoned(int checkout_fd, GError **error)
{
        g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
        DIR *listing = list(checkout_fd);
        if (listing == NULL)
                return g_strv_builder_end(ids);
        sc_autofd guard = sc_lock_wait(checkout_fd, LOCK, SC_LOCK_EXCLUSIVE, NULL, error);
        for (struct dirent *entry; guard >= 0 && (entry = readdir(listing)) != NULL;)
                if (entry->d_name[0] != '.' && is_abandoned(dirfd(listing), entry->d_name))
                        g_strv_builder_add(ids, entry->d_name);
        closedir(listing);
        return guard >= 0 ? g_strv_builder_end(ids) : NULL;
}

bool sc_run_folder_pin(int folder_fd, const char *deployment, GError **error)
{
        return symlinkat(deployment, folder_fd, DEPLOYMENT) == 0 ||
               sc_throw_errno(error, "Cannot record the deployment %s that a command runs on", deployment);
}

static bool runs_on(int runs_fd, const char *id, const char *deployment)
{
        char target[NAME_MAX + 1];
        g_autofree char *link = g_build_filename(id, DEPLOYMENT, NULL);
        ssize_t size = readlinkat(runs_fd, link, target, sizeof target);
        return size == (ssize_t)strlen(deployment) && memcmp(target, deployment, (size_t)size) == 0;
}

bool sc_run_folder_user(int checkout_fd, const char *deployment, char **ret, GError **error)
{
        int there = sc_lstat(checkout_fd, SC_RUN_DIR, NULL, error);
        int fd = there > 0 ? sc_open_beneath(checkout_fd, SC_RUN_DIR, O_RDONLY | O_DIRECTORY, 0, error) : -1;
        DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
        g_autofree char *user = NULL;
        *ret = NULL;
        if (listing == NULL) {
                if (fd >= 0)
                        sc_throw_errno(error, "Cannot list " SC_RUN_DIR);
                sc_close(&fd);
                return there == 0;
        }
        for (struct dirent *entry; user == NULL && (entry = readdir(listing)) != NULL;)
                if (entry->d_name[0] != '.' && runs_on(dirfd(listing), entry->d_name, deployment) &&
                    !is_abandoned(dirfd(listing), entry->d_name))
                        user = g_strdup(entry->d_name);
        closedir(listing);
        *ret = g_steal_pointer(&user);
        return true;
}

bool sc_run_folder_any(int checkout_fd)
{
        DIR *listing = list(checkout_fd);
        bool found = false;
        if (listing == NULL)
                return false;
        for (struct dirent *entry; !found && (entry = readdir(listing)) != NULL;)
                found = entry->d_name[0] != '.';
        closedir(listing);
        return found;
}
