/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/manifest.h"
#include "registry/old-manifest.h"

/* What was let through can be shown and stored. */
static void store(const ScImageInfo *info)
{
        g_autoptr(JsonObject) stored = sc_image_info_to_json(info);
        g_autoptr(ScImageInfo) again = sc_image_info_from_json(stored, NULL);
        g_assert(again != NULL && sc_image_info_size(again) == sc_image_info_size(info));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        ScManifestKind kind;
        sc_manifest_kind(NULL, (const char *)data, size, "manifest", &kind, NULL);
        ScDigest digest;
        sc_digest_of(data, size, &digest);
        g_autoptr(ScImageInfo) info = sc_manifest_parse((const char *)data, size, &digest, 16, "manifest", NULL);
        if (info != NULL)
                store(info);
        g_autoptr(ScImageInfo)
                old = sc_manifest_is_old((const char *)data, size)
                              ? sc_manifest_parse_old((const char *)data, size, &digest, &digest, 16, "manifest", NULL)
                              : NULL;
        if (old != NULL)
                store(old);
        return 0;
}
