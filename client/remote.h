/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system bus of another host, over ssh. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

/* [USER@]HOST[:PORT] (an IPv6 address in brackets) as the arguments of ssh; SC_EXIT_USAGE. */
bool sc_remote_argv(const char *host, char ***ret, GError **error);
bool sc_remote_open(const char *host, sd_bus **ret, GError **error);
