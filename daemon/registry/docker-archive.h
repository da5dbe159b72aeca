/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image in an archive of `docker save` (and podman save): of Docker since 1.10, and since 25, whose archives are OCI layouts
 * besides. Such an archive has no manifest of the image; the one made here follows from the archive alone, so that the same image
 * has the same digest each time: the schema 2 manifest of the configuration and the layers as they lie there. A layer that lies
 * there plain goes by its diff_id, which the configuration knows; a compressed one by the digest of its bytes. */

#include "transport.h"

/* request->file is the archive, a regular file. */
ScTransport *sc_docker_archive_new(const ScTransportRequest *request, GError **error);
