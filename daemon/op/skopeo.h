/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sources that skopeo knows and we do not, as an archive that streams: skopeo writes it into a pipe. systemd starts it outside of
 * the worker's sandbox, in one of its own. */

#include "base/reference.h"
#include "op.h"
#include "registry/stream.h"

/* context and reference must outlive it. Unsupported where there is no skopeo, and for a user's daemon. */
ScStreamSource *sc_skopeo_new(const ScOpContext *context, const ScReference *reference, GError **error);
