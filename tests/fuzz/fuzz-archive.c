/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/path.h"
#include "registry/manifest.h"
#include "registry/transport.h"
#include "tar.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void read_layers(ScTransport *transport, const ScManifestText *manifest, const ScDigest *digest)
{
        g_autoptr(ScImageInfo) info = sc_manifest_parse(manifest->text, manifest->size, digest, 8, "it", NULL);
        for (guint i = 0; info != NULL && i < info->layers->len; i++) {
                const ScLayerInfo *layer = info->layers->pdata[i];
                g_autoptr(ScBlob) blob = sc_transport_open_blob(transport, &layer->digest, layer->size, NULL);
                const void *chunk;
                while (sc_blob_read(blob, &chunk, NULL) > 0)
                        ;
        }
}

/* The file as each kind of archive; what comes out of one has the digest that it says. */
static void pull(const char *text, int fd, const ScConfig *config)
{
        g_autoptr(ScReference) reference = sc_reference_parse_to_pull(text, NULL);
        const ScTransportRequest request = {.reference = reference, .config = config, .file = dup(fd)};
        g_autoptr(ScTransport) transport = sc_transport_new(&request, NULL);
        g_auto(ScManifestText) manifest = {0};
        if (!sc_transport_get_manifest(transport, NULL, 0, &manifest, NULL, NULL))
                return;
        ScDigest digest;
        sc_digest_of(manifest.text, manifest.size, &digest);
        g_assert(sc_digest_equal(&digest, &manifest.digest));
        read_layers(transport, &manifest, &digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const ScConfig config = {.max_layers = 8};
        sc_autofd fd = memfd_create("archive", MFD_CLOEXEC);
        g_autofree uint8_t *mended = g_memdup2(data, size);
        fuzz_mend_checksums(mended, size);
        g_assert(fd >= 0 && sc_write_all(fd, mended, size, NULL));
        pull("docker-archive:", fd, &config);
        pull("docker-archive:a:1", fd, &config);
        pull("oci-archive:", fd, &config);
        return 0;
}
