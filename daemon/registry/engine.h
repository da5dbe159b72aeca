/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image of a Docker engine on this host, or of podman's service, which answers the same: what it would save, over its socket
 * (docs.docker.com/engine/api: GET /images/NAME/json, GET /images/NAME/get). */

#include "transport.h"

/* The socket is that of the configuration. */
ScTransport *sc_engine_new(const ScTransportRequest *request);
