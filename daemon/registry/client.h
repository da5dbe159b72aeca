/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A registry, spoken to by the OCI distribution specification 1.1 (pull part), over libsoup. The thread that made the client keeps
 * its connections from call to call, any other gets a session of its own for each. HTTP/1.1 only. A blob has a thread of its own
 * that fetches, hashes and queues chunks (at most 4 MiB), and after a broken connection or a stall goes on with Range where it
 * stopped (config->attempts tries without progress, all in less than two minutes). */

#include "transport.h"

/* A reference without a host is InvalidReference, saying to write the registry's name. Plain http is used for loopback (after https
 * was refused there), for "http:" references, for hosts in config->insecure_registries,
 * and where the settings of registries say so; they also say of mirrors, and of images that are blocked (AccessDenied). */
ScTransport *sc_registry_new(const ScTransportRequest *request, GError **error);
