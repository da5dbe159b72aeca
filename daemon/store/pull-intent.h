/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a pull is about to import, written down before it does: REPO/extensions/sysconsd/pull/HASH.json, HASH being the sha256 of
 * the image's name. The layers of an interrupted pull have refs, but no image that holds them; by this record prune knows that the
 * next pull of that name will want them. It goes when the image is published, is written over by the next pull of the name,
 * and is out of date after a week: by then nobody is going to try again. */

#include "base/image-info.h"
#include "repository.h"

#define SC_PULL_INTENT_SECONDS (7 * 24 * 3600)

typedef struct {
        char *name;  /* of the image, canonical */
        gint64 time; /* when the pull began, seconds since the epoch */
        char **refs; /* of the layers, with SC_REF_PREFIX */
} ScPullIntent;

void sc_pull_intent_free(ScPullIntent *intent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScPullIntent, sc_pull_intent_free)

/* Durable when they return. The caller holds sc_repository_lock(), shared or not. */
bool sc_pull_intent_write(ScRepository *repository, const char *name, GPtrArray *layers /* ScLayerInfo */, GError **error);
bool sc_pull_intent_remove(ScRepository *repository, const char *name, GError **error);

/* Corrupt for what sc_pull_intent_write() would not have written. */
ScPullIntent *sc_pull_intent_parse(const char *text, gsize size, const char *what, GError **error);

/* For prune, which holds the lock alone: adds the refs that pulls want to a set of owned strings, and removes the records that are
 * out of date or cannot be read. now: seconds since the epoch. */
bool sc_pull_intents_hold(ScRepository *repository, gint64 now, GHashTable *refs, GError **error);
