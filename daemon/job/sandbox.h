/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a worker's unit may do, by operation. */

#include "base/config.h"
#include <systemd/sd-bus.h>

/* Whether the operation's worker is to be given --sysroot: it writes beside the repository of a host that OSTree has booted, and
 * its sandbox lets it make /sysroot writable for itself. */
bool sc_sandbox_opens_sysroot(const char *operation, const ScConfig *config, const char *repository);

/* Whether the operation's worker speaks to the network. */
bool sc_sandbox_has_network(const char *operation);

/* Appends the properties of a transient unit, (sv) each, to an open array of them. repository: the path of the repository, NULL
 * where there is none yet. Unsupported for an operation that has no sandbox. */
bool sc_sandbox_append(sd_bus_message *message, const char *operation, const ScConfig *config, const char *repository,
                       GError **error);
