/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What comes through a pipe and has to be read in another order than it comes: an archive has its list of images where its writer
 * liked to have it, at the end with `docker save` and skopeo. It is written to a file without a name in the repository's file
 * system, where the layers will go, too: the kernel removes it with the last descriptor, however the worker ends. */

#include "base/report.h"
#include "repository.h"
#include <gio/gio.h>

typedef struct {
        guint64 max;         /* bytes; more is InvalidArgument naming the limit */
        guint stall_seconds; /* without a byte; then it is Failed */
} ScSpoolLimits;

/* The descriptor of the file, -1 on error: NoSpace, before the last of what the repository keeps free is used; Cancelled, also
 * while nothing comes. */
int sc_spool(ScRepository *repository, int pipe_fd, const ScSpoolLimits *limits, ScReport *report, GCancellable *cancellable,
             GError **error);
