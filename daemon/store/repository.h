/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The OSTree repository: Repository= of the configuration if set; else /ostree/repo if it exists and a file of it can be
 * hardlinked into the checkout path (tried, not guessed from st_dev); else CHECKOUT/.storage/ostree, made in mode "bare". */

#include "base/config.h"
#include <gio/gio.h>
#include <ostree.h>

typedef struct ScRepository ScRepository;

typedef enum {
        SC_REPOSITORY_READ = 0,
        SC_REPOSITORY_CREATE = 1 << 0, /* make it (and the checkout path) where it is missing; else a missing one is NotFound */
} ScRepositoryFlags;

ScRepository *sc_repository_open(const ScConfig *config, ScRepositoryFlags flags, GError **error);
void sc_repository_free(ScRepository *repository);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRepository, sc_repository_free)

OstreeRepo *sc_repository_ostree(ScRepository *repository);
const char *sc_repository_path(ScRepository *repository);
int sc_repository_fd(ScRepository *repository);

/* The lock that keeps prune away: shared while a pull decides what is missing and until its image's ref is published, and while
 * install and update merge and link; exclusive for prune. Waits, cancellable. The descriptor is the lock. */
int sc_repository_lock(ScRepository *repository, bool exclusive, GCancellable *cancellable, GError **error);
