/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a container's config.json needs to be run by a user without privileges (runtime-spec: config-linux.md, "User namespace
 * mappings"). */

#include "subid.h"
#include <json-glib/json-glib.h>

typedef struct {
        GArray *uids; /* ScIdRange */
        GArray *gids;
        bool sets_groups;      /* the runtime gives the process its additional groups */
        const char *user_name; /* for messages */
} ScUserNamespace;

/* The one that this process may make with a runtime (absolute path): with the ranges of /etc/subuid and /etc/subgid where
 * newuidmap(1) and newgidmap(1) are installed, which set them up, and where both have one; else its own uid and gid alone, as root
 * inside. */
ScUserNamespace *sc_user_namespace_new(const char *runtime);
void sc_user_namespace_free(ScUserNamespace *user_namespace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScUserNamespace, sc_user_namespace_free)

/* Adds the namespace and its mappings, unless the configuration brings mappings of its own, and changes what cannot be had in one:
 * a sysfs of its own beside the host's network (the host's is bound instead), uid= and gid= options of mounts that name nobody
 * inside, and additional groups, for which a process is refused by runc where it is not run by root. InvalidArgument where the
 * container's process is to be somebody who does not exist inside. */
bool sc_user_namespace_apply(const ScUserNamespace *user_namespace, JsonObject *config, GError **error);
