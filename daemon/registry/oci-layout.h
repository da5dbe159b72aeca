/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image in an OCI image layout (image-spec: image-layout.md): in a tar file, or in a folder whose owner answers at a door
 * (base/door.h). */

#include "transport.h"

/* By the reference's source request->file is the archive, a regular file, or the end of a door. */
ScTransport *sc_oci_layout_new(const ScTransportRequest *request, GError **error);
