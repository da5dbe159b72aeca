/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a daemon leaves to the next one when it is restarted: of each running job its record and the socket to its worker, in the
 * file descriptor store of the service manager (sd_notify FDSTORE=1, under the name job-N). Where there is no service manager,
 * nothing is kept. */

#include "job/job.h"

void sc_handover_save(const ScJob *job, int socket_fd);
void sc_handover_drop(guint64 id);

typedef struct {
        ScJob *job;
        int socket_fd;
} ScHandover;
void sc_handover_free(ScHandover *handover);

/* What the daemon before left; a pair that makes no sense is dropped with a line in the journal. To be called once. */
GPtrArray *sc_handover_load(void);
