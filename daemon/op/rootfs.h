/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "op.h"

/* Of a deployment that should have one. */
bool sc_rootfs_is_missing(int checkout_fd, const char *container, int slot);

/* The atomic command removed the root file system of a container without a service as soon as its host files were in place. A
 * change needs it, to bring those files back: it is checked out again, from the image that the deployment was made of; NotFound
 * where that is not here any more. All others are left alone. The container's lock is held. */
bool sc_rootfs_restore(ScOpContext *context, int checkout_fd, const char *container, int slot, GError **error);
