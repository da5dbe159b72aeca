/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* File descriptors that are owned together: a GArray of int, each closed with the array's last reference. */

#include <glib.h>

GArray *sc_fds_new(void);
/* Adds a duplicate of fd (close-on-exec); returns its index, -1 on error. */
int sc_fds_add(GArray *fds, int fd, GError **error);
