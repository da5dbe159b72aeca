/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "streamed-archive.h"

#include "base/error.h"
#include "docker-archive.h"
#include "skeleton.h"
#include <string.h>

enum { CHUNK = 256 * 1024 };

/* A stream, and how far it is. */
typedef struct {
        ScStream *stream;
        guint64 at;
} Flow;

typedef struct {
        ScTransport transport;
        ScTransportRequest request;
        ScStreamSource *source;
        GMutex lock;
        ScSkeleton *skeleton; /* NULL: not read yet */
        ScTransport *archive; /* of the skeleton */
        Flow *idle;           /* behind the last layer that was read; NULL: none */
} Streamed;

static void flow_free(Flow *flow)
{
        if (flow == NULL)
                return;
        flow->stream->free(flow->stream);
        g_free(flow);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Flow, flow_free)

/* ---- the first time ---- */

static void forget(Streamed *streamed)
{
        g_clear_pointer(&streamed->archive, sc_transport_free);
        g_clear_pointer(&streamed->skeleton, sc_skeleton_free);
}

static bool read_skeleton(Streamed *streamed, GCancellable *cancellable, GError **error)
{
        ScStream *stream = streamed->source->open(streamed->source, cancellable, error);
        streamed->skeleton = stream != NULL ? sc_skeleton_new(stream, cancellable, error) : NULL;
        if (streamed->skeleton == NULL)
                return false;
        const ScTarFeed feed = sc_skeleton_feed(streamed->skeleton);
        streamed->archive = sc_docker_archive_new_fed(&streamed->request, sc_skeleton_fd(streamed->skeleton), &feed);
        g_auto(ScManifestText) manifest = {0};
        g_autoptr(GError) own_error = NULL;
        if (sc_transport_get_manifest(streamed->archive, NULL, 0, &manifest, cancellable, &own_error)) {
                sc_skeleton_stop(streamed->skeleton);
                return true;
        }
        if (sc_skeleton_ends_well(streamed->skeleton, error))
                g_propagate_error(error, g_steal_pointer(&own_error));
        return false;
}

static bool ensure_read(Streamed *streamed, GCancellable *cancellable, GError **error)
{
        g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&streamed->lock);
        if (streamed->archive != NULL)
                return true;
        bool is_read = read_skeleton(streamed, cancellable, error);
        if (!is_read)
                forget(streamed);
        return is_read;
}

static bool get_manifest(ScTransport *transport, const ScDigest *digest, guint64 expected_size, ScManifestText *ret,
                         GCancellable *cancellable, GError **error)
{
        Streamed *streamed = (Streamed *)transport;
        return ensure_read(streamed, cancellable, error) &&
               sc_transport_get_manifest(streamed->archive, digest, expected_size, ret, cancellable, error);
}

static bool get_blob(ScTransport *transport, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                     GError **error)
{
        Streamed *streamed = (Streamed *)transport;
        return ensure_read(streamed, cancellable, error) &&
               sc_transport_get_blob(streamed->archive, digest, size, ret_data, cancellable, error);
}

/* ---- a layer ---- */

typedef struct {
        ScBlob blob;
        Streamed *streamed;
        ScExtent extent;
        ScDigest digest;
        GCancellable *cancellable; /* NULL: none */
        Flow *flow;                /* NULL: not begun, or ended */
        ScHasher *hasher;
        guint64 done;
        bool is_whole;
        GError *error; /* given again to whoever reads again */
        guint8 buffer[CHUNK];
} Layer;

static gssize flow_read(Flow *flow, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
        gssize n = flow->stream->read(flow->stream, buffer, size, cancellable, error);
        if (n == 0) {
                sc_throw(error, SC_ERROR_CORRUPT, "The archive ends after %" G_GUINT64_FORMAT " bytes, and was longer before",
                         flow->at);
                return -1;
        }
        flow->at += n > 0 ? (guint64)n : 0;
        return n;
}

/* One that is before the layer still, or a new one. */
static Flow *take_flow(Layer *layer, GError **error)
{
        Streamed *streamed = layer->streamed;
        g_mutex_lock(&streamed->lock);
        Flow *flow = streamed->idle != NULL && streamed->idle->at <= layer->extent.offset ? g_steal_pointer(&streamed->idle) : NULL;
        g_mutex_unlock(&streamed->lock);
        if (flow != NULL)
                return flow;
        ScStream *stream = streamed->source->open(streamed->source, layer->cancellable, error);
        if (stream == NULL)
                return NULL;
        flow = g_new0(Flow, 1);
        flow->stream = stream;
        return flow;
}

