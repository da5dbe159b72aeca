/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An image in an archive of `docker save` that streams. It tells what is in it at its end, or anywhere: so it is asked for twice.
 * The first time its headers and small entries are taken, which is all that the image's manifest is made of, the second time the
 * layers that are wanted, in the order in which they come. Nothing of it lies on a disk. */

#include "stream.h"
#include "transport.h"

/* Owns the source. The image goes by the reference's name, whatever it is called in the archive, which holds one. */
ScTransport *sc_streamed_archive_new(const ScTransportRequest *request, ScStreamSource *source);
