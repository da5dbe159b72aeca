/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "writer.h"
#include "base/error.h"
#include <string.h>
#include <sys/stat.h>

#define BATCH_FILES 128
#define BATCH_SIZE (1u << 20)
#define MAX_UNDER_WAY (24u << 20)
/* What a file costs beside its content. */
#define FILE_SIZE 256

typedef struct {
        ScLayerFile *file;
        guint8 *data;
        gsize size;
} Job;

typedef struct {
        ScFeed *feed;
        guint n_jobs;
        gsize size;
        Job jobs[BATCH_FILES];
} Batch;

struct ScWriters {
        ScStaging *staging;
        GPtrArray *threads;

        GMutex mutex;
        GCond work; /* a batch came, or the end */
        GCond done; /* a batch is done: room for more */
        GQueue batches;
        gsize under_way;
        bool ended;
};

struct ScFeed {
        ScWriters *writers;
        Batch *batch;      /* being filled; NULL: none */
        guint outstanding; /* batches; under writers->mutex, as is error */
        GError *error;     /* the first */
        gint broken;       /* atomic: error is set, the rest need not be written */
};

void sc_layer_file_free(ScLayerFile *file)
{
        sc_object_meta_clear(&file->meta);
        g_free(file->path);
        g_free(file);
}

/* What a file takes of the memory that may be under way. */
static gsize cost(const ScLayerFile *file, gsize size)
{
        return size + FILE_SIZE + strlen(file->path) + sc_object_meta_size(&file->meta);
}

void sc_layer_file_settle(ScLayerFile *file, ScStagedObject *object)
{
        file->object = object;
        sc_object_meta_clear(&file->meta);
        g_clear_pointer(&file->path, g_free);
}

static bool write_file(ScWriters *writers, ScHasher *hasher, const Job *job, GError **error)
{
        const ScObjectMeta *meta = &job->file->meta;
        ScDigest id;
        bool mine;

        sc_object_hash_header(hasher, meta);
        sc_hasher_update(hasher, job->data, job->size);
        sc_hasher_finish(hasher, &id);
        ScStagedObject *object = sc_staging_claim(writers->staging, SC_OBJECT_FILE, &id, meta, job->size, &mine);
        if (mine && !sc_staging_write(writers->staging, object, meta, job->data, job->size, error))
                return sc_prefix(error, "Cannot store %s", job->file->path);
        sc_layer_file_settle(job->file, object);
        return true;
}

static void write_batch(ScWriters *writers, ScHasher *hasher, Batch *batch)
{
        ScFeed *feed = batch->feed;
        g_autoptr(GError) error = NULL;
        bool going = g_atomic_int_get(&feed->broken) == 0 && sc_staging_check_space(writers->staging, &error);

        for (guint i = 0; i < batch->n_jobs; i++) {
                going = going && write_file(writers, hasher, &batch->jobs[i], &error);
                g_free(batch->jobs[i].data);
        }

        g_mutex_lock(&writers->mutex);
        writers->under_way -= batch->size;
        if (error != NULL && feed->error == NULL) {
                feed->error = g_steal_pointer(&error);
                g_atomic_int_set(&feed->broken, 1);
        }
        feed->outstanding--;
        g_cond_broadcast(&writers->done);
        g_mutex_unlock(&writers->mutex);
        g_free(batch);
}

static gpointer writer_main(gpointer data)
{
        ScWriters *writers = data;
        g_autoptr(ScHasher) hasher = sc_hasher_new();

        for (;;) {
                g_mutex_lock(&writers->mutex);
                while (writers->batches.length == 0 && !writers->ended)
                        g_cond_wait(&writers->work, &writers->mutex);
                Batch *batch = g_queue_pop_head(&writers->batches);
                g_mutex_unlock(&writers->mutex);
                if (batch == NULL)
                        return NULL;
                write_batch(writers, hasher, batch);
        }
}

ScWriters *sc_writers_new(ScStaging *staging, guint threads)
{
        ScWriters *writers = g_new0(ScWriters, 1);

        writers->staging = staging;
        g_mutex_init(&writers->mutex);
        g_cond_init(&writers->work);
        g_cond_init(&writers->done);
        g_queue_init(&writers->batches);
        writers->threads = g_ptr_array_new();
        for (guint i = 0; i < threads; i++)
                g_ptr_array_add(writers->threads, g_thread_new("writer", writer_main, writers));
        return writers;
}

