/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mounts that sysconsd has made: which are there, what they hold on to, and what is left of those that are gone. */

#include "op.h"
#include "store/mount-record.h"
#include "unit/systemd.h"

/* One mount or unmount at a time. The descriptor is the lock. */
int sc_mounts_lock(ScOpContext *context, int checkout_fd, GError **error);

/* Whether the mount is there, and is ours: somebody may have unmounted it, and mounted something else. */
bool sc_mounts_is_there(ScSystemd *systemd, const ScMountRecord *record, bool *ret, GError **error);

/* Removes the records, and the checkouts, of mounts that are not there. Takes the lock; does nothing while somebody else has it, as
 * he does the same. */
bool sc_mounts_sweep(ScOpContext *context, int checkout_fd, GError **error);

/* Busy, naming the place, where the deployment is mounted: "NAME.N", or with slot -1 either one of the container. */
bool sc_mounts_check(ScSystemd *systemd, int checkout_fd, const char *container, int slot, GError **error);
