/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where one image comes from: a registry, an archive, an engine ... Each kind of source implements these calls; whoever pulls does
 * not know which it talks to. A transport serves one image reference. Every call blocks, and may be made from any thread.
 * Whatever comes through it is hostile until its digest has been checked against one that was trusted before. */

#include "base/config.h"
#include "base/digest.h"
#include "base/keyring.h"
#include "base/reference.h"
#include "base/registries.h"
#include "base/report.h"
#include "stream.h"
#include <gio/gio.h>

typedef struct {
        char *text; /* zero-terminated behind size */
        gsize size;
        ScDigest digest; /* computed from text */
        char *content_type;
} ScManifestText;
void sc_manifest_text_clear(ScManifestText *manifest);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScManifestText, sc_manifest_text_clear)

/* A blob that streams. A kind of source has a structure of its own that begins with this one. */
typedef struct ScBlob ScBlob;
struct ScBlob {
        gssize (*read)(ScBlob *blob, const void **ret_chunk, GError **error);
        void (*free)(ScBlob *blob);
        bool (*again)(ScBlob *blob, GError **problem); /* NULL: it can be had in one place only */
};

typedef struct ScTransport ScTransport;
typedef struct {
        bool (*get_manifest)(ScTransport *transport, const ScDigest *digest, guint64 expected_size, ScManifestText *ret,
                             GCancellable *cancellable, GError **error);
        bool (*get_blob)(ScTransport *transport, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                         GError **error);
        ScBlob *(*open_blob)(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable);
        void (*free)(ScTransport *transport);
        const char *(*get_name)(ScTransport *transport);                  /* NULL: the reference has the name */
        guint64 (*place)(ScTransport *transport, const ScDigest *digest); /* NULL: blobs can be had in any order, and at once */
} ScTransportKind;
/* As for ScBlob. */
struct ScTransport {
        const ScTransportKind *kind;
};

typedef enum {
        /* Whoever runs the server: root, or somebody who may import, has said so. */
        SC_TRANSPORT_ANY_SERVER = 1 << 0,
} ScTransportFlags;

/* What a transport is made of. All of it must outlive the transport. */
typedef struct {
        const ScReference *reference;
        const ScConfig *config;
        ScReport *report;
        ScTransportFlags flags;
        const ScRegistries *registries; /* the administrator's settings, which need not outlive it; NULL: none */
        ScStreamSource *stream;         /* of a source that is a stream; the transport's once it is made. NULL: none */
        int file;                       /* of a source that is a file; the transport's once it is made. -1: none */
        ScKeyring *keyring;             /* who one is for registries; NULL: nobody */
} ScTransportRequest;

/* By the reference's source. No network yet. InvalidReference, Unsupported. The transport must outlive its blobs, and is freed by
 * the thread that made it. */
ScTransport *sc_transport_new(const ScTransportRequest *request, GError **error);
void sc_transport_free(ScTransport *transport);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTransport, sc_transport_free)

/* The manifest for the reference's tag or digest, or (digest not NULL) for one named by an index. With a digest the text has
 * been checked against it (VerifyFailed), and its size against expected_size unless that is 0. An image that is not there is
 * NotFound "Image X not found", one that may not be read AccessDenied, other trouble Network, each with the way out. */
bool sc_transport_get_manifest(ScTransport *transport, const ScDigest *digest, guint64 expected_size, ScManifestText *ret,
                               GCancellable *cancellable, GError **error);

/* Of a source that is a file, once there was a manifest: what the image is called there, in its words; NULL: it has no name, or it
 * is the reference that has it. */
const char *sc_transport_get_name(ScTransport *transport);

/* Of a source whose blobs come one after the other, once there was a manifest: where this one comes. False: they can be had in any
 * order, several at once. */
bool sc_transport_get_place(ScTransport *transport, const ScDigest *digest, guint64 *ret);

/* A small blob (the image's configuration, at most SC_CONFIG_MAX_SIZE), whole, with a zero behind it: size and digest have been
 * checked. */
bool sc_transport_get_blob(ScTransport *transport, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                           GError **error);

/* Never NULL: what goes wrong is told when the blob is read. */
ScBlob *sc_transport_open_blob(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable);
/* > 0: that many bytes at *ret_chunk, valid until the next call; 0: the end, and size and digest are right; -1: error
 * (VerifyFailed, Network, Cancelled). From one thread. The signature fits ScLayerRead of store/layer.h. */
gssize sc_blob_read(gpointer blob, const void **ret_chunk, GError **error);
/* What has come makes no sense, or its digest is wrong: *problem says so. True, and *problem is cleared: it was damaged by one of
 * those who were asked, and others may have it whole; it is read once more, from the first byte on, from them. False: nobody is
 * left, and *problem is now that the copy is damaged, if it is known to be. What has not been read yet is read for that, so it
 * takes as long as the rest of the blob. */
bool sc_blob_again(ScBlob *blob, GError **problem);
/* Ends what works for it, also in the middle of a transfer. */
void sc_blob_free(ScBlob *blob);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScBlob, sc_blob_free)
