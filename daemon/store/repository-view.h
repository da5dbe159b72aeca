/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A repository as it is read: refs of images and of their blobs, and the commits that they name. Nothing here needs libostree, so
 * that the daemon does not; docs/architecture.md, "What the daemon shows", says what is read, and what is not.
 *
 * Sources of the formats: ostree-repo(1) and ostree's docs/repo.md for the files; OSTREE_COMMIT_GVARIANT_FORMAT of ostree-core.h
 * for a commit: (a{sv}aya(say)sstayay), of metadata, parent, related, subject, body, time (big endian), tree and the tree's
 * metadata. */

#include "base/config.h"
#include "object.h"

#define SC_COMMIT_MAX_SIZE (32u << 20)

typedef struct ScRepositoryView ScRepositoryView;

/* NotFound: there is no repository yet. Another mode than the scope's is Unsupported. */
ScRepositoryView *sc_repository_view_open(const ScConfig *config, GError **error);
void sc_repository_view_free(ScRepositoryView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRepositoryView, sc_repository_view_free)

const char *sc_repository_view_path(const ScRepositoryView *view);
int sc_repository_view_fd(const ScRepositoryView *view);
ScObjectFormat sc_repository_view_format(const ScRepositoryView *view);

/* The refs below SC_REF_PREFIX, with it, in no order: of images, of layers and of configurations. NULL on error. */
GPtrArray *sc_repository_view_refs(const ScRepositoryView *view, GError **error);

/* The commit's checksum, newly allocated. NotFound where there is no such ref, Corrupt where it holds something else. */
char *sc_repository_view_resolve(const ScRepositoryView *view, const char *ref, GError **error);

/* The commit, a full reference; its members are as its writer meant them, and no more is known. Corrupt, or NotFound. */
GVariant *sc_repository_view_commit(const ScRepositoryView *view, const char *commit, GError **error);
/* The same of a commit's bytes, which it takes, from g_malloc(); commit: for messages. */
GVariant *sc_commit_parse(char *data, gsize size, const char *commit, GError **error);
/* Of such a commit: its metadata, a{sv}, a full reference; its time, seconds since the epoch. */
GVariant *sc_commit_metadata(GVariant *commit);
gint64 sc_commit_time(GVariant *commit);
/* The objects of its root: what that holds, and its metadata. Corrupt where it names none. */
bool sc_commit_tree(GVariant *commit, ScDigest *ret_contents, ScDigest *ret_meta, GError **error);