static void give_back(Layer *layer)
{
        Streamed *streamed = layer->streamed;
        g_mutex_lock(&streamed->lock);
        g_autoptr(Flow) old G_GNUC_UNUSED = streamed->idle;
        streamed->idle = g_steal_pointer(&layer->flow);
        g_mutex_unlock(&streamed->lock);
}

static bool begin(Layer *layer, GError **error)
{
        layer->flow = take_flow(layer, error);
        while (layer->flow != NULL && layer->flow->at < layer->extent.offset) {
                gsize size = (gsize)MIN(layer->extent.offset - layer->flow->at, CHUNK);
                if (flow_read(layer->flow, layer->buffer, size, layer->cancellable, error) < 0)
                        return false;
        }
        return layer->flow != NULL;
}

static bool finish(Layer *layer, GError **error)
{
        ScDigest computed;
        layer->is_whole = true;
        give_back(layer);
        sc_hasher_finish(layer->hasher, &computed);
        if (sc_digest_equal(&computed, &layer->digest))
                return true;
        g_autofree char *is = sc_digest_to_string(&computed);
        return sc_throw(error, SC_ERROR_VERIFY_FAILED, "The layer has the digest %s: the archive was another one the second time",
                        is);
}

static gssize read_more(Layer *layer, GError **error)
{
        if (layer->flow == NULL && !begin(layer, error))
                return -1;
        gsize size = (gsize)MIN(layer->extent.size - layer->done, CHUNK);
        if (size == 0)
                return finish(layer, error) ? 0 : -1;
        gssize n = flow_read(layer->flow, layer->buffer, size, layer->cancellable, error);
        if (n > 0) {
                sc_hasher_update(layer->hasher, layer->buffer, (gsize)n);
                layer->done += (guint64)n;
                sc_report_advance(layer->streamed->request.report, (guint64)n);
        }
        return n;
}

static gssize layer_read(ScBlob *blob, const void **ret_chunk, GError **error)
{
        Layer *layer = (Layer *)blob;
        gssize n = layer->error == NULL && !layer->is_whole ? read_more(layer, &layer->error) : 0;
        if (layer->error != NULL) {
                g_propagate_error(error, g_error_copy(layer->error));
                return -1;
        }
        *ret_chunk = layer->buffer;
        return n;
}

static void layer_free(ScBlob *blob)
{
        Layer *layer = (Layer *)blob;
        flow_free(layer->flow);
        sc_hasher_free(layer->hasher);
        g_clear_object(&layer->cancellable);
        g_clear_error(&layer->error);
        g_free(layer);
}

static ScBlob *open_blob(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable)
{
        Streamed *streamed = (Streamed *)transport;
        GError *error = NULL;
        ScExtent extent;
        if (!ensure_read(streamed, cancellable, &error))
                return sc_extent_open_error(error);
        if (!sc_docker_archive_find(streamed->archive, digest, &extent) || extent.size != size ||
            sc_skeleton_has(streamed->skeleton, &extent))
                return sc_transport_open_blob(streamed->archive, digest, size, cancellable);
        Layer *layer = g_new0(Layer, 1);
        layer->blob = (ScBlob){layer_read, layer_free, NULL};
        layer->streamed = streamed;
        layer->extent = extent;
        layer->digest = *digest;
        layer->cancellable = cancellable != NULL ? g_object_ref(cancellable) : NULL;
        layer->hasher = sc_hasher_new();
        return &layer->blob;
}

/* ---- the transport ---- */

static guint64 place(ScTransport *transport, const ScDigest *digest)
{
        Streamed *streamed = (Streamed *)transport;
        ScExtent extent;
        return streamed->archive != NULL && sc_docker_archive_find(streamed->archive, digest, &extent) ? extent.offset : 0;
}

static void streamed_free(ScTransport *transport)
{
        Streamed *streamed = (Streamed *)transport;
        flow_free(streamed->idle);
        forget(streamed);
        streamed->source->free(streamed->source);
        g_mutex_clear(&streamed->lock);
        g_free(streamed);
}

ScTransport *sc_streamed_archive_new(const ScTransportRequest *request, ScStreamSource *source)
{
        static const ScTransportKind kind = {
                .get_manifest = get_manifest, .get_blob = get_blob, .open_blob = open_blob, .free = streamed_free, .place = place};
        Streamed *streamed = g_new0(Streamed, 1);
        streamed->transport.kind = &kind;
        streamed->request = *request;
        streamed->source = source;
        g_mutex_init(&streamed->lock);
        return &streamed->transport;
}
