/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One place where a repository can be had: a registry's host, the path there, and who one is for it. An image has one, or several
 * where the configuration names mirrors; nothing of one (tokens, credentials, trust in a certificate) is ever meant for another. */

#include "auth.h"
#include "endpoint.h"

typedef struct {
        char *image;      /* the canonical name of what is wanted, for messages */
        char *host;       /* HOST[:PORT] as it is written in names and in auth.json: "docker.io" */
        char *repository; /* the path at the registry: "library/busybox" for docker.io's busybox */
        ScEndpoint *endpoint;
        ScAuth *auth;
} ScLocation;

/* The reference's own registry. Both must outlive the location. */
ScLocation *sc_location_new(const ScReference *reference, const ScConfig *config);
void sc_location_free(ScLocation *location);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScLocation, sc_location_free)
