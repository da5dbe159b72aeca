/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image of another OSTree repository on this host, as an archive that streams. The layers there are files and no longer the
 * tars whose digests name them, so nobody could tell whether they are what those digests promise, and a layer of that name here
 * would be taken for it by every image that has one. So they are packed anew: the image gets the same files under other digests,
 * the same each time. */

#include "base/reference.h"
#include "op.h"
#include "registry/stream.h"

/* context must outlive it. */
ScStreamSource *sc_ostree_source_new(const ScOpContext *context, const ScReference *reference, GError **error);
