/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"

#include "base/error.h"
#include "request.h"

bool sc_registry_check(const ScTransportRequest *request, GCancellable *cancellable, GError **error)
{
        const char *host = request->reference->host;
        g_autoptr(ScLocation) location = sc_location_of_registry(request->reference, request->registries, request->config,
                                                                 request->keyring, error);
        if (location == NULL)
                return false;
        g_autoptr(ScHttp) http = sc_http_new();
        g_autofree char *missing = g_strdup_printf("%s is no registry: it has nothing at /v2/", host);
        const ScRequest look = {.missing = missing};
        ScPatience patience;
        sc_patience_init(&patience, request->config);
        for (;;) {
                g_auto(ScAnswer) answer = {};
                g_autoptr(GError) problem = NULL;
                sc_patience_begin(&patience);
                if (sc_request_send(location, http, &look, &patience, &answer, cancellable, &problem))
                        return true;
                sc_http_reset(http);
                if (sc_patience_again(&patience, http, cancellable, &problem))
                        continue;
                g_propagate_error(error, g_steal_pointer(&problem));
                return sc_prefix(error, "Cannot log in to %s", host);
        }
}
