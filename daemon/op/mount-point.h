/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/config.h"

/* Whether something may be mounted on the folder: it must be there and empty, so that nothing is hidden by the mount; be no mount
 * point already; not lie in the checkout path; and no symbolic link, nor a folder in which somebody else than root could put one,
 * may be on the way to it. */
bool sc_mount_point_check(const ScConfig *config, const char *where, GError **error);
