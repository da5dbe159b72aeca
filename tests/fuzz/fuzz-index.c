/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        ScDigest digest;
        guint64 manifest_size;
        if (sc_index_choose((const char *)data, size, "index", &digest, &manifest_size, NULL))
                g_assert(manifest_size <= SC_MANIFEST_MAX_SIZE);
        return 0;
}
