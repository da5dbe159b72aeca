/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        ScManifestKind kind;
        sc_manifest_kind(NULL, (const char *)data, size, "manifest", &kind, NULL);
        ScDigest digest;
        sc_digest_of(data, size, &digest);
        g_autoptr(ScImageInfo) info = sc_manifest_parse((const char *)data, size, &digest, 16, "manifest", NULL);
        /* What was let through can be shown and stored. */
        if (info != NULL) {
                g_autoptr(JsonObject) stored = sc_image_info_to_json(info);
                g_autoptr(ScImageInfo) again = sc_image_info_from_json(stored, NULL);
                g_assert(again != NULL && sc_image_info_size(again) == sc_image_info_size(info));
        }
        return 0;
}
