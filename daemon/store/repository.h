/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The OSTree repository, where place.h says, made in mode "bare"; a user's is where his scope says, made in mode "bare-user".
 *
 * What is ours alone inside it lies in extensions/sysconsd (libostree leaves `extensions` to others):
 *   lock                       the lock of sc_repository_lock()
 *   ref.lock, ref.new          a ref on its way (refs.c)
 *   pull/                      what interrupted pulls have imported (pull-intent.h)
 *   damaged/                   damaged files that deployments may still have (op/damage.h)
 *   staging.lock, staging-*    objects of running imports (staging.h) */

#include "base/config.h"
#include "place.h"
#include "repository-view.h"
#include <gio/gio.h>
#include <ostree.h>

typedef struct ScRepository ScRepository;

/* Another mode than the scope's is Unsupported. Whoever lives long opens anew for each look: a pull may just have made it. */
ScRepository *sc_repository_open(const ScConfig *config, ScRepositoryFlags flags, GError **error);
void sc_repository_free(ScRepository *repository);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRepository, sc_repository_free)

/* As it is read; the repository's own. */
const ScRepositoryView *sc_repository_view(ScRepository *repository);
OstreeRepo *sc_repository_ostree(ScRepository *repository);
const char *sc_repository_path(ScRepository *repository);
int sc_repository_fd(ScRepository *repository);
int sc_repository_objects_fd(ScRepository *repository);
ScObjectFormat sc_repository_format(ScRepository *repository);
/* What lies under this name in objects/ is not what it says: whoever would use it because it is there writes it anew. Not while
 * others use the repository. */
void sc_repository_distrust(ScRepository *repository, const char *object_path);
bool sc_repository_is_distrusted(ScRepository *repository, const char *object_path);
/* A new descriptor of extensions/sysconsd, which is made where it is missing; -1 on error. */
int sc_repository_open_state(ScRepository *repository, GError **error);
/* Before libostree's own lock is taken: it makes this file, too, but cannot say why it could not (it asks for the path of a
 * repository that was opened by a descriptor first, which loses errno). */
bool sc_repository_make_lock_file(ScRepository *repository, GError **error);

/* The lock that keeps prune away: shared while a pull decides what is missing and until its image's ref is published, and while
 * install and update merge and link; exclusive for prune. Waits, cancellable. The descriptor is the lock. (libostree's own lock
 * cannot serve: it belongs to an OstreeRepo, not to a descriptor, and gives up after 30 s.) */
int sc_repository_lock(ScRepository *repository, bool exclusive, GCancellable *cancellable, GError **error);
/* The same, shared, for who may not write; where the lock was never made nothing is locked. */
int sc_repository_lock_read_only(ScRepository *repository, GCancellable *cancellable, GError **error);

/* Refs, full names with SC_REF_PREFIX. The commit's checksum, newly allocated; NotFound. */
char *sc_repository_resolve(ScRepository *repository, const char *ref, GError **error);
/* 1: the ref exists, and its commit; 0: it does not; -1: error. */
int sc_repository_has_ref(ScRepository *repository, const char *ref, GError **error);
/* Durable when they return, and at no time half-written; a ref that is missing already is dropped without an error. The commit must
 * be durable before. */
bool sc_repository_set_ref(ScRepository *repository, const char *ref, const char *commit, GError **error);
/* The same, but only where the ref is at `from` ("": is missing) still; one that somebody moved or dropped meanwhile is left alone,
 * without an error. */
bool sc_repository_move_ref(ScRepository *repository, const char *ref, const char *from, const char *commit, GError **error);
/* Several in a row, for one wait for the disk instead of two each: written first, each with a name in a folder of the repository's
 * file system, which the caller syncs; then renamed in their order, as sc_repository_move_ref() does it where `from` is not NULL.
 */
typedef struct {
        const char *ref;
        const char *from;
        const char *staged; /* the name in the folder */
} ScStagedRef;
bool sc_repository_stage_ref(int folder_fd, const char *staged, const char *commit, GError **error);
bool sc_repository_place_refs(ScRepository *repository, int folder_fd, const ScStagedRef *refs, guint n, GError **error);
bool sc_repository_drop_ref(ScRepository *repository, const char *ref, GError **error);

/* Removes what no ref needs; the exclusive lock is held. In a repository that others use, too, that is only what commits of ours
 * alone held that have no ref any more: not an unreferenced commit of theirs, nor what a transaction of theirs has half done. */
bool sc_repository_prune(ScRepository *repository, guint *ret_objects, guint64 *ret_bytes, GCancellable *cancellable,
                         GError **error);
