/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an image that is pulled is called here. */

#include "base/reference.h"
#include "op.h"
#include "registry/transport.h"

/* Newly allocated, canonical. The reference's own name; for a file, of which the manifest has been read: the option `name`; what
 * the file says; the option `file-name`, which is what the file itself is called. InvalidArgument where there is none. */
char *sc_import_name(const ScOpContext *context, const ScReference *reference, ScTransport *transport, GError **error);
