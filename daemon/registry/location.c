/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "location.h"

#include <string.h>

void sc_location_free(ScLocation *location)
{
        if (location == NULL)
                return;
        sc_certs_free(location->certs);
        sc_auth_free(location->auth);
        sc_endpoint_free(location->endpoint);
        g_free(location->repository);
        g_free(location->host);
        g_free(location->image);
        g_free(location);
}

/* What is wanted, and what decides where it is. */
typedef struct {
        const ScReference *reference;
        const ScRegistryRule *rule; /* NULL: none */
        const ScConfig *config;
        ScKeyring *keyring;
        GPtrArray *locations;
} Search;

static ScLocation *make(const Search *search, const ScReference *at, const char *repository, ScEndpointTrust trust, GError **error)
{
        g_autoptr(ScLocation) location = g_new0(ScLocation, 1);
        location->image = g_strdup(search->reference->name);
        location->host = g_strdup(at->host);
        location->repository = g_strdup(repository);
        location->endpoint = sc_endpoint_new(at, trust, search->config);
        location->auth = sc_auth_new(search->keyring, location->host, location->repository);
        bool shown = sc_keyring_has_certificates(search->keyring);
        location->certs = sc_certs_load(search->config->scope, at->host, shown ? SC_CERTS_ALL : SC_CERTS_AUTHORITIES, error);
        return location->certs != NULL ? g_steal_pointer(&location) : NULL;
}

static ScLocation *add(Search *search, const char *place, ScEndpointTrust trust, GError **error)
{
        g_autoptr(ScReference) at = sc_registry_rule_rewrite(search->rule, place, search->reference, error);
        ScLocation *location = at != NULL ? make(search, at, at->path, trust, error) : NULL;
        if (location != NULL)
                g_ptr_array_add(search->locations, location);
        return location;
}

/* Tags are asked for at the registry itself, so a mirror that is kept from saying what a tag means can have the rest of such an
 * image; one that is for tags only has nothing to do with an image that is named by its digest. */
static bool add_mirrors(Search *search, GError **error)
{
        bool by_digest = search->reference->digest != NULL;
        for (guint i = 0; search->rule != NULL && i < search->rule->mirrors->len; i++) {
                const ScMirror *mirror = search->rule->mirrors->pdata[i];
                if (by_digest && mirror->use == SC_MIRROR_TAG_ONLY)
                        continue;
                ScLocation *location = add(search, mirror->location, mirror->insecure ? SC_ENDPOINT_INSECURE : SC_ENDPOINT_VERIFIED,
                                           error);
                if (location == NULL)
                        return false;
                location->answers_tags = mirror->use != SC_MIRROR_DIGEST_ONLY && !search->rule->mirror_by_digest_only;
        }
        return true;
}

static ScEndpointTrust trust_in(const Search *search)
{
        if (search->reference->source == SC_SOURCE_REGISTRY_INSECURE)
                return SC_ENDPOINT_PLAIN;
        return search->rule != NULL && search->rule->insecure ? SC_ENDPOINT_INSECURE : SC_ENDPOINT_VERIFIED;
}

GPtrArray *sc_locations_new(const ScReference *reference, const ScRegistries *registries, const ScConfig *config,
                            ScKeyring *keyring, GError **error)
{
        g_autoptr(GPtrArray) locations = g_ptr_array_new_with_free_func((GDestroyNotify)sc_location_free);
        Search search = {reference, registries != NULL ? sc_registries_find(registries, reference) : NULL, config, keyring,
                         locations};
        if (!sc_registry_rule_check(search.rule, reference, error) || !add_mirrors(&search, error))
                return NULL;
        ScLocation *primary = add(&search, search.rule != NULL ? search.rule->location : NULL, trust_in(&search), error);
        if (primary == NULL)
                return NULL;
        primary->answers_tags = true;
        return g_steal_pointer(&locations);
}

ScLocation *sc_location_of_registry(const ScReference *registry, const ScRegistries *registries, const ScConfig *config,
                                    ScKeyring *keyring, GError **error)
{
        const Search search = {registry, registries != NULL ? sc_registries_find(registries, registry) : NULL, config, keyring,
                               NULL};
        return make(&search, registry, "", trust_in(&search), error);
}
