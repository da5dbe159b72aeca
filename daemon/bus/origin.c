/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/origin.h"
#include "base/error.h"
#include "base/image-info.h"
#include "bus/call.h"
#include <string.h>

#define TAG "tag:"

static bool is_vouched_for(const ScService *service, const ScReference *reference)
{
        if (reference->source != SC_SOURCE_REGISTRY_INSECURE)
                return sc_source_is_registry(reference->source);
        const ScRegistries *registries = sc_settings_get(service->settings, NULL);
        return sc_reference_is_loopback(reference) || (registries != NULL && sc_registries_allow_insecure(registries, reference)) ||
               (reference->host != NULL && service->config->insecure_registries != NULL &&
                g_strv_contains((const char *const *)service->config->insecure_registries, reference->host));
}

void sc_plan_fetch(ScCall *call, const ScReference *reference)
{
        g_free(call->image);
        g_free(call->source);
        call->image = g_strdup(reference->name);
        call->source = g_strdup(sc_source_facts(reference->source)->provenance);
        if (!is_vouched_for(call->service, reference))
                sc_call_need(call, "import");
        /* A path is what root means by it. */
        if (reference->place != NULL)
                sc_call_need(call, "configure");
}

bool sc_plan_pull(ScCall *call, const ScReference *reference, GError **error)
{
        ScCatalog *catalog = call->service->catalog;
        sc_plan_fetch(call, reference);
        if (g_strcmp0(sc_options_get(call->options, "replace"), "yes") == 0) {
                sc_call_need(call, "import");
                return true;
        }
        /* The worker finds out what an image in a file is called, and looks itself. */
        if (reference->name == NULL || sc_provenance_is_verified(call->source))
                return true;
        const ScCatalogImage *before = sc_catalog_image_named(catalog, reference->name);
        bool is_taken = before != NULL ? sc_origin_is_verified(before, reference->name)
                                       : sc_origin_is_installed(catalog, reference->name);
        return !is_taken ||
               sc_throw(error, SC_ERROR_EXISTS,
                        "The name %s means an image of a registry, or a container was installed by it, and nobody "
                        "vouches for what comes from this source (%s): to give the name to it, pull with `replace` (--replace)",
                        reference->name, call->source);
}

bool sc_origin_is_verified(const ScCatalogImage *image, const char *name)
{
        const char *source = sc_catalog_image_source(image, name), *rest;
        if (!g_str_has_prefix(source, TAG))
                return sc_provenance_is_verified(source);
        const ScSourceFacts *facts = sc_source_find(source + strlen(TAG), &rest, NULL);
        return facts != NULL && sc_provenance_is_verified(facts->provenance);
}

ScReference *sc_origin_of(const ScCatalogImage *image, const char *name)
{
        const char *source = sc_catalog_image_source(image, name);
        if (g_str_has_prefix(source, TAG))
                return sc_reference_parse(source + strlen(TAG), NULL);
        const ScSourceFacts *facts = sc_source_of_provenance(*source != '\0' ? source : "registry");
        if (facts == NULL || facts->rule != SC_RULE_NAME)
                return NULL;
        ScReference *origin = sc_reference_parse(name, NULL);
        if (origin != NULL)
                origin->source = facts->source;
        return origin;
}

bool sc_origin_is_installed(ScCatalog *catalog, const char *image_name)
{
        g_autofree const char **names = sc_catalog_container_names(catalog);
        for (const char **name = names; *name != NULL; name++) {
                /* The atomic command wrote names as they were given to it. */
                g_autoptr(ScReference) reference = sc_reference_parse(sc_catalog_container(catalog, *name)->image, NULL);
                if (reference != NULL && strcmp(reference->name, image_name) == 0)
                        return true;
        }
        return false;
}
