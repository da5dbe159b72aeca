/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a daemon leaves to the next one when it is restarted: of each running job its record and the socket to its worker, in the
 * file descriptor store of the service manager (sd_notify FDSTORE=1, under the name job-N, or job-N-pull for a pull that something
 * else follows). Where there is no service manager, nothing is kept.
 *
 * The record is a file in memory, of lines that are only appended: "J" with the job (sc_job_to_text), which is as the last of them
 * says, and "W" with its worker's last word (sc_packet_to_text), which is not in the socket any more. What has no end of line was
 * not written to its end. */

#include "job/job.h"
#include "job/protocol.h"

/* The job's present stage. Returns the record's descriptor, which is not the caller's; -1: none can be kept. */
int sc_handover_save(const ScJob *job, int socket_fd);
/* The job is cancelled, or somebody else's, too. Nothing where it has no record. */
void sc_handover_renew(const ScJob *job);
void sc_handover_keep_last_word(guint64 id, const ScPacket *packet);
/* The pull is over, and what follows it is saved. */
void sc_handover_drop_pull(guint64 id);
/* The job is over. */
void sc_handover_drop(guint64 id);

typedef struct {
        ScJob *job; /* SC_JOB_CANCELLING where it was that */
        int socket_fd;
        int record_fd;       /* until sc_handover_go_on() */
        ScPacket *last_word; /* NULL: it is still to come */
} ScHandover;
void sc_handover_free(ScHandover *handover);
/* The record is that of a running job again. */
void sc_handover_go_on(ScHandover *handover);

/* What the daemon before left, the latest stage of a job first; a pair that makes no sense is dropped with a line in the journal.
 * To be called once. */
GPtrArray *sc_handover_load(void);
/* The same of these descriptors, which are taken over, and their names. */
GPtrArray *sc_handover_read(char *const *names, const int *fds, guint n_fds);
