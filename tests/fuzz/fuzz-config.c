/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/manifest.h"

/* The configuration of an image with two layers, the same one twice. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(ScImageInfo) info = sc_image_info_new();
        for (guint i = 0; i < 2; i++) {
                ScLayerInfo *layer = sc_layer_info_new();
                layer->media_type = g_strdup("application/vnd.oci.image.layer.v1.tar");
                g_ptr_array_add(info->layers, layer);
        }
        if (sc_manifest_add_config(info, (const char *)data, size, "configuration", NULL)) {
                const ScLayerInfo *first = g_ptr_array_index(info->layers, 0), *second = g_ptr_array_index(info->layers, 1);
                g_assert(sc_digest_equal(&first->diff_id, &second->diff_id));
                g_autoptr(JsonObject) stored = sc_image_info_to_json(info);
                g_autoptr(ScImageInfo) again = sc_image_info_from_json(stored, NULL);
                g_assert(again != NULL);
        }
        return 0;
}
