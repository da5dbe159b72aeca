/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "store/image-list.h"

/* A commit's bytes, as an image's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *name = g_strnfill(SC_DIGEST_HEX_SIZE - 1, 'a');
        g_autoptr(GVariant)
                object = sc_commit_parse(g_memdup2(size > 0 ? data : (const uint8_t *)"", MAX(size, 1)), size, name, NULL);
        if (object == NULL)
                return 0;
        g_assert_cmpint(sc_commit_time(object), >=, 0);
        g_autoptr(ScImage) image = sc_image_of_commit(object, name, NULL);
        if (image == NULL)
                return 0;
        g_assert(image->manifest != NULL && g_utf8_validate(image->manifest, -1, NULL));
        g_assert(sc_digest_is_hex(image->id) && image->digests[0] != NULL && image->digests[1] == NULL);
        sc_image_add_name(image, "host/name:latest", image);
        g_assert(sc_image_is_revision(image, name));
        return 0;
}
