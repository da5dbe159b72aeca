/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a user writes to mean an image, and one that is here: a name, a digest, an id, parted by zero bytes. */

#include "fuzz.h"

#include "base/image-name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_auto(GStrv) texts = fuzz_texts(data, size, 4);
        const char *name = texts[0] != NULL && texts[1] != NULL ? texts[1] : "localhost:5000/hello:1";
        const char *digest = texts[1] != NULL && texts[2] != NULL ? texts[2] : "sha256:00";
        sc_image_is_meant(texts[0], name, digest, "00");
        g_autofree char *repository = sc_image_repository(name);
        g_assert(g_str_has_prefix(name, repository));
        return 0;
}
