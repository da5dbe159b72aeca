/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Deployments are hardlinks: who finds a damaged file in the repository finds it in containers, too. A repair gives the repository
 * a new file, and the old one is then known to the containers alone. So before it does, the old one is linked to
 * REPO/extensions/sysconsd/damaged, under its object's name; it goes when no deployment has it any more. Whoever looks for damage
 * in between (after a kill) finds it there. */

#include "op.h"
#include "store/repository.h"

typedef struct ScDamage ScDamage;

/* The damaged objects (paths in objects/, a set; NULL: none), and what a repair before has left. What no deployment has any more is
 * removed. */
ScDamage *sc_damage_new(ScRepository *repository, GHashTable *objects, GError **error);
void sc_damage_free(ScDamage *damage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScDamage, sc_damage_free)

/* False where there is nothing to look for in containers. */
bool sc_damage_is_known(const ScDamage *damage);
/* Names of the containers that have such files in a deployment, the previous ones included; a line for each file is reported. Free
 * with g_strfreev. */
char **sc_damage_containers(ScDamage *damage, const ScOpContext *context, GError **error);

/* Before the objects are replaced; durable. */
bool sc_damage_keep(ScDamage *damage, GError **error);
/* After: gives each deployment that has such a file the repository's instead, in one step each, under the container's lock; then
 * forgets them. */
bool sc_damage_mend_containers(ScDamage *damage, const ScOpContext *context, GError **error);
