/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image in an archive of `docker save` (and podman save): of Docker since 1.10, and since 25, whose archives are OCI layouts
 * besides. Such an archive has no manifest of the image; the one made here follows from the archive alone, so that the same image
 * has the same digest each time: the schema 2 manifest of the configuration and the layers as they lie there. A layer that lies
 * there plain goes by its diff_id, which the configuration knows; a compressed one by the digest of its bytes. */

#include "tar-index.h"
#include "transport.h"

/* request->file is the archive, a regular file. */
ScTransport *sc_docker_archive_new(const ScTransportRequest *request, GError **error);
/* The archive is in a file that is filled while it is looked at, which stays the caller's; feed must outlive the first manifest. */
ScTransport *sc_docker_archive_new_fed(const ScTransportRequest *request, int fd, const ScTarFeed *feed);
/* Of such a transport, once there was a manifest: where in the archive the layer is. */
bool sc_docker_archive_find(ScTransport *archive, const ScDigest *digest, ScExtent *ret);
