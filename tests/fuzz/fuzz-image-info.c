/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a commit says of its image (sysconsd.image). Read, it is written as it was read. */

#include "fuzz.h"

#include "base/image-info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(JsonObject) object = sc_json_parse_object((const char *)data, (gssize)size, 1 << 20, "image information", NULL);
        g_autoptr(ScImageInfo) info = object != NULL ? sc_image_info_from_json(object, NULL) : NULL;
        if (info == NULL)
                return 0;
        sc_image_info_size(info);
        sc_image_info_virtual_size(info);
        g_autoptr(JsonObject) written = sc_image_info_to_json(info);
        g_autoptr(ScImageInfo) again = sc_image_info_from_json(written, NULL);
        g_assert(again != NULL);
        g_autoptr(JsonObject) same = sc_image_info_to_json(again);
        g_autofree char *text = sc_json_to_string(written, false);
        g_autofree char *same_text = sc_json_to_string(same, false);
        g_assert_cmpstr(text, ==, same_text);
        return 0;
}
