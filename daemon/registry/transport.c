/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transport.h"

#include "client.h"
#include "docker-archive.h"
#include "engine.h"
#include "oci-layout.h"
#include "streamed-archive.h"

ScTransport *sc_transport_new(const ScTransportRequest *request, GError **error)
{
        switch (request->reference->source) {
        case SC_SOURCE_REGISTRY:
        case SC_SOURCE_REGISTRY_INSECURE:
                return sc_registry_new(request, error);
        case SC_SOURCE_ENGINE:
                return sc_engine_new(request);
        case SC_SOURCE_STORAGE:
        case SC_SOURCE_OSTREE:
                return sc_streamed_archive_new(request, request->stream);
        case SC_SOURCE_DOCKER_ARCHIVE:
                return sc_docker_archive_new(request, error);
        case SC_SOURCE_OCI_ARCHIVE:
        case SC_SOURCE_OCI_LAYOUT:
                return sc_oci_layout_new(request, error);
        }
        g_assert_not_reached();
}

void sc_transport_free(ScTransport *transport)
{
        if (transport != NULL)
                transport->kind->free(transport);
}

void sc_manifest_text_clear(ScManifestText *manifest)
{
        g_clear_pointer(&manifest->text, g_free);
        g_clear_pointer(&manifest->content_type, g_free);
        manifest->size = 0;
}

bool sc_transport_get_manifest(ScTransport *transport, const ScDigest *digest, guint64 expected_size, ScManifestText *ret,
                               GCancellable *cancellable, GError **error)
{
        return transport->kind->get_manifest(transport, digest, expected_size, ret, cancellable, error);
}

const char *sc_transport_get_name(ScTransport *transport)
{
        return transport->kind->get_name != NULL ? transport->kind->get_name(transport) : NULL;
}

bool sc_transport_get_place(ScTransport *transport, const ScDigest *digest, guint64 *ret)
{
        if (transport->kind->place == NULL)
                return false;
        *ret = transport->kind->place(transport, digest);
        return true;
}

bool sc_transport_get_blob(ScTransport *transport, const ScDigest *digest, guint64 size, char **ret_data, GCancellable *cancellable,
                           GError **error)
{
        return transport->kind->get_blob(transport, digest, size, ret_data, cancellable, error);
}

ScBlob *sc_transport_open_blob(ScTransport *transport, const ScDigest *digest, guint64 size, GCancellable *cancellable)
{
        return transport->kind->open_blob(transport, digest, size, cancellable);
}

gssize sc_blob_read(gpointer data, const void **ret_chunk, GError **error)
{
        ScBlob *blob = data;
        return blob->read(blob, ret_chunk, error);
}

bool sc_blob_again(ScBlob *blob, GError **problem)
{
        return blob->again != NULL && blob->again(blob, problem);
}

void sc_blob_free(ScBlob *blob)
{
        if (blob != NULL)
                blob->free(blob);
}
