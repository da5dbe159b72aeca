/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "new-repository.h"

#include "base/error.h"
#include "base/path.h"
#include "place.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Hidden names with this in them are ours, whoever else keeps what beside a repository: they are removed. */
#define MARK "made-by-sysconsd"
#define SUFFIX_SIZE 8

/* libostree makes objects/ last, and goes on where it was interrupted. */
static bool make_at(int parent_fd, const char *name, OstreeRepoMode mode, GError **error)
{
        g_autoptr(OstreeRepo) made = ostree_repo_create_at(parent_fd, name, mode, NULL, NULL, error);
        return made != NULL && sc_sync_fs(ostree_repo_get_dfd(made), error);
}

/* Under the lock nobody is at work on these. */
static void sweep(int parent_fd, const char *prefix)
{
        int listing_fd = openat(parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *listing = listing_fd >= 0 ? fdopendir(listing_fd) : NULL;
        if (listing == NULL) {
                sc_close(&listing_fd);
                return;
        }
        for (struct dirent *entry; (entry = readdir(listing)) != NULL;)
                if (g_str_has_prefix(entry->d_name, prefix) && strlen(entry->d_name) == strlen(prefix) + SUFFIX_SIZE)
                        (void)sc_remove_tree(parent_fd, entry->d_name, NULL);
        closedir(listing);
}

static bool make_hidden(int parent_fd, const char *hidden, const char *name, OstreeRepoMode mode, GError **error)
{
        if (mkdirat(parent_fd, hidden, 0755) < 0)
                return sc_throw_errno(error, "Cannot make a folder");
        if (make_at(parent_fd, hidden, mode, error) && sc_rename_new(parent_fd, hidden, name, error))
                return true;
        (void)sc_remove_tree(parent_fd, hidden, NULL);
        return false;
}

static bool make(const char *path, OstreeRepoMode mode, GError **error)
{
        g_autofree char *parent = g_path_get_dirname(path), *name = g_path_get_basename(path);
        g_autofree char *prefix = g_strdup_printf(".%.200s." MARK ".", name), *suffix = sc_random_name(SUFFIX_SIZE);
        g_autofree char *hidden = g_strconcat(prefix, suffix, NULL);
        struct stat st;
        if (g_mkdir_with_parents(parent, 0755) < 0)
                return sc_throw_errno(error, "Cannot make the folder %s", parent);
        sc_autofd parent_fd = sc_open_dir(parent, error);
        if (parent_fd < 0)
                return false;
        if (flock(parent_fd, LOCK_EX) < 0)
                return sc_throw_errno(error, "Cannot lock %s", parent);
        if (sc_place_is_repository(path))
                return true; /* somebody else was quicker */
        if (stat(path, &st) == 0)
                return make_at(AT_FDCWD, path, mode, error);
        sweep(parent_fd, prefix);
        return make_hidden(parent_fd, hidden, name, mode, error);
}

bool sc_new_repository_make(const char *path, OstreeRepoMode mode, GError **error)
{
        return sc_place_is_repository(path) || make(path, mode, error) || sc_prefix(error, "Cannot make the repository %s", path);
}
