/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-path.h"

#include "base/error.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* As many as the kernel follows (path_resolution(7)). */
#define LINKS_MAX 40

typedef struct {
        const char *path; /* for messages */
        int root_fd;
        int fd;         /* where we are */
        unsigned depth; /* below the root; ".." of a link goes no further up */
        unsigned links;
        GQueue todo; /* components, owned */
} Walk;

static void walk_clear(Walk *walk)
{
        sc_close(&walk->fd);
        g_queue_clear_full(&walk->todo, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

static bool enter(Walk *walk, int fd, unsigned depth, GError **error)
{
        if (fd < 0)
                return sc_throw_errno(error, "Cannot open a folder of %s", walk->path);
        sc_close(&walk->fd);
        walk->fd = fd;
        walk->depth = depth;
        return true;
}

static bool to_root(Walk *walk, GError **error)
{
        return enter(walk, openat(walk->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, error);
}

static void push_in_front(Walk *walk, const char *target)
{
        g_auto(GStrv) parts = g_strsplit(target, "/", -1);
        for (guint i = g_strv_length(parts); i > 0; i--)
                g_queue_push_head(&walk->todo, g_strdup(parts[i - 1]));
}

static bool is_trusted(const struct stat *st)
{
        return (st->st_uid == 0 || st->st_uid == geteuid()) && (S_ISLNK(st->st_mode) || (st->st_mode & (S_IWGRP | S_IWOTH)) == 0);
}

static bool follow(Walk *walk, const char *name, const struct stat *link, GError **error)
{
        struct stat folder;
        if (fstat(walk->fd, &folder) < 0)
                return sc_throw_errno(error, "Cannot look at a folder of %s", walk->path);
        if (!is_trusted(link) || !is_trusted(&folder))
                return sc_throw(error, SC_ERROR_ACCESS_DENIED,
                                "Will not follow the symbolic link '%s' on the way to %s: others than root can change it", name,
                                walk->path);
        if (++walk->links > LINKS_MAX)
                return sc_throw(error, SC_ERROR_EXISTS, "Too many symbolic links on the way to %s", walk->path);
        char target[PATH_MAX];
        ssize_t size = readlinkat(walk->fd, name, target, sizeof target - 1);
        if (size < 0)
                return sc_throw_errno(error, "Cannot read the symbolic link '%s' on the way to %s", name, walk->path);
        target[size] = '\0';
        push_in_front(walk, target);
        return *target != '/' || to_root(walk, error);
}

static bool make(Walk *walk, const char *name, GError **error)
{
        if (mkdirat(walk->fd, name, 0755) < 0 && errno != EEXIST)
                return sc_throw_errno(error, "Cannot make the folder '%s' of %s", name, walk->path);
        return sc_sync_dir(walk->fd, error);
}

/* 1: went on, 0: missing, -1: error. */
static int step(Walk *walk, const char *name, ScHostParent mode, GError **error)
{
        if (*name == '\0' || strcmp(name, ".") == 0)
                return 1;
        if (strcmp(name, "..") == 0) {
                if (walk->depth == 0)
                        return 1;
                return enter(walk, openat(walk->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), walk->depth - 1, error) ? 1 : -1;
        }
        struct stat st;
        int present = sc_lstat(walk->fd, name, &st, error);
        if (present < 0)
                return -1;
        if (present == 0) {
                if (mode == SC_HOST_PARENT_LOOK)
                        return 0;
                if (!make(walk, name, error))
                        return -1;
        } else if (S_ISLNK(st.st_mode)) {
                return follow(walk, name, &st, error) ? 1 : -1;
        } else if (!S_ISDIR(st.st_mode)) {
                if (mode == SC_HOST_PARENT_LOOK)
                        return 0;
                sc_throw(error, SC_ERROR_EXISTS, "Cannot make %s: '%s' on the way is no folder", walk->path, name);
                return -1;
        }
        return enter(walk, openat(walk->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), walk->depth + 1, error) ? 1
                                                                                                                            : -1;
}

int sc_host_parent_open(int root_fd, const char *path, ScHostParent mode, int *ret_fd, GError **error)
{
        g_auto(Walk) walk = {.path = path, .root_fd = root_fd, .fd = -1, .todo = G_QUEUE_INIT};
        g_autofree char *parent = g_path_get_dirname(path);
        if (!to_root(&walk, error))
                return -1;
        push_in_front(&walk, parent);
        while (!g_queue_is_empty(&walk.todo)) {
                g_autofree char *name = g_queue_pop_head(&walk.todo);
                int went = step(&walk, name, mode, error);
                if (went <= 0)
                        return went;
        }
        *ret_fd = sc_steal_fd(&walk.fd);
        return 1;
}
