/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All jobs of the daemon: those that wait, in the order they came; those that run, at most config->max_jobs at once and at most one
 * a container; and those that ended less than a minute ago. Lives on one main context; knows neither the bus nor systemd. */

#include "base/config.h"
#include "job/job.h"

typedef struct ScQueue ScQueue;

/* What the queue hears from a running stage; `data` is what start was given. */
typedef struct {
        void (*progress)(gpointer data, const char *phase, guint64 done, guint64 total);
        void (*message)(gpointer data, const char *line);
        /* The last word: the stage's result, or why it failed (then details may be NULL). */
        void (*ended)(gpointer data, GHashTable *details, const GError *error);
} ScStageSink;

/* How a stage is carried out: job/process.c, or a test's stand-in. */
typedef struct {
        /* Starts the job's present stage and calls the sink later, never from within; NULL on error. */
        gpointer (*start)(gpointer data, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error);
        /* Has the job's stage ready, and tells it later what to do: job->stage is that stage, but what the one before it finds is
         * not known. Until then it does nothing and holds nothing, and it ends when it is freed. NULL where that cannot be. Both
         * this and go may be NULL. */
        gpointer (*prepare)(gpointer data, const ScJob *job);
        /* As start, for one that was prepared, and is a running stage from now on. False: it is of no use, free it, and start
         * another. */
        bool (*go)(gpointer prepared, const ScStageSink *sink, gpointer sink_data);
        /* May be called again. */
        void (*cancel)(gpointer stage);
        /* Takes what the stage has said already, and the sink is called from within. May be NULL. */
        void (*hear)(gpointer stage);
        void (*free)(gpointer stage);
} ScStageRunner;

/* What others hear from the queue. None of the functions may add jobs but `over`. */
typedef struct {
        void (*added)(gpointer data, ScJob *job);
        void (*state)(gpointer data, ScJob *job);    /* running, cancelling */
        void (*progress)(gpointer data, ScJob *job); /* phase, done, total: at most ten times a second */
        void (*message)(gpointer data, ScJob *job, const char *line);
        /* The work is done, and job->state says nothing of it yet: the listener brings its own view up to date, then calls
         * sc_queue_settle(), here or later. */
        void (*ending)(gpointer data, ScJob *job);
        void (*over)(gpointer data, ScJob *job);    /* done, failed, cancelled */
        void (*removed)(gpointer data, ScJob *job); /* a minute later; the job is freed behind it */
} ScQueueSink;

/* runner and sink are not copied; they and config must outlive the queue. */
ScQueue *sc_queue_new(const ScConfig *config, const ScStageRunner *runner, gpointer runner_data, const ScQueueSink *sink,
                      gpointer sink_data);
/* Leaves the running stages alone: their units go on. */
void sc_queue_free(ScQueue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScQueue, sc_queue_free)

/* Takes the job. Returns it, or the job that it joined (a pull of the same image for the same user); it starts from the main
 * loop, not from within. Busy where the user has too many; uid 0 has no limit. */
ScJob *sc_queue_add(ScQueue *queue, ScJob *job, GError **error);
/* Starts what may start now, without waiting for the main loop: a caller who was answered and goes at once finds his job running.
 */
void sc_queue_start_ready(ScQueue *queue);
/* A job with its number that runs already, left by an earlier daemon. start as ScStageRunner's, with its data, adopts the stage. */
bool sc_queue_adopt(ScQueue *queue, ScJob *job,
                    gpointer (*start)(gpointer data, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error),
                    gpointer start_data, GError **error);
/* The highest number that was given, or is not to be given. */
guint64 sc_queue_last_number(ScQueue *queue);
/* Numbers given from now on are above this one. */
void sc_queue_skip_numbers(ScQueue *queue, guint64 highest);

ScJob *sc_queue_find(ScQueue *queue, guint64 id);
/* Brings the job up to what its worker has said so far, without waiting for the main loop: who has seen what the worker did finds
 * it in the job. The job may be over then. */
void sc_queue_hear(ScQueue *queue, ScJob *job);
/* All jobs by number; free the array, not the jobs. */
GPtrArray *sc_queue_list(ScQueue *queue);
/* A job that is over is left as it is. */
void sc_queue_cancel(ScQueue *queue, ScJob *job);
/* After `ending`: the job is over, or its next stage starts. */
void sc_queue_settle(ScQueue *queue, ScJob *job);
/* A bus connection is gone: its waiting jobs are cancelled, and the running ones that asked for it. */
void sc_queue_owner_gone(ScQueue *queue, const char *owner);

/* Jobs of a user that wait or run. */
guint sc_queue_count(ScQueue *queue, uid_t uid);
/* True if a job on the container waits or runs. */
bool sc_queue_is_busy(ScQueue *queue, const char *container);
/* True if no job waits, runs, or can still be read. */
bool sc_queue_is_empty(ScQueue *queue);
