/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host that OSTree has booted may have its physical root, /sysroot, mounted read-only: a bind mount, the file system below it is
 * not. Makes it writable for this process alone, in a mount namespace of its own, and then gives up what that took (CAP_SYS_ADMIN
 * and CAP_SETPCAP) for good. To be called before any thread is made. Nothing is done to it where it is writable already. */

#include <glib.h>
#include <stdbool.h>

bool sc_sysroot_open(GError **error);
