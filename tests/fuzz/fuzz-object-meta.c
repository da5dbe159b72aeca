/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The extended attribute user.ostreemeta of an object. */

#include "fuzz.h"

#include "base/error.h"
#include "store/written-meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_auto(ScObjectMeta) meta = {0};
        g_autoptr(GError) error = NULL;
        bool valid = sc_written_meta_parse(data, size, &meta, &error);
        g_assert(valid == (error == NULL));
        if (!valid)
                return 0;
        g_assert((S_ISREG(meta.mode) || S_ISLNK(meta.mode)) && meta.target == NULL);
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        sc_object_hash_header(hasher, &meta);
        return 0;
}
