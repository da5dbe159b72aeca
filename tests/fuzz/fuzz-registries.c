/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/registries.h"
#include "base/toml.h"
#include <stdlib.h>

static void ask(const ScRegistries *registries, const char *name)
{
        g_autoptr(ScReference) reference = sc_reference_parse(name, NULL);
        g_autofree char *why = NULL;
        g_autoptr(ScReference) full = reference->host == NULL ? sc_registries_complete(registries, reference, &why, NULL)
                                                              : sc_reference_copy(reference);
        if (full == NULL)
                return;
        g_assert(full->host != NULL);
        const ScRegistryRule *rule = sc_registries_find(registries, full);
        (void)sc_registry_rule_check(rule, full, NULL);
        g_autoptr(ScReference) at = sc_registry_rule_rewrite(rule, rule != NULL ? rule->location : NULL, full, NULL);
        g_assert(at == NULL || at->host != NULL);
        for (guint i = 0; rule != NULL && i < rule->mirrors->len; i++) {
                const ScMirror *mirror = rule->mirrors->pdata[i];
                g_autoptr(ScReference) mirrored = sc_registry_rule_rewrite(rule, mirror->location, full, NULL);
                g_assert(mirrored == NULL || mirrored->host != NULL);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *problem = NULL;
        unsigned line;
        char *json = sc_toml_to_json((const char *)data, size, &problem, &line);
        g_assert((json == NULL) == (problem != NULL));
        free(problem);
        if (json == NULL)
                return 0;
        /* What the wrapper writes can always be read. */
        g_autoptr(JsonObject) tree = sc_json_parse_object(json, -1, 64 << 20, "tree", NULL);
        g_assert_nonnull(tree);
        free(json);
        g_autoptr(ScRegistries) registries = sc_registries_new();
        if (!sc_registries_add(registries, "/registries.conf", tree, NULL))
                return 0;
        static const char *const names[] = {"busybox", "ns/x:1", "a.com/x", "a.com:5000/x/y", "docker.io/busybox", "x.a.com/x"};
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                ask(registries, names[i]);
        return 0;
}
