/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/short-name.h"
#include "bus/call.h"
#include <string.h>

static bool is_short(const ScReference *reference)
{
        return reference->name != NULL && reference->host == NULL &&
               (reference->source == SC_SOURCE_REGISTRY || reference->source == SC_SOURCE_REGISTRY_INSECURE);
}

ScReference *sc_short_name_to_pull(ScCall *call, ScReference *taken, GError **error)
{
        g_autoptr(ScReference) reference = taken;
        if (!is_short(reference))
                return g_steal_pointer(&reference);
        const ScRegistries *registries = sc_settings_get(call->service->settings, error);
        g_clear_pointer(&call->resolved, g_free);
        return registries != NULL ? sc_registries_complete(registries, reference, &call->resolved, error) : NULL;
}

ScReference *sc_short_name_to_use(ScCall *call, ScReference *taken, GError **error)
{
        g_autoptr(ScReference) reference = taken;
        const char *pull = sc_options_get(call->options, "pull");
        bool is_here = sc_catalog_image_named(call->service->catalog, reference->name) != NULL;
        if (!is_short(reference) || (is_here && g_strcmp0(pull, "always") != 0))
                return g_steal_pointer(&reference);
        g_autoptr(GError) problem = NULL;
        g_autoptr(ScReference) full = sc_short_name_to_pull(call, sc_reference_copy(reference), &problem);
        if (full != NULL)
                return g_steal_pointer(&full);
        /* Without a pull it is only not here. */
        if (g_strcmp0(pull, "never") == 0)
                return g_steal_pointer(&reference);
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
}
