/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a worker's unit may do. */

#include "base/config.h"
#include "job/job.h"
#include <systemd/sd-bus.h>

/* By what the rest goes: the operation of the job's present stage, with "-here" behind that of a pull or a plan that needs no
 * network, because the image is in a file, comes over a socket of this host or through a door, or nothing is fetched. */
const char *sc_sandbox_name(const ScJob *job);

/* Whether the worker is to be given --sysroot: it writes beside the repository of a host that OSTree has booted, and
 * its sandbox lets it make /sysroot writable for itself. */
bool sc_sandbox_opens_sysroot(const char *name, const ScConfig *config, const char *repository);

/* Whether the worker is to be given --without-homes: it might have business in homes, and its sandbox hides them, as an
 * administrator has not said HostFilesInHomes=yes. Recovery sees them always: what was begun is finished. */
bool sc_sandbox_hides_homes(const char *name, const ScConfig *config, const char *repository);

/* Whether a pull that is under way changes nothing about the sandboxes of what follows: it may make the first repository, and where
 * OSTree has one of the host's, in this place or in that. */
bool sc_sandbox_is_settled(const ScConfig *config, const char *repository);

/* Whether the worker speaks to the network. */
bool sc_sandbox_has_network(const char *name);

/* Appends the properties of a transient unit, (sv) each, to an open array of them. repository: the path of the repository, NULL
 * where there is none yet. Unsupported where there is no such sandbox. */
bool sc_sandbox_append(sd_bus_message *message, const char *name, const ScConfig *config, const char *repository, GError **error);
