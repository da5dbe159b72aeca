/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/registries-d.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(ScRegistriesD) registries = sc_registries_d_new();
        static const char *const scopes[] = {"example.com/a/b:1", "example.com/a/b", "example.com/a", "example.com", NULL};
        (void)sc_registries_d_add(registries, (const char *)data, size, "one.yaml", NULL);
        (void)sc_registries_d_add(registries, (const char *)data, size, "another.yaml", NULL);
        const char *url = sc_registries_d_lookaside(registries, scopes);
        g_assert(url == NULL || (*url != '\0' && g_utf8_validate(url, -1, NULL)));
        (void)sc_registries_d_uses_attachments(registries, scopes);
        g_autoptr(GHashTable) all = sc_registries_d_lookasides(registries);
        g_assert(url == NULL || g_hash_table_size(all) > 0);
        return 0;
}
