/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every object of an image hashed again: the commits of the image, its configuration and its layers, the trees, and each file,
 * with owner, mode and extended attributes. Damage is named by where it lies in which layer. */

#include "base/report.h"
#include "image.h"

typedef struct {
        char *layer; /* "sha256:HEX", "configuration" or "manifest" */
        char *path;  /* in the layer, "" for the layer as a whole */
        const char *what;
} ScFinding;

/* More are counted, but not described. */
#define SC_VERDICT_MAX_FINDINGS 1000

typedef struct {
        guint64 files, bytes; /* that were hashed, each once */
        guint64 n_findings;
        GPtrArray *findings; /* ScFinding */
        GPtrArray *layers;   /* damaged ones: ScLayerInfo of the image, each once */
        bool manifest;       /* the image's own commit is damaged */
        bool config;         /* its configuration is */
        GHashTable *objects; /* the damaged objects' paths in objects/ (a set); those that are missing are not among them */
} ScVerdict;

/* The image must be described (info), and outlive the verdict; the repository's lock is held. Two threads hash; progress counts
 * bytes. An error is not damage: cancelled, or no memory of what the disk says. */
ScVerdict *sc_verify_image(ScRepository *repository, const ScImage *image, ScReport *report, GCancellable *cancellable,
                           GError **error);
void sc_verdict_free(ScVerdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScVerdict, sc_verdict_free)
