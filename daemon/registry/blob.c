/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch.h"

#include "base/error.h"

/* Bytes that wait for the reader; then the network has to wait. */
enum { QUEUE_LIMIT = 1024 * 1024 };
/* So much is read on to tell a damaged copy from an image that is bad, where nobody else could be asked for it anyway. */
enum { CHEAP_REST = 16 * 1024 * 1024 };

typedef struct {
        ScBlob blob;
        ScRegistry *registry;
        ScDigest digest;
        guint64 size;
        GThread *thread;           /* NULL: it could not be started, or has been joined */
        GCancellable *cancellable; /* ends the thread; follows the caller's */
        GCancellable *callers;     /* NULL: none */
        gulong callers_handler;
        GBytes *current;   /* what the reader holds */
        guint64 taken;     /* bytes that the reader had */
        ScBlobTries tries; /* the thread's, while there is one */

        GMutex lock;
        GCond changed;
        /* Under the lock: */
        GQueue chunks; /* of GBytes */
        gsize queued;  /* their bytes */
        bool closed;   /* the reader has gone */
        bool complete; /* nothing more will be queued: all is here, or the error says why not */
        GError *error;
} Download;

static bool queue_chunk(const void *data, gsize size, gpointer user_data, GError **error)
{
        Download *download = user_data;
        GBytes *chunk = g_bytes_new(data, size);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&download->lock);
        while (download->queued + size > QUEUE_LIMIT && !download->closed)
                g_cond_wait(&download->changed, &download->lock);
        g_queue_push_tail(&download->chunks, chunk);
        download->queued += size;
        g_cond_broadcast(&download->changed);
        return !download->closed || sc_throw(error, SC_ERROR_CANCELLED, "The download was stopped");
}

static gpointer fetch_in_thread(gpointer data)
{
        Download *download = data;
        g_autoptr(ScHttp) http = sc_http_new();
        g_autoptr(GError) problem = NULL;
        const ScBlobTarget target = {.digest = &download->digest, .size = download->size, .take = queue_chunk, .data = download};
        sc_fetch_blob(download->registry, http, &target, &download->tries, download->cancellable, &problem);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&download->lock);
        download->complete = true;
        download->error = g_steal_pointer(&problem);
        g_cond_broadcast(&download->changed);
        return NULL;
}

static void close_queue(Download *download)
{
        g_cancellable_cancel(download->cancellable);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&download->lock);
        download->closed = true;
        g_cond_broadcast(&download->changed);
}

static void callers_cancelled(GCancellable *cancellable, gpointer data)
{
        close_queue(data);
}

/* The error is given again to whoever reads again. */
static gssize download_read(ScBlob *base, const void **ret_chunk, GError **error)
{
        Download *download = (Download *)base;
        g_clear_pointer(&download->current, g_bytes_unref);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&download->lock);
        while (g_queue_is_empty(&download->chunks) && !download->complete)
                g_cond_wait(&download->changed, &download->lock);
        download->current = g_queue_pop_head(&download->chunks);
        if (download->current == NULL) {
                if (download->error == NULL)
                        return 0;
                g_propagate_error(error, g_error_copy(download->error));
                return -1;
        }
        gsize size;
        *ret_chunk = g_bytes_get_data(download->current, &size);
        download->queued -= size;
        download->taken += size;
        g_cond_broadcast(&download->changed);
        return (gssize)size;
}

static void start(Download *download)
{
        download->thread = g_thread_try_new("blob", fetch_in_thread, download, &download->error);
        if (download->thread == NULL) {
                sc_prefix(&download->error, "Cannot start a download");
                download->complete = true;
        }
}

/* Whether the copy was damaged is known when all of it has come. */
static void read_to_end(Download *download)
{
        const void *chunk;
        while (download_read(&download->blob, &chunk, NULL) > 0)
                continue;
        g_clear_pointer(&download->thread, g_thread_join);
}

static void begin_anew(Download *download)
{
        /* Who has cancelled meanwhile has also cancelled what the next try looks at. */
        g_clear_error(&download->error);
        download->complete = false;
        download->taken = 0;
        start(download);
}

static bool download_again(ScBlob *base, GError **problem)
{
        Download *download = (Download *)base;
        bool mirrored = g_atomic_int_get(&download->tries.mirrored) != 0;
        if (!mirrored && download->size - download->taken > CHEAP_REST)
                return false;
        read_to_end(download);
        if (download->tries.again) {
                g_clear_error(problem);
                begin_anew(download);
                return true;
        }
        if (g_error_matches(download->error, SC_ERROR, SC_ERROR_VERIFY_FAILED)) {
                g_clear_error(problem);
                g_propagate_error(problem, g_error_copy(download->error));
        }
        return false;
}

static void download_free(ScBlob *base)
{
        Download *download = (Download *)base;
        if (download->callers != NULL)
                g_cancellable_disconnect(download->callers, download->callers_handler);
        close_queue(download);
        if (download->thread != NULL)
                g_thread_join(download->thread);
        g_queue_clear_full(&download->chunks, (GDestroyNotify)g_bytes_unref);
        g_clear_pointer(&download->current, g_bytes_unref);
        g_clear_error(&download->error);
        sc_blob_tries_clear(&download->tries);
        g_clear_object(&download->cancellable);
        g_clear_object(&download->callers);
        g_cond_clear(&download->changed);
        g_mutex_clear(&download->lock);
        g_free(download);
}

ScBlob *sc_registry_open_blob(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable)
{
        Download *download = g_new0(Download, 1);
        download->blob = (ScBlob){download_read, download_free, download_again};
        download->registry = (ScRegistry *)transport;
        download->digest = *digest;
        download->size = size;
        download->cancellable = g_cancellable_new();
        g_mutex_init(&download->lock);
        g_cond_init(&download->changed);
        g_queue_init(&download->chunks);
        if (cancellable != NULL) {
                download->callers = g_object_ref(cancellable);
                download->callers_handler = g_cancellable_connect(cancellable, G_CALLBACK(callers_cancelled), download, NULL);
        }
        start(download);
        return &download->blob;
}
