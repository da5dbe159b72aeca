/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The transport that client.h makes. */

#include "location.h"
#include "throttle.h"
#include "transport.h"

typedef struct {
        ScTransport transport;
        const ScConfig *config;
        ScReport *report;
        char *image;          /* the canonical name, for messages */
        char *version;        /* tag or digest */
        GPtrArray *locations; /* of ScLocation: mirrors in their order, then ... */
        ScLocation *primary;  /* ... the registry itself */
        ScThrottle *throttle;
        /* The thread that made the client keeps its connections from call to call. */
        GThread *owner;
        ScHttp *http;
} ScRegistry;

/* ScTransportKind.open_blob (blob.c). */
ScBlob *sc_registry_open_blob(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable);
