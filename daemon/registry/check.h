/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a registry lets one in. */

#include "transport.h"

/* Of the request's reference the host counts. AccessDenied, Network. A registry that asks nobody who he is lets everybody in. */
bool sc_registry_check(const ScTransportRequest *request, GCancellable *cancellable, GError **error);
