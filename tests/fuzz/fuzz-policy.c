/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/policy.h"

/* What was let through has a rule for every image, and can be asked about each. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const images[] = {"docker.io/library/busybox:1", "localhost:5000/a/b", "r.example.com:5000/a"};
        g_autoptr(ScPolicy) policy = sc_policy_parse((const char *)data, (gssize)size, "policy", NULL);
        for (guint i = 0; policy != NULL && i < G_N_ELEMENTS(images); i++) {
                g_autoptr(ScDockerName) name = sc_docker_name_parse(images[i], NULL);
                g_auto(GStrv) scopes = sc_docker_name_policy_scopes(name);
                const ScPolicyRule *rule = sc_policy_find(policy, "docker", (const char *const *)scopes);
                g_autofree char *text = sc_policy_rule_name(rule);
                g_assert(text != NULL && rule->requirements->len > 0);
                for (guint k = 0; k < rule->requirements->len; k++) {
                        const ScRequirement *requirement = rule->requirements->pdata[k];
                        bool is_signed = requirement->kind == SC_REQUIREMENT_SIGNED_BY ||
                                         requirement->kind == SC_REQUIREMENT_SIGSTORE_SIGNED;
                        g_assert(!is_signed || (requirement->key_paths != NULL) != (requirement->key_data != NULL));
                        if (is_signed)
                                (void)sc_signed_identity_matches(&requirement->identity, name, images[(i + k) % 3]);
                }
        }
        return 0;
}
