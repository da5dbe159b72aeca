/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit and tmpfiles.d lines as a deployment has them, made by whatever version of sysconsd, or of the atomic command. */

#include "fuzz.h"

#include "unit/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_auto(GStrv) texts = fuzz_texts(data, size, 2);
        g_autoptr(ScScope) scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        sc_service_is_enableable(texts[0]);
        sc_service_is_detached(texts[0]);
        g_autofree char *cgroup = sc_service_cgroup(scope, texts[0], "n");
        g_assert(g_str_has_prefix(cgroup, "/") && g_str_has_suffix(cgroup, "/n.service"));
        g_assert(strstr(cgroup, "/../") == NULL);
        sc_tmpfiles_makes(texts[1], "/run/n");
        g_assert(!sc_tmpfiles_makes(NULL, "/run/n"));
        g_free(sc_tmpfiles_find_home(texts[1]));
        return 0;
}
