/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What keeps a deployment where it is. A container that was installed with another one's root file system (rootfs) pins the
 * deployment that holds it, and so do a mount, and a command that runs on its files. */

#include "base/config.h"
#include "unit/systemd.h"

enum { SC_PIN_ANY_SLOT = -1 };

/* Busy, naming the one that pins it: CHECKOUT/CONTAINER.slot, or with SC_PIN_ANY_SLOT either of them or the symlink. */
bool sc_pin_check(const ScConfig *config, ScSystemd *systemd, const char *container, int slot, GError **error);
