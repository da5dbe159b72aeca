/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an engine sends for an image: an archive that can only be read from its start, and is read twice. The second time it may be
 * another one: the input is two archives, as long as the first bytes say. */

#include "fuzz.h"

#include "registry/manifest.h"
#include "registry/streamed-archive.h"
#include "tar.h"

typedef struct {
        ScStream stream;
        const uint8_t *data;
        size_t size;
} Stream;

typedef struct {
        ScStreamSource source;
        const uint8_t *data[2];
        size_t size[2];
        guint opened;
} Source;

static gssize read_stream(ScStream *base, void *buffer, gsize size, GCancellable *cancellable, GError **error)
{
        Stream *stream = (Stream *)base;
        size_t n = MIN(size, MIN(stream->size, 1000));
        memcpy(buffer, stream->data, n);
        stream->data += n;
        stream->size -= n;
        return (gssize)n;
}

static void free_stream(ScStream *stream)
{
        g_free(stream);
}

static ScStream *open_stream(ScStreamSource *base, GCancellable *cancellable, GError **error)
{
        Source *source = (Source *)base;
        Stream *stream = g_new0(Stream, 1);
        guint which = MIN(source->opened, 1);
        *stream = (Stream){{read_stream, free_stream}, source->data[which], source->size[which]};
        source->opened++;
        return &stream->stream;
}

static void free_source(ScStreamSource *source)
{
        g_free(source);
}

static void pull(ScTransport *transport)
{
        g_auto(ScManifestText) manifest = {0};
        if (!sc_transport_get_manifest(transport, NULL, 0, &manifest, NULL, NULL))
                return;
        ScDigest digest;
        sc_digest_of(manifest.text, manifest.size, &digest);
        g_autoptr(ScImageInfo) info = sc_manifest_parse(manifest.text, manifest.size, &digest, 8, "it", NULL);
        for (guint i = 0; info != NULL && i < info->layers->len; i++) {
                const ScLayerInfo *layer = info->layers->pdata[i];
                g_autoptr(ScBlob) blob = sc_transport_open_blob(transport, &layer->digest, layer->size, NULL);
                const void *chunk;
                while (sc_blob_read(blob, &chunk, NULL) > 0)
                        ;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size <= 2)
                return 0;
        const ScConfig config = {.max_layers = 8};
        g_autofree uint8_t *mended = g_memdup2(data + 2, size - 2);
        size_t first = MIN(size - 2, (size_t)(data[0] | data[1] << 8));
        first = first == 0 ? size - 2 : first;
        fuzz_mend_checksums(mended, first);
        fuzz_mend_checksums(mended + first, size - 2 - first);
        bool one = first == size - 2;
        Source *source = g_new0(Source, 1);
        *source = (Source){
                {open_stream, free_source}, {mended, one ? mended : mended + first}, {first, one ? first : size - 2 - first}, 0};
        g_autoptr(ScReference) reference = sc_reference_parse_to_pull("docker:localhost/x:1", NULL);
        const ScTransportRequest request = {.reference = reference, .config = &config, .file = -1};
        g_autoptr(ScTransport) transport = sc_streamed_archive_new(&request, &source->source);
        pull(transport);
        return 0;
}
