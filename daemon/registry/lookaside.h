/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* GPG signatures in a lookaside storage: files BASE/PATH@sha256=HEX/signature-1, -2 ... up to the first that is not there, where
 * BASE is a URL of registries.d (http, https or file), and PATH the image's repository without its host. */

#include "base/config.h"
#include "docker-name.h"
#include <gio/gio.h>

/* Adds what is there to an array of ScSignature. Network, InvalidArgument (the URL), Corrupt (one is too large, or they are too
 * many). */
bool sc_lookaside_fetch(const char *base, const ScDockerName *name, const ScDigest *digest, const ScConfig *config,
                        GPtrArray *signatures, GCancellable *cancellable, GError **error);
