/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Threads that hash files and write them as objects. They are fed in batches: to wake a thread for each small file costs more than
 * to write it. What waits in memory is bounded over all layers. */

#include "staging.h"

/* A file of a layer: made by the thread that reads the tar, given its object by a writer, which then lets go of the rest: a layer
 * may have millions of them. */
typedef struct {
        char *path; /* for messages */
        ScObjectMeta meta;
        ScStagedObject *object; /* NULL until it is written */
} ScLayerFile;
void sc_layer_file_free(ScLayerFile *file);
void sc_layer_file_settle(ScLayerFile *file, ScStagedObject *object);

typedef struct ScWriters ScWriters;
ScWriters *sc_writers_new(ScStaging *staging, guint threads);
/* Nothing may be under way. */
void sc_writers_free(ScWriters *writers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScWriters, sc_writers_free)

/* One layer's way to the writers; for one thread. */
typedef struct ScFeed ScFeed;
ScFeed *sc_feed_new(ScWriters *writers);
/* Waits until what was handed over is done. */
void sc_feed_free(ScFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScFeed, sc_feed_free)

/* Memory for a file's content, at most SC_FEED_MAX_SIZE, until the next call; waits while too much is under way. NULL for 0. */
#define SC_FEED_MAX_SIZE SC_STAGING_LARGE
guint8 *sc_feed_allocate(ScFeed *feed, gsize size);
/* Takes that memory back unused. */
void sc_feed_discard(ScFeed *feed, guint8 *data, gsize size);

/* Hands a file over, with data from sc_feed_allocate(). `file` must live until sc_feed_finish() or
 * sc_feed_free(). Fails with what went wrong with an earlier file. */
bool sc_feed_add(ScFeed *feed, ScLayerFile *file, guint8 *data, gsize size, GError **error);
/* Waits until all files are written. */
bool sc_feed_finish(ScFeed *feed, GError **error);
