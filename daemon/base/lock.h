/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* flock on files in CHECKOUT/.sysconsd/lock. A lock ends with the process that holds it. */

#include <gio/gio.h>
#include <stdbool.h>

typedef enum { SC_LOCK_SHARED, SC_LOCK_EXCLUSIVE } ScLockMode;

/* Opens or makes the file `name` below dir_fd and waits for the lock, looking at cancellable ten times a second. Returns the
 * descriptor that holds the lock, -1 on error. */
int sc_lock_wait(int dir_fd, const char *name, ScLockMode mode, GCancellable *cancellable, GError **error);
/* Shared, of a file that must be there already (NotFound): nothing is written. */
int sc_lock_wait_read_only(int dir_fd, const char *name, GCancellable *cancellable, GError **error);
/* The same as the first without waiting: Busy if somebody else holds it. */
int sc_lock_try(int dir_fd, const char *name, ScLockMode mode, GError **error);
