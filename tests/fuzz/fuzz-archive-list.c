/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/docker-list.h"
#include "registry/manifest.h"
#include "registry/oci-index.h"

/* What lists the images of an archive, as Docker and as OCI have it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data, *name;
        static const char *const names[] = {NULL, "a:1", "v1"};
        g_autoptr(GPtrArray) images = sc_docker_list_parse(text, size, 8, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_auto(ScOciEntry) entry = {0};
                if (images != NULL && sc_docker_list_choose(images, names[i], &name, NULL) != NULL)
                        g_assert(names[i] == NULL || name != NULL);
                if (sc_oci_index_find(text, size, names[i], &entry, NULL))
                        g_assert(entry.is_whole || entry.size <= SC_MANIFEST_MAX_SIZE);
        }
        g_free(sc_docker_repositories_name(text, size));
        (void)sc_oci_layout_check(text, size, NULL);
        return 0;
}
