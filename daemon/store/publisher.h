/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The last step of an import: objects become durable, then a commit names them, then a ref names the commit. Trees that are ready
 * at the same time share one round: most of its time goes into syncs and names. */

#include "node.h"
#include "staging.h"

typedef struct ScPublisher ScPublisher;
ScPublisher *sc_publisher_new(ScRepository *repository, ScStaging *staging);
void sc_publisher_free(ScPublisher *publisher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPublisher, sc_publisher_free)

/* A tree is on its way: those that are ready before it wait for it a little if `last` says that no further one will be announced.
 * Each is withdrawn in the end, whether it came or not. */
void sc_publisher_announce(ScPublisher *publisher, bool last);
void sc_publisher_withdraw(ScPublisher *publisher);

/* A tree as commit and ref. objects: all settled ScStagedObject that the tree's file nodes name by their digests. metadata: a{sv},
 * is ended. Durable when it returns. From several threads at once. */
bool sc_publisher_publish(ScPublisher *publisher, const char *ref, const ScNode *root, GPtrArray *objects, GVariantDict *metadata,
                          GError **error);

typedef struct {
        const char *ref;
        const char *from; /* as sc_repository_move_ref()'s; NULL: whatever it is at */
} ScRefTarget;

typedef struct {
        ScRefTarget target;
        const char *name;
        const void *data;
        gsize size;
        GVariantDict *metadata;
} ScPublisherFile;

/* The same for trees of one file each, owned by root, 0644, in one round; their refs come in this order. */
bool sc_publisher_publish_files(ScPublisher *publisher, const ScPublisherFile *files, guint n, GError **error);
