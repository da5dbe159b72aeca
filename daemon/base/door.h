/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A folder with an OCI image layout, shown by its owner to somebody who may read more than the owner may: the one asks for a file
 * by its name, over a socket; the other opens it, with his own rights, and hands the descriptor over. So nobody gets to read for
 * another what that one could not, and no path is ever opened in somebody else's name. */

#include <gio/gio.h>
#include <stdbool.h>

/* Two ends, of which each is connected to the other. */
bool sc_door_new(int ret_ends[2], GError **error);

/* A name that can be asked for: "oci-layout", "index.json", "blobs/sha256/HEX". */
bool sc_door_knows(const char *name);

/* Answers until the other end is closed, or shut down. */
void sc_door_serve(int end, int dir_fd);

/* InvalidArgument for what is no end of a door. */
bool sc_door_check(int end, GError **error);
/* By one thread at a time. A descriptor of a regular file that can be read, -1: NotFound, or what the other side says; Failed where
 * it does not answer for so many seconds; Cancelled. */
int sc_door_ask(int end, const char *name, guint stall_seconds, GCancellable *cancellable, GError **error);
