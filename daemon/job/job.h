/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A job: one operation that somebody asked for, from the queue to its end and a minute beyond. It is carried out in one stage, or
 * in two: a pull of its own first (its worker has the network, and no more of the host than the repository), then the operation. */

#include "base/error.h"
#include "base/fds.h"
#include "base/json.h"
#include <sys/types.h>

typedef enum {
        SC_JOB_QUEUED,
        SC_JOB_RUNNING,
        SC_JOB_CANCELLING,
        SC_JOB_DONE,
        SC_JOB_FAILED,
        SC_JOB_CANCELLED,
} ScJobState;
const char *sc_job_state_to_string(ScJobState state);
bool sc_job_state_is_over(ScJobState state);

typedef enum { SC_STAGE_PULL, SC_STAGE_MAIN } ScJobStage;

typedef enum {
        SC_JOB_CANCEL_ON_DISCONNECT = 1 << 0, /* not only while it waits */
        SC_JOB_MAY_LAST = 1 << 1,             /* its second stage may take days: it takes nobody's turn */
        SC_JOB_HOST_LOGINS = 1 << 2,          /* the host's own logins are for it, too (docs/architecture.md says for which) */
} ScJobFlags;

typedef struct {
        /* what was asked for; does not change once the job is in a queue */
        guint64 id; /* given by the queue */
        char *operation;
        char *subject;       /* an image's name or a container's, "" for prune */
        char *container;     /* the container it works on: jobs of one container run one after the other; NULL: none */
        char *pull;          /* the image to pull first, [SOURCE:]NAME; NULL: none */
        JsonObject *options; /* never NULL; may hold secrets */
        char *twin_key;      /* of a pull that another may join, who has the same; NULL: none may. The queue's */
        GArray *fds;         /* those of the options, until the worker has them; NULL: none */
        bool fds_lost;       /* an earlier daemon had them: only a worker that it had started can go on */
        uid_t uid;           /* who asked */
        ScJobFlags flags;
        GPtrArray *owners; /* unique bus names of those who asked and are still there; owned strings */
        /* how far it is; only the queue writes here */
        ScJobState state;
        ScJobStage stage;
        char *phase;
        guint64 done, total;
        char *message;       /* the last line */
        GError *error;       /* why it failed */
        char *pulled;        /* the commit of the image that its own pull found, for its main stage; NULL: there was no pull */
        GHashTable *details; /* string to string; of the result */
        char *note;          /* a line for the user that its start begins with; NULL: none */
} ScJob;

ScJob *sc_job_new(const char *operation, const char *subject, uid_t uid);
void sc_job_free(ScJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScJob, sc_job_free)

/* Operation and subject of the worker for the job's present stage. */
const char *sc_job_stage_operation(const ScJob *job);
const char *sc_job_stage_subject(const ScJob *job);

bool sc_job_is_owner(const ScJob *job, const char *name);

/* The job as a text, with all that a daemon must know to go on with it after a restart (secrets among it), and back; Corrupt. */
char *sc_job_to_text(const ScJob *job);
ScJob *sc_job_from_text(const char *text, gsize size, GError **error);
