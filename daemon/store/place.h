/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the repository is, and by which way the checkout path is reached so that hardlinks from one to the other work. Nothing here
 * needs libostree.
 *
 * The repository: Repository= of the configuration if set; else CHECKOUT/.storage/ostree if it was made before; else /ostree/repo
 * if it exists and a file of it can be hardlinked into the checkout path (tried, not guessed from st_dev); else
 * CHECKOUT/.storage/ostree, made when it is needed. The one that was made comes before /ostree/repo so that a process that must not
 * write (the daemon, which cannot try a link) finds the same repository as the one that decided.
 *
 * On a host that OSTree has booted /var is a mount of its own, made of a folder of /sysroot: a link from /ostree/repo into it is
 * EXDEV, though both are on one file system. The same folder is reached by /ostree/deploy/OS/var..., on the mount of the
 * repository. */

#include "base/config.h"

#define SC_HOST_REPOSITORY "/ostree/repo"

typedef enum {
        SC_REPOSITORY_READ = 0,
        SC_REPOSITORY_CREATE = 1 << 0, /* make it (and the checkout path) where it is missing; else a missing one is NotFound */
} ScRepositoryFlags;

/* True if path/config is there, what libostree takes for a repository, and path/objects, which it makes last. */
bool sc_place_is_repository(const char *path);

/* By the rule above, with the host's own repository at another place than /ostree/repo. Newly allocated. */
char *sc_repository_find(const ScConfig *config, const char *host_repository, ScRepositoryFlags flags, GError **error);

/* The same folder as `path` below REPOSITORY/../deploy/OS, where it is on the repository's mount; NULL where there is none. */
char *sc_place_beside(const char *repository, const char *path);

/* The way to the checkout path, which exists, on the mount of the repository; the path itself where there is none, or it cannot be
 * written to. */
char *sc_place_checkout(const ScConfig *config);
