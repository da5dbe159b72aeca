/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include "base/error.h"
#include "fetch.h"

/* Bytes that wait for the reader; then the network has to wait. */
enum { QUEUE_LIMIT = 4 * 1024 * 1024 };

struct ScBlob {
        ScRegistry *registry;
        ScDigest digest;
        guint64 size;
        GThread *thread;           /* NULL: it could not be started, or has been joined */
        GCancellable *cancellable; /* ends the thread; follows the caller's */
        GCancellable *callers;     /* NULL: none */
        gulong callers_handler;
        GBytes *current; /* what the reader holds */

        GMutex lock;
        GCond changed;
        /* Under the lock: */
        GQueue chunks; /* of GBytes */
        gsize queued;  /* their bytes */
        bool closed;   /* the reader has gone */
        bool complete; /* nothing more will be queued: all is here, or the error says why not */
        GError *error;
};

static bool queue_chunk(const void *data, gsize size, gpointer user_data, GError **error)
{
        ScBlob *blob = user_data;
        GBytes *chunk = g_bytes_new(data, size);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&blob->lock);
        while (blob->queued + size > QUEUE_LIMIT && !blob->closed)
                g_cond_wait(&blob->changed, &blob->lock);
        g_queue_push_tail(&blob->chunks, chunk);
        blob->queued += size;
        g_cond_broadcast(&blob->changed);
        return !blob->closed || sc_throw(error, SC_ERROR_CANCELLED, "The download was stopped");
}

static gpointer fetch_in_thread(gpointer data)
{
        ScBlob *blob = data;
        g_autoptr(ScHttp) http = sc_http_new();
        g_autoptr(GError) problem = NULL;
        const ScBlobTarget target = {.digest = &blob->digest, .size = blob->size, .take = queue_chunk, .data = blob};
        sc_fetch_blob(blob->registry, http, &target, blob->cancellable, &problem);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&blob->lock);
        blob->complete = true;
        blob->error = g_steal_pointer(&problem);
        g_cond_broadcast(&blob->changed);
        return NULL;
}

static void close_queue(ScBlob *blob)
{
        g_cancellable_cancel(blob->cancellable);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&blob->lock);
        blob->closed = true;
        g_cond_broadcast(&blob->changed);
}

static void callers_cancelled(GCancellable *cancellable, gpointer data)
{
        close_queue(data);
}

ScBlob *sc_registry_open_blob(ScRegistry *registry, const ScDigest *digest, guint64 size, GCancellable *cancellable)
{
        ScBlob *blob = g_new0(ScBlob, 1);
        blob->registry = registry;
        blob->digest = *digest;
        blob->size = size;
        blob->cancellable = g_cancellable_new();
        g_mutex_init(&blob->lock);
        g_cond_init(&blob->changed);
        g_queue_init(&blob->chunks);
        if (cancellable != NULL) {
                blob->callers = g_object_ref(cancellable);
                blob->callers_handler = g_cancellable_connect(cancellable, G_CALLBACK(callers_cancelled), blob, NULL);
        }
        blob->thread = g_thread_try_new("blob", fetch_in_thread, blob, &blob->error);
        if (blob->thread == NULL) {
                sc_prefix(&blob->error, "Cannot start a download");
                blob->complete = true;
        }
        return blob;
}

/* The error is given again to whoever reads again. */
gssize sc_blob_read(gpointer data, const void **ret_chunk, GError **error)
{
        ScBlob *blob = data;
        g_clear_pointer(&blob->current, g_bytes_unref);
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&blob->lock);
        while (g_queue_is_empty(&blob->chunks) && !blob->complete)
                g_cond_wait(&blob->changed, &blob->lock);
        blob->current = g_queue_pop_head(&blob->chunks);
        if (blob->current == NULL) {
                if (blob->error == NULL)
                        return 0;
                g_propagate_error(error, g_error_copy(blob->error));
                return -1;
        }
        gsize size;
        *ret_chunk = g_bytes_get_data(blob->current, &size);
        blob->queued -= size;
        g_cond_broadcast(&blob->changed);
        return (gssize)size;
}

void sc_blob_free(ScBlob *blob)
{
        if (blob == NULL)
                return;
        if (blob->callers != NULL)
                g_cancellable_disconnect(blob->callers, blob->callers_handler);
        close_queue(blob);
        if (blob->thread != NULL)
                g_thread_join(blob->thread);
        g_queue_clear_full(&blob->chunks, (GDestroyNotify)g_bytes_unref);
        g_clear_pointer(&blob->current, g_bytes_unref);
        g_clear_error(&blob->error);
        g_clear_object(&blob->cancellable);
        g_clear_object(&blob->callers);
        g_cond_clear(&blob->changed);
        g_mutex_clear(&blob->lock);
        g_free(blob);
}
