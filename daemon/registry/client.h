/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A registry, spoken to by the OCI distribution specification 1.1 (pull part), over libsoup. One client serves one image
 * reference. Every call blocks, and may be made from any thread: the thread that made the client keeps its connections from call
 * to call, any other gets a session of its own for each. HTTP/1.1 only. */

#include "base/config.h"
#include "base/reference.h"
#include "base/report.h"
#include <gio/gio.h>

typedef struct ScRegistry ScRegistry;

/* No network yet. A reference without a host is InvalidReference, saying to write the registry's name. Plain http is used for
 * loopback (after https was refused there), for "http:" references, and for hosts in config->insecure_registries.
 * config and report must outlive the client, and the client its blobs; it is freed by the thread that made it. */
ScRegistry *sc_registry_new(const ScReference *reference, const ScConfig *config, ScReport *report, GError **error);
void sc_registry_free(ScRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRegistry, sc_registry_free)

typedef struct {
        char *text; /* zero-terminated behind size */
        gsize size;
        ScDigest digest; /* computed from text */
        char *content_type;
} ScManifestText;
void sc_manifest_text_clear(ScManifestText *manifest);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScManifestText, sc_manifest_text_clear)

/* The manifest for the reference's tag or digest, or (digest not NULL) for one named by an index. With a digest the text has
 * been checked against it (VerifyFailed), and its size against expected_size unless that is 0. 404 is NotFound "Image X not
 * found", 401 and 403 AccessDenied, other trouble Network, each with the way out. */
bool sc_registry_get_manifest(ScRegistry *registry, const ScDigest *digest, guint64 expected_size, ScManifestText *ret,
                              GCancellable *cancellable, GError **error);

/* A small blob (the image's configuration, at most SC_CONFIG_MAX_SIZE), whole, with a zero behind it: size and digest have been
 * checked. */
bool sc_registry_get_blob(ScRegistry *registry, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                          GError **error);

/* A blob that streams: a thread of its own fetches, hashes and queues chunks (at most 4 MiB), and after a broken connection or a
 * stall goes on with Range where it stopped (config->attempts tries without progress, all in less than two minutes). */
typedef struct ScBlob ScBlob;
ScBlob *sc_registry_open_blob(ScRegistry *registry, const ScDigest *digest, guint64 size, GCancellable *cancellable);
/* > 0: that many bytes at *ret_chunk, valid until the next call; 0: the end, and size and digest are right; -1: error
 * (VerifyFailed, Network, Cancelled). From one thread. The signature fits ScLayerRead of store/layer.h. */
gssize sc_blob_read(gpointer blob, const void **ret_chunk, GError **error);
/* Ends the thread, also in the middle of a transfer. */
void sc_blob_free(ScBlob *blob);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScBlob, sc_blob_free)
