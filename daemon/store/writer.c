/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "writer.h"
#include "base/error.h"
#include <string.h>
#include <sys/stat.h>

#define BATCH_FILES 128
#define BATCH_SIZE (512u * 1024)
/* What waits to be written: so many batches, and one for each feed to be filled; and beside them the larger files. */
#define MAX_BATCHES 16
#define MAX_LARGE (16u << 20)
/* What a file costs beside its content and what is said about it. */
#define FILE_SIZE 256

typedef struct {
        ScLayerFile *file;
        guint8 *data;
        gsize size;
        bool large; /* data are an allocation of their own */
} Job;

typedef struct {
        ScFeed *feed;
        guint n_jobs;
        gsize cost; /* beside the contents */
        gsize used; /* of the contents */
        Job jobs[BATCH_FILES];
        /* Contents of files lie one behind the other, in memory that is used again and again: an allocation for each, freed by
         * another thread, costs as much as hashing it. */
        guint8 contents[BATCH_SIZE];
} Batch;

struct ScWriters {
        ScStaging *staging;
        GPtrArray *threads;

        GMutex mutex;
        GCond work; /* a batch came, or the end */
        GCond done; /* a batch is done: room for more */
        GQueue batches;
        GQueue idle; /* Batch */
        guint n_batches, max_batches;
        gsize large; /* bytes under way */
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
        gsize large = 0;

        for (guint i = 0; i < batch->n_jobs; i++) {
                const Job *job = &batch->jobs[i];
                going = going && write_file(writers, hasher, job, &error);
                if (job->large) {
                        g_free(job->data);
                        large += job->size;
                }
        }

        g_mutex_lock(&writers->mutex);
        writers->large -= large;
        g_queue_push_head(&writers->idle, batch);
        if (error != NULL && feed->error == NULL) {
                feed->error = g_steal_pointer(&error);
                g_atomic_int_set(&feed->broken, 1);
        }
        feed->outstanding--;
        g_cond_broadcast(&writers->done);
        g_mutex_unlock(&writers->mutex);
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
        g_queue_init(&writers->idle);
        writers->max_batches = MAX_BATCHES;
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
        g_queue_clear_full(&writers->idle, g_free);
        g_mutex_clear(&writers->mutex);
        g_cond_clear(&writers->work);
        g_cond_clear(&writers->done);
        g_free(writers);
}

ScFeed *sc_feed_new(ScWriters *writers)
{
        ScFeed *feed = g_new0(ScFeed, 1);

        feed->writers = writers;
        g_mutex_lock(&writers->mutex);
        writers->max_batches++;
        g_mutex_unlock(&writers->mutex);
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

static Batch *take_batch(ScFeed *feed)
{
        ScWriters *writers = feed->writers;

        g_mutex_lock(&writers->mutex);
        while (writers->idle.length == 0 && writers->n_batches >= writers->max_batches)
                g_cond_wait(&writers->done, &writers->mutex);
        Batch *batch = g_queue_pop_head(&writers->idle);
        writers->n_batches += batch == NULL;
        g_mutex_unlock(&writers->mutex);
        if (batch == NULL)
                batch = g_malloc(sizeof *batch);
        batch->feed = feed;
        batch->n_jobs = 0;
        batch->cost = batch->used = 0;
        return batch;
}

static guint8 *allocate_large(ScFeed *feed, gsize size)
{
        ScWriters *writers = feed->writers;

        g_mutex_lock(&writers->mutex);
        while (writers->large > 0 && writers->large + size > MAX_LARGE)
                g_cond_wait(&writers->done, &writers->mutex);
        writers->large += size;
        g_mutex_unlock(&writers->mutex);
        return g_malloc(size);
}

static bool is_large(gsize size)
{
        return size > BATCH_SIZE / 2;
}

guint8 *sc_feed_allocate(ScFeed *feed, gsize size)
{
        if (size == 0)
                return NULL;
        if (is_large(size))
                return allocate_large(feed, size);
        if (feed->batch != NULL && feed->batch->used + size > BATCH_SIZE)
                submit(feed);
        if (feed->batch == NULL)
                feed->batch = take_batch(feed);
        return feed->batch->contents + feed->batch->used;
}

void sc_feed_discard(ScFeed *feed, guint8 *data, gsize size)
{
        ScWriters *writers = feed->writers;

        if (!is_large(size))
                return;
        g_free(data);
        g_mutex_lock(&writers->mutex);
        writers->large -= size;
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
        if (feed->batch == NULL)
                feed->batch = take_batch(feed);
        Batch *batch = feed->batch;
        const Job job = {.file = file, .data = data, .size = size, .large = is_large(size)};
        batch->jobs[batch->n_jobs++] = job;
        batch->cost += FILE_SIZE + strlen(file->path) + sc_object_meta_size(&file->meta);
        if (!job.large)
                batch->used += size;
        /* Somebody may be waiting for the room that a large one has. */
        if (job.large || batch->n_jobs == BATCH_FILES || batch->used + batch->cost >= BATCH_SIZE)
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
        g_mutex_lock(&feed->writers->mutex);
        feed->writers->max_batches--;
        g_mutex_unlock(&feed->writers->mutex);
        g_clear_error(&feed->error);
        g_free(feed);
}
