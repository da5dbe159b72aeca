/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The variables that name proxies. The service's environment has them, and whoever works for it and speaks to the network gets them
 * with its request: they may hold passwords, and the environment of a unit can be read by everybody. Of each pair the first wins.
 */

#include <glib.h>

static const char *const sc_proxy_variables[] = {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy",
                                                 "NO_PROXY",   "no_proxy",   NULL};
