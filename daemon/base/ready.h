/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Waiting for a descriptor, which can be cancelled. */

#include <gio/gio.h>

/* poll() for one descriptor: 1 once it is ready, or broken; 0 where it is not for so many seconds; -1 on error, Cancelled. */
int sc_wait_ready(int fd, short events, guint seconds, GCancellable *cancellable, GError **error);
