/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What else skopeo can read (skopeo(1), "IMAGE NAMES"): it is run here, with the rights and the files of who calls, and hands what
 * it reads to sysconsd as an archive, through a pipe. So the daemon has no part in what these transports open. */

#include <gio/gio.h>
#include <stdbool.h>

/* "dir:FOLDER", "sif:FILE", "tarball:FILE" as they are, any other after "skopeo:". NULL: it is none of them. */
const char *sc_pull_skopeo_image(const char *text);

/* Starts it. *ret_fd: where the archive comes; it is the caller's, who then ends *ret_process with sc_pull_skopeo_end(). */
bool sc_pull_skopeo_start(const char *image, int *ret_fd, GPid *ret_process, GError **error);
/* It has written all, or nobody reads any more: to be called when *ret_fd is closed everywhere. */
void sc_pull_skopeo_end(GPid process);
