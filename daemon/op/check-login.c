/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/reference.h"
#include "base/registries-files.h"
#include "registry/check.h"

bool sc_op_check_login(ScOpContext *context, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_parse_registry(context->subject, error);
        if (reference == NULL)
                return false;
        g_autoptr(ScRegistries) registries = sc_registries_load(context->config->scope, context->cancellable, error);
        if (registries == NULL)
                return false;
        const ScTransportRequest request = {
                .reference = reference,
                .config = context->config,
                .report = context->report,
                .keyring = context->keyring,
                .registries = registries,
        };
        sc_report_phase(context->report, "Logging in", 0);
        return sc_registry_check(&request, context->cancellable, error);
}
