/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "place.h"

#include "base/error.h"
#include "base/path.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN_REPOSITORY ".storage/ostree"

bool sc_place_is_repository(const char *path)
{
        g_autofree char *config = g_build_filename(path, "config", NULL), *objects = g_build_filename(path, "objects", NULL);

        return access(config, F_OK) == 0 && access(objects, F_OK) == 0;
}

static bool can_link_into(const char *repository, const char *folder)
{
        g_autofree char *random = sc_random_name(16), *source = g_build_filename(repository, "config", NULL);
        g_autofree char *name = g_strconcat(".link-test-", random, NULL), *target = g_build_filename(folder, name, NULL);

        if (link(source, target) < 0)
                return false;
        (void)unlink(target);
        return true;
}

static bool look(const char *path, struct statx *ret)
{
        return statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_MNT_ID, ret) == 0;
}

static bool same_mount(const struct statx *a, const struct statx *b)
{
        return (a->stx_mask & b->stx_mask & STATX_MNT_ID) != 0 && a->stx_mnt_id == b->stx_mnt_id;
}

static bool same_folder(const struct statx *a, const struct statx *b)
{
        return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor && a->stx_ino == b->stx_ino;
}

char *sc_place_beside(const char *repository, const char *path)
{
        g_autofree char *top = g_path_get_dirname(repository), *deploy = g_build_filename(top, "deploy", NULL);
        struct statx at_repository, at_path, at_other;
        g_autofree char *found = NULL;
        DIR *listing = look(repository, &at_repository) && look(path, &at_path) ? opendir(deploy) : NULL;
        if (listing == NULL)
                return NULL;
        for (struct dirent *entry; found == NULL && (entry = readdir(listing)) != NULL;) {
                g_autofree char *other = entry->d_name[0] != '.' ? g_build_filename(deploy, entry->d_name, path, NULL) : NULL;
                if (other != NULL && look(other, &at_other) && same_folder(&at_other, &at_path) &&
                    same_mount(&at_other, &at_repository))
                        found = g_steal_pointer(&other);
        }
        closedir(listing);
        return g_steal_pointer(&found);
}

static bool links_reach(const char *repository, const char *folder)
{
        if (can_link_into(repository, folder))
                return true;
        g_autofree char *beside = sc_place_beside(repository, folder);
        return beside != NULL && can_link_into(repository, beside);
}

char *sc_repository_find(const ScConfig *config, const char *host_repository, ScRepositoryFlags flags, GError **error)
{
        if (config->repository != NULL)
                return g_strdup(config->repository);

        g_autofree char *own = g_build_filename(config->checkout_path, OWN_REPOSITORY, NULL);
        if (sc_place_is_repository(own))
                return g_steal_pointer(&own);
        if (sc_place_is_repository(host_repository)) {
                if ((flags & SC_REPOSITORY_CREATE) == 0)
                        return g_strdup(host_repository);
                if (g_mkdir_with_parents(config->checkout_path, 0755) < 0) {
                        sc_throw_errno(error, "Cannot make the folder %s", config->checkout_path);
                        return NULL;
                }
                if (links_reach(host_repository, config->checkout_path))
                        return g_strdup(host_repository);
        }
        return g_steal_pointer(&own);
}

char *sc_place_checkout(const ScConfig *config)
{
        g_autofree char *repository = sc_repository_find(config, SC_HOST_REPOSITORY, SC_REPOSITORY_READ, NULL);
        struct statx at_repository, at_path;
        if (repository == NULL || !look(repository, &at_repository) || !look(config->checkout_path, &at_path) ||
            same_mount(&at_repository, &at_path))
                return g_strdup(config->checkout_path);
        g_autofree char *beside = sc_place_beside(repository, config->checkout_path);
        return beside != NULL && access(beside, W_OK) == 0 ? g_steal_pointer(&beside) : g_strdup(config->checkout_path);
}
