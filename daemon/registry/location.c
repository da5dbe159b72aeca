/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "location.h"

#include <string.h>

ScLocation *sc_location_new(const ScReference *reference, const ScConfig *config)
{
        ScLocation *location = g_new0(ScLocation, 1);
        /* Docker's own images have no namespace in their short names. */
        bool official = g_str_equal(reference->host, "docker.io") && strchr(reference->path, '/') == NULL;
        location->image = g_strdup(reference->name);
        location->host = g_strdup(reference->host);
        location->repository = g_strconcat(official ? "library/" : "", reference->path, NULL);
        location->endpoint = sc_endpoint_new(reference, config);
        location->auth = sc_auth_new();
        return location;
}

void sc_location_free(ScLocation *location)
{
        if (location == NULL)
                return;
        sc_auth_free(location->auth);
        sc_endpoint_free(location->endpoint);
        g_free(location->repository);
        g_free(location->host);
        g_free(location->image);
        g_free(location);
}
