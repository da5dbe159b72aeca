/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/registries-d.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(ScRegistriesD) registries = sc_registries_d_new();
        g_autoptr(ScDockerName) name = sc_docker_name_parse("example.com/a/b:1", NULL);
        (void)sc_registries_d_add(registries, (const char *)data, size, "one.yaml", NULL);
        (void)sc_registries_d_add(registries, (const char *)data, size, "another.yaml", NULL);
        const char *url = sc_registries_d_lookaside(registries, name);
        g_assert(url == NULL || (*url != '\0' && g_utf8_validate(url, -1, NULL)));
        (void)sc_registries_d_uses_attachments(registries, name);
        return 0;
}
