/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The User of an image's configuration (OCI image specification, config.md: user, uid, user:group, uid:gid, uid:group,
 * user:gid), as numbers. */

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct {
        uid_t uid;
        gid_t gid;
        GArray *groups; /* gid_t: further groups of a user of whom no group was named, never NULL */
} ScImageUser;

void sc_image_user_clear(ScImageUser *user);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScImageUser, sc_image_user_clear)

/* passwd and group: the texts of the image's files, NULL where it has none. A number needs neither of them; a name that they do not
 * have is InvalidArgument. Without a group it is the user's own, 0 for a number that passwd does not know. */
bool sc_image_user_resolve(const char *text, const char *passwd, const char *group, ScImageUser *ret, GError **error);
