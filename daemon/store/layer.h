/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Layers into the repository: a stream of a (compressed) tar becomes one commit and one ref, SC_REF_PREFIX and the blob's hex
 * digest. Commit metadata, all strings: docker.size, docker.uncompressed_size, docker.uncompressed_digest ("sha256:...").
 *
 * One ScImport is one pull. Its threads write objects into a staging folder of their own; when a layer's digests have proven
 * right its objects are synced, renamed into objects/, their folders synced, and only then does a commit name them:
 * nothing that lies in objects/ is ever unsynced, because libostree would adopt it by name after a power cut. */

#include "base/image-info.h"
#include "publisher.h"
#include "repository.h"

typedef struct ScImport ScImport;

typedef struct {
        guint writers;          /* threads that write objects; 0: as many as there are CPUs, at most 4 */
        guint64 max_layer_size; /* inflated bytes; more is InvalidArgument naming the limit */
        guint64 max_entries;    /* 0: 2,000,000 */
        guint64 max_memory;     /* of a layer's tree of names, in bytes; 0: 1 GiB */
} ScImportLimits;

ScImport *sc_import_new(ScRepository *repository, const ScImportLimits *limits, GError **error);
/* Ends the threads and removes the staging folder (unless a layer broke off and did not come whole later, but not for lack of
 * space: what is whole in it serves the next pull of this boot). The caller holds sc_repository_lock() shared; against a prune that
 * knows nothing of that lock, libostree's own is held from new to free. No layer may be under way. */
void sc_import_free(ScImport *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScImport, sc_import_free)

/* > 0: bytes at *ret_chunk, valid until the next call; 0: end, the blob's digest has been checked; -1: error. */
typedef gssize (*ScLayerRead)(gpointer source, const void **ret_chunk, GError **error);

/* False without an error: it is not here. */
bool sc_layer_exists(ScRepository *repository, const ScDigest *digest, GError **error);

/* A layer is on its way, last: no further one will be announced. The last ones that come wait for each other a little before they
 * are published, for what they do then is done once for all. Each is withdrawn when sc_import_layer() is done with it. */
void sc_import_announce(ScImport *import, bool last);
void sc_import_withdraw(ScImport *import);

/* Reads a layer to its end, in the calling thread; several threads may import different layers of one ScImport at once. The
 * compression is told from the first bytes (gzip, zstd, none) and must agree with the media type, if that names one. The tar's
 * digest must be layer->diff_id where has_diff_id. On success the layer is published and durable, and *ret_inflated its size.
 * After a failure nothing of it is published, and it may be imported again, from its first byte on: objects that are whole are not
 * written twice.
 * Paths with "..", entries below a symlink, hardlinks to what the layer does not hold, and broken tars are Corrupt naming the
 * entry; device nodes, fifos and sockets are left out. */
bool sc_import_layer(ScImport *import, const ScLayerInfo *layer, ScLayerRead read, gpointer source, guint64 *ret_inflated,
                     GCancellable *cancellable, GError **error);

/* The ref of a blob. */
char *sc_layer_ref(const ScDigest *digest);

/* The configuration blob as ref SC_REF_PREFIX HEX: a tree with one file, /content; docker.size. The second is for who publishes it
 * together with something else; it fills in the metadata. */
ScPublisherFile sc_layer_config_file(const char *ref, const char *data, gsize size, GVariantDict *metadata);
bool sc_import_config(ScImport *import, const ScDigest *digest, const char *data, gsize size, GError **error);

/* Fills in the sizes of a layer that are not known yet (0) with what its commit's metadata says; they stay 0 where it does not.
 * NotFound where the layer is missing. */
bool sc_layer_know_sizes(ScRepository *repository, ScLayerInfo *layer, GError **error);
