/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which image may take a name. What came from a file, an engine, another repository or by `http:` has only the word of who pulled
 * it; it never takes a name that came from a verified registry, or that a container was installed by, unless somebody who may
 * import such things says so: the next update of the container would run it. */

#include "base/config.h"
#include "repository.h"

typedef struct {
        const char *name;   /* canonical */
        const char *source; /* of the image that is to have it, as in ScImageInfo */
        bool may_replace;
} ScNameClaim;

/* *ret_from: what the name has to mean still when it is given (as ScImageTarget's `from`); NULL: anything. Exists tells the way
 * out. */
bool sc_name_claim(ScRepository *repository, const ScConfig *config, const ScNameClaim *claim, char **ret_from, GError **error);

/* The container that was installed by the name, broken ones left out; *ret NULL: none. */
bool sc_name_find_container(const ScConfig *config, const char *name, char **ret, GError **error);