void sc_writers_free(ScWriters *writers)
{
        g_mutex_lock(&writers->mutex);
        writers->ended = true;
        g_cond_broadcast(&writers->work);
        g_mutex_unlock(&writers->mutex);
        for (guint i = 0; i < writers->threads->len; i++)
                g_thread_join(writers->threads->pdata[i]);
        g_ptr_array_unref(writers->threads);
        g_mutex_clear(&writers->mutex);
        g_cond_clear(&writers->work);
        g_cond_clear(&writers->done);
        g_free(writers);
}

ScFeed *sc_feed_new(ScWriters *writers)
{
        ScFeed *feed = g_new0(ScFeed, 1);

        feed->writers = writers;
        return feed;
}

static void submit(ScFeed *feed)
{
        ScWriters *writers = feed->writers;

        if (feed->batch == NULL)
                return;
        g_mutex_lock(&writers->mutex);
        feed->outstanding++;
        g_queue_push_tail(&writers->batches, g_steal_pointer(&feed->batch));
        g_cond_signal(&writers->work);
        g_mutex_unlock(&writers->mutex);
}

static void wait_outstanding(ScFeed *feed)
{
        ScWriters *writers = feed->writers;

        submit(feed);
        g_mutex_lock(&writers->mutex);
        while (feed->outstanding > 0)
                g_cond_wait(&writers->done, &writers->mutex);
        g_mutex_unlock(&writers->mutex);
}

static bool too_much(const ScWriters *writers, gsize size)
{
        return writers->under_way > 0 && writers->under_way + size > MAX_UNDER_WAY;
}

guint8 *sc_feed_allocate(ScFeed *feed, const ScLayerFile *file, gsize size)
{
        ScWriters *writers = feed->writers;
        gsize whole = cost(file, size);

        g_mutex_lock(&writers->mutex);
        if (too_much(writers, whole)) {
                g_mutex_unlock(&writers->mutex);
                /* What this layer holds back counts, too: nobody may wait for room while sitting on some. */
                submit(feed);
                g_mutex_lock(&writers->mutex);
                while (too_much(writers, whole))
                        g_cond_wait(&writers->done, &writers->mutex);
        }
        writers->under_way += whole;
        g_mutex_unlock(&writers->mutex);
        return size > 0 ? g_malloc(size) : NULL;
}

void sc_feed_discard(ScFeed *feed, const ScLayerFile *file, guint8 *data, gsize size)
{
        ScWriters *writers = feed->writers;

        g_free(data);
        g_mutex_lock(&writers->mutex);
        writers->under_way -= cost(file, size);
        g_cond_broadcast(&writers->done);
        g_mutex_unlock(&writers->mutex);
}

static bool check_broken(ScFeed *feed, GError **error)
{
        if (g_atomic_int_get(&feed->broken) == 0)
                return true;
        g_mutex_lock(&feed->writers->mutex);
        g_propagate_error(error, g_error_copy(feed->error));
        g_mutex_unlock(&feed->writers->mutex);
        return false;
}

bool sc_feed_add(ScFeed *feed, ScLayerFile *file, guint8 *data, gsize size, GError **error)
{
        if (feed->batch == NULL) {
                /* The jobs need no clearing. */
                feed->batch = g_malloc(sizeof *feed->batch);
                feed->batch->feed = feed;
                feed->batch->n_jobs = 0;
                feed->batch->size = 0;
        }
        feed->batch->jobs[feed->batch->n_jobs++] = (Job){.file = file, .data = data, .size = size};
        feed->batch->size += cost(file, size);
        if (feed->batch->n_jobs == BATCH_FILES || feed->batch->size >= BATCH_SIZE)
                submit(feed);
        return check_broken(feed, error);
}

bool sc_feed_finish(ScFeed *feed, GError **error)
{
        wait_outstanding(feed);
        return check_broken(feed, error);
}

void sc_feed_free(ScFeed *feed)
{
        wait_outstanding(feed);
        g_clear_error(&feed->error);
        g_free(feed);
}
