/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "package-driver.h"

#include "base/error.h"
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_OPEN_FOLDERS = 64 };

/* Another one in its place, with an inode of its own; -1 and errno. */
static int part(const char *path, const struct stat *st)
{
        char target[PATH_MAX];
        g_autofree char *own = g_strconcat(path, ".own-link", NULL);
        ssize_t size = readlink(path, target, sizeof target - 1);
        if (size < 0)
                return -1;
        target[size] = '\0';
        if (symlink(target, own) < 0)
                return -1;
        return lchown(own, st->st_uid, st->st_gid) < 0 ? -1 : rename(own, path);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *place G_GNUC_UNUSED)
{
        return type == FTW_SL && st->st_nlink > 1 ? part(path, st) : 0;
}

bool sc_package_part_symlinks(const char *root, GError **error)
{
        return nftw(root, visit, MAX_OPEN_FOLDERS, FTW_PHYS) == 0 ||
               sc_throw_errno(error, "Cannot part the symbolic links in %s", root);
}
