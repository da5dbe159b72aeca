/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One place where a repository can be had: a registry's host, the path there, and who one is for it. An image has one, or several
 * where the configuration names mirrors; nothing of one (tokens, credentials, trust in a certificate) is ever meant for another. */

#include "auth.h"
#include "base/registries.h"
#include "certs.h"
#include "endpoint.h"

typedef struct {
        char *image;       /* the canonical name of what is wanted, for messages */
        char *host;        /* HOST[:PORT] as it is written in names and in auth.json: "docker.io" */
        char *repository;  /* the path at the registry: "library/busybox" for docker.io's busybox */
        bool answers_tags; /* what it says of a tag is believed */
        gint troubles;     /* in this pull; atomically: see failover.h */
        ScEndpoint *endpoint;
        ScAuth *auth;
        ScCerts *certs;
} ScLocation;

/* A registry as such, under its own name: there is no repository. Of the reference host and path (which may be "") count. */
ScLocation *sc_location_of_registry(const ScReference *registry, const ScRegistries *registries, const ScConfig *config,
                                    ScKeyring *keyring, GError **error);
void sc_location_free(ScLocation *location);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScLocation, sc_location_free)

/* Where the image is, by the settings (NULL: none): mirrors in the order in which they are asked for what has a digest, the
 * registry itself last. config must outlive them. AccessDenied if the image is blocked; InvalidArgument for settings that make no
 * sense, certificates among them. keyring: who one is, may be NULL, and must outlive them. */
GPtrArray *sc_locations_new(const ScReference *reference, const ScRegistries *registries, const ScConfig *config,
                            ScKeyring *keyring, GError **error);
