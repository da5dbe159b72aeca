/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a prune takes away: the same for the prune itself and for the plan of one. */

#include "op.h"
#include "store/repository.h"
#include "unit/systemd.h"

/* Refs of layers and configurations that no image and no interrupted pull holds, sorted; owned strings. */
GPtrArray *sc_prune_refs(ScRepository *repository, GError **error);

/* Folders that look like a container's slot, "NAME.N", sorted; owned strings. Most of them are in use. */
GPtrArray *sc_prune_slots(int checkout_fd, GError **error);
/* NAME; newly allocated. */
char *sc_prune_slot_owner(const char *folder);
/* A slot that no symlink makes a container of goes; why one is kept is said. A host taken over may have lost a symlink: what has a
 * unit, or runs, stays. A prune holds the container's lock. */
bool sc_prune_slot_goes(ScOpContext *context, ScSystemd *systemd, int checkout_fd, const char *folder, bool *ret, GError **error);
