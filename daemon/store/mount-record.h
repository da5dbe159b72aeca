/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What sysconsd has mounted for somebody, or was about to: CHECKOUT/.sysconsd/mount/ID, a folder with the symlinks `where` (to the
 * folder that is mounted on) and, for a container's root file system, `deployment` (to NAME.N; nothing follows it); for an image
 * with the checkout, `rootfs`. It is made before the mount and removed after it, so a record may be of a mount that is not there
 * (any more): systemd knows. Symlinks, because they are written at once and need no parser. */

#include <glib.h>
#include <stdbool.h>

#define SC_MOUNT_DIR ".sysconsd/mount"

typedef struct {
        char *id;
        char *where;      /* NULL: interrupted before it was known */
        char *deployment; /* NULL: an image */
} ScMountRecord;

/* All of them, in no order. No folder for them is none. */
GPtrArray *sc_mount_record_list(int checkout_fd, GError **error);
/* deployment may be NULL. Returns the descriptor of the record's folder, -1 on error. */
int sc_mount_record_new(int checkout_fd, const char *where, const char *deployment, char **ret_id, GError **error);
/* With the checkout in it. */
bool sc_mount_record_remove(int checkout_fd, const char *id, GError **error);
