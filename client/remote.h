/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bus of another host, over ssh. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef enum {
        SC_REMOTE_SYSTEM,
        SC_REMOTE_USER, /* of the sessions of the user as whom ssh logs in */
} ScRemoteBus;

/* [USER@]HOST[:PORT] (an IPv6 address in brackets) as the arguments of ssh; SC_EXIT_USAGE. */
bool sc_remote_argv(const char *host, ScRemoteBus bus, char ***ret, GError **error);
bool sc_remote_open(const char *host, ScRemoteBus which, sd_bus **ret, GError **error);
