/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* What ProtectHome= of systemd hides: /home, /root and /run/user. */

/* Whether an absolute path, or a pattern as in glob(7), may lie in one of them, be it by a link. */
bool sc_home_has(const char *path);
/* Whether one of them lies below the folder. */
bool sc_home_is_below(const char *path);
