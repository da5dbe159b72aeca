/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where images are fetched from: who may, what they may replace, and where one that is here came from. All of it is decided from
 * the request, what is here, and root's configuration. */

#include "base/reference.h"
#include "bus/catalog.h"

typedef struct ScCall ScCall;

/* For plan: something is fetched from there. Tells polkit's rules the image and the source, and needs `import` where nobody
 * vouches for it. */
void sc_plan_fetch(ScCall *call, const ScReference *reference);
/* The same, and the reference's name is to mean what comes. Exists where that name means what a registry vouches for, or a
 * container was installed by it, and nobody vouches for this; with the option replace=yes, which always needs `import`, it may. */
bool sc_plan_pull(ScCall *call, const ScReference *reference, GError **error);

/* Whether a registry vouched for what the name means. */
bool sc_origin_is_verified(const ScCatalogImage *image, const char *name);
/* From where, and by which name, what the name means can be fetched again; NULL: it came from a file, or nobody knows. */
ScReference *sc_origin_of(const ScCatalogImage *image, const char *name);
bool sc_origin_is_installed(ScCatalog *catalog, const char *image_name);
