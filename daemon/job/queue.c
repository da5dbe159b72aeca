/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/queue.h"
#include "base/login.h"
#include "base/path.h"
#include "job/handover.h"
#include "job/stage.h"
#include <string.h>

#define READABLE_SECONDS 60
#define PROGRESS_INTERVAL_MS 100

struct ScQueue {
        const ScConfig *config;
        const ScStageRunner *runner;
        gpointer runner_data;
        const ScQueueSink *sink;
        gpointer sink_data;
        GPtrArray *entries; /* Entry, by number */
        guint64 last_id;
        guint schedule_source;
        char *salt; /* of twin keys: they say whether two are the same, and nothing else */
};

/* A job, and what the queue keeps of it for itself. */
typedef struct {
        ScQueue *queue;
        ScJob *job;
        gpointer stage;     /* of the runner, while one runs */
        gpointer next;      /* prepared for the stage after it */
        bool is_prepared;   /* next was asked for */
        bool ending;        /* its stage has ended; waits for sc_queue_settle() */
        GHashTable *result; /* of the stage that ended; NULL: it failed */
        guint progress_source;
        bool progress_pending;
        guint removal_source;
} Entry;

static void entry_free(gpointer data)
{
        Entry *entry = data;
        g_clear_handle_id(&entry->progress_source, g_source_remove);
        g_clear_handle_id(&entry->removal_source, g_source_remove);
        if (entry->stage != NULL)
                entry->queue->runner->free(entry->stage);
        if (entry->next != NULL)
                entry->queue->runner->free(entry->next);
        g_clear_pointer(&entry->result, g_hash_table_unref);
        sc_job_free(entry->job);
        g_free(entry);
}

ScQueue *sc_queue_new(const ScConfig *config, const ScStageRunner *runner, gpointer runner_data, const ScQueueSink *sink,
                      gpointer sink_data)
{
        ScQueue *queue = g_new0(ScQueue, 1);
        queue->config = config;
        queue->runner = runner;
        queue->runner_data = runner_data;
        queue->sink = sink;
        queue->sink_data = sink_data;
        queue->entries = g_ptr_array_new_with_free_func(entry_free);
        queue->salt = sc_random_name(32);
        return queue;
}

void sc_queue_free(ScQueue *queue)
{
        if (queue == NULL)
                return;
        g_clear_handle_id(&queue->schedule_source, g_source_remove);
        g_ptr_array_unref(queue->entries);
        g_free(queue->salt);
        g_free(queue);
}

static Entry *entry_of(ScQueue *queue, const ScJob *job)
{
        for (guint i = 0; i < queue->entries->len; i++) {
                Entry *entry = g_ptr_array_index(queue->entries, i);
                if (entry->job == job)
                        return entry;
        }
        g_assert_not_reached();
}

static bool is_alive(const Entry *entry)
{
        return !sc_job_state_is_over(entry->job->state);
}

static bool is_started(const Entry *entry)
{
        return is_alive(entry) && entry->job->state != SC_JOB_QUEUED;
}

static gboolean on_removal(gpointer data)
{
        Entry *entry = data;
        ScQueue *queue = entry->queue;
        entry->removal_source = 0;
        queue->sink->removed(queue->sink_data, entry->job);
        g_ptr_array_remove(queue->entries, entry);
        return G_SOURCE_REMOVE;
}

static void schedule(ScQueue *queue);

static void finish(Entry *entry, ScJobState state)
{
        ScQueue *queue = entry->queue;
        g_clear_handle_id(&entry->progress_source, g_source_remove);
        entry->job->state = state;
        sc_handover_drop(entry->job->id);
        g_clear_pointer(&entry->next, queue->runner->free);
        g_clear_pointer(&entry->job->fds, g_array_unref);
        entry->removal_source = g_timeout_add_seconds(READABLE_SECONDS, on_removal, entry);
        queue->sink->over(queue->sink_data, entry->job);
        /* It is only looked at from now on. */
        json_object_unref(entry->job->options);
        entry->job->options = json_object_new();
        schedule(queue);
}

static void emit_progress(Entry *entry)
{
        entry->progress_pending = false;
        entry->queue->sink->progress(entry->queue->sink_data, entry->job);
}

static gboolean on_progress_interval(gpointer data)
{
        Entry *entry = data;
        if (!entry->progress_pending) {
                entry->progress_source = 0;
                return G_SOURCE_REMOVE;
        }
        emit_progress(entry);
        return G_SOURCE_CONTINUE;
}

/* Of a pull that an earlier daemon started it may be forgotten what was to follow. */
static bool is_last_stage(const ScJob *job)
{
        return job->stage == SC_STAGE_MAIN || strcmp(job->operation, "pull") == 0;
}

/* What is left of a pull when all has come is mostly waiting for the disk: time in which the next worker can be made. If it cannot,
 * the stage is started later, as ever. */
static void prepare_next(Entry *entry)
{
        ScQueue *queue = entry->queue;
        if (entry->is_prepared || queue->runner->prepare == NULL || is_last_stage(entry->job) ||
            entry->job->state != SC_JOB_RUNNING)
                return;
        entry->is_prepared = true;
        entry->job->stage = SC_STAGE_MAIN;
        entry->next = queue->runner->prepare(queue->runner_data, entry->job);
        entry->job->stage = SC_STAGE_PULL;
}

static void on_progress(gpointer data, const char *phase, guint64 done, guint64 total)
{
        Entry *entry = data;
        ScJob *job = entry->job;
        if (total > 0 && done >= total)
                prepare_next(entry);
        if (strcmp(job->phase, phase) != 0) {
                g_free(job->phase);
                job->phase = g_strdup(phase);
        }
        job->done = done;
        job->total = total;
        entry->progress_pending = true;
        if (entry->progress_source == 0) {
                emit_progress(entry);
                entry->progress_source = g_timeout_add(PROGRESS_INTERVAL_MS, on_progress_interval, entry);
        }
}

static void on_message(gpointer data, const char *line)
{
        Entry *entry = data;
        g_free(entry->job->message);
        entry->job->message = g_strdup(line);
        entry->queue->sink->message(entry->queue->sink_data, entry->job, line);
}

static void on_ended(gpointer data, GHashTable *details, const GError *error)
{
        Entry *entry = data;
        ScQueue *queue = entry->queue;
        if (entry->progress_pending)
                emit_progress(entry);
        if (error != NULL) {
                entry->job->error = g_error_copy(error);
                if (details != NULL) {
                        g_hash_table_unref(entry->job->details);
                        entry->job->details = sc_string_map_copy(details);
                }
        } else
                entry->result = sc_string_map_copy(details);
        g_clear_pointer(&entry->stage, queue->runner->free); /* owns details and error */
        entry->ending = true;
        queue->sink->ending(queue->sink_data, entry->job);
}

static const ScStageSink stage_sink = {.progress = on_progress, .message = on_message, .ended = on_ended};

/* The worker cannot be started: there is no stage to end, so the job ends from here. */
static void start_stage(Entry *entry)
{
        ScQueue *queue = entry->queue;
        g_autoptr(GError) error = NULL;
        if (entry->next != NULL && queue->runner->go(entry->next, &stage_sink, entry))
                entry->stage = g_steal_pointer(&entry->next);
        g_clear_pointer(&entry->next, queue->runner->free);
        if (entry->stage == NULL)
                entry->stage = queue->runner->start(queue->runner_data, entry->job, &stage_sink, entry, &error);
        sc_stage_forget_logins(entry->job);
        /* The worker has its own: who reads at the other end of a pipe must see it end. */
        if (entry->job->stage == SC_STAGE_MAIN)
                g_clear_pointer(&entry->job->fds, g_array_unref);
        if (entry->stage == NULL)
                on_ended(entry, NULL, error);
}

static void set_state(Entry *entry, ScJobState state)
{
        entry->job->state = state;
        entry->queue->sink->state(entry->queue->sink_data, entry->job);
}

/* By then the name may mean another image: somebody else has pulled, too. */
static void start_main_stage(Entry *entry)
{
        g_free(entry->job->pulled);
        entry->job->pulled = g_strdup(g_hash_table_lookup(entry->result, "commit"));
        g_clear_pointer(&entry->result, g_hash_table_unref);
        entry->job->stage = SC_STAGE_MAIN;
        start_stage(entry);
}

void sc_queue_settle(ScQueue *queue, ScJob *job)
{
        Entry *entry = entry_of(queue, job);
        g_return_if_fail(entry->ending);
        entry->ending = false;
        if (entry->result == NULL && g_error_matches(job->error, SC_ERROR, SC_ERROR_CANCELLED) && job->state == SC_JOB_CANCELLING) {
                finish(entry, SC_JOB_CANCELLED);
        } else if (entry->result == NULL) {
                finish(entry, SC_JOB_FAILED);
        } else if (is_last_stage(job)) {
                g_hash_table_unref(job->details);
                job->details = g_steal_pointer(&entry->result);
                finish(entry, SC_JOB_DONE);
        } else if (job->state == SC_JOB_CANCELLING) {
                g_set_error(&job->error, SC_ERROR, SC_ERROR_CANCELLED, "Cancelled");
                finish(entry, SC_JOB_CANCELLED);
        } else {
                start_main_stage(entry);
        }
}

/* Whether a container is taken by a job that came earlier, waiting or running. */
static bool is_held_up(ScQueue *queue, guint index)
{
        const Entry *entry = g_ptr_array_index(queue->entries, index);
        if (entry->job->container == NULL)
                return false;
        for (guint i = 0; i < index; i++) {
                const Entry *earlier = g_ptr_array_index(queue->entries, i);
                if (is_alive(earlier) && g_strcmp0(earlier->job->container, entry->job->container) == 0)
                        return true;
        }
        return false;
}

/* A command that somebody has running does little itself. */
static bool takes_turn(const ScJob *job)
{
        return (job->flags & SC_JOB_MAY_LAST) == 0 || job->stage != SC_STAGE_MAIN;
}

static guint count_started(ScQueue *queue)
{
        guint count = 0;
        for (guint i = 0; i < queue->entries->len; i++) {
                const Entry *entry = g_ptr_array_index(queue->entries, i);
                count += is_started(entry) && takes_turn(entry->job) ? 1 : 0;
        }
        return count;
}

void sc_queue_start_ready(ScQueue *queue)
{
        g_clear_handle_id(&queue->schedule_source, g_source_remove);
        for (guint i = 0; i < queue->entries->len; i++) {
                Entry *entry = g_ptr_array_index(queue->entries, i);
                if (entry->job->state != SC_JOB_QUEUED || is_held_up(queue, i) ||
                    (takes_turn(entry->job) && count_started(queue) >= queue->config->max_jobs))
                        continue;
                set_state(entry, SC_JOB_RUNNING);
                if (entry->job->note != NULL)
                        on_message(entry, entry->job->note);
                start_stage(entry);
        }
}

static gboolean on_schedule(gpointer data)
{
        ScQueue *queue = data;
        queue->schedule_source = 0;
        sc_queue_start_ready(queue);
        return G_SOURCE_REMOVE;
}

static void schedule(ScQueue *queue)
{
        if (queue->schedule_source == 0)
                queue->schedule_source = g_idle_add_full(G_PRIORITY_DEFAULT, on_schedule, queue, NULL);
}

static Entry *insert(ScQueue *queue, ScJob *job)
{
        Entry *entry = g_new0(Entry, 1);
        entry->queue = queue;
        entry->job = job;
        g_ptr_array_add(queue->entries, entry);
        queue->last_id = MAX(queue->last_id, job->id);
        return entry;
}

/* A pull can be shared, where both callers get the same: without options, or with the same credentials. */
static char *make_twin_key(ScQueue *queue, const ScJob *job)
{
        char secret[SC_LOGIN_MAX_SIZE];
        gssize size = sc_stage_read_credentials(job, secret, sizeof(secret));
        if (strcmp(job->operation, "pull") != 0 || size < 0 || json_object_get_size(job->options) > (size > 0 ? 1 : 0))
                return NULL;
        if (size == 0)
                return g_strdup("");
        char *key = g_compute_hmac_for_data(G_CHECKSUM_SHA256, (const guchar *)queue->salt, strlen(queue->salt),
                                            (const guchar *)secret, (gsize)size);
        explicit_bzero(secret, (gsize)size);
        return key;
}

static ScJob *find_twin(ScQueue *queue, const ScJob *job)
{
        if (job->twin_key == NULL)
                return NULL;
        for (guint i = 0; i < queue->entries->len; i++) {
                const Entry *entry = g_ptr_array_index(queue->entries, i);
                const ScJob *other = entry->job;
                if ((other->state == SC_JOB_QUEUED || other->state == SC_JOB_RUNNING) && !entry->ending && other->uid == job->uid &&
                    strcmp(other->operation, "pull") == 0 && strcmp(other->subject, job->subject) == 0 &&
                    g_strcmp0(other->twin_key, job->twin_key) == 0)
                        return entry->job;
        }
        return NULL;
}

/* The job goes on for the one who did not ask for its end. */
static void join(ScJob *job, ScJob *newcomer)
{
        bool is_new = (job->flags & ~newcomer->flags) != 0;
        job->flags &= newcomer->flags;
        for (guint i = 0; i < newcomer->owners->len; i++) {
                const char *owner = g_ptr_array_index(newcomer->owners, i);
                if (sc_job_is_owner(job, owner))
                        continue;
                g_ptr_array_add(job->owners, g_strdup(owner));
                is_new = true;
        }
        if (is_new)
                sc_handover_renew(job);
}

ScJob *sc_queue_add(ScQueue *queue, ScJob *job, GError **error)
{
        g_autoptr(ScJob) newcomer = job;
        job->twin_key = make_twin_key(queue, job);
        ScJob *twin = find_twin(queue, job);
        if (twin != NULL) {
                join(twin, newcomer);
                return twin;
        }
        guint count = sc_queue_count(queue, job->uid);
        if (job->uid != 0 && count >= queue->config->max_jobs_per_user) {
                sc_throw(error, SC_ERROR_BUSY,
                         "User %u has %u jobs waiting and running already: wait for one to end, or cancel one", (unsigned)job->uid,
                         count);
                return NULL;
        }
        newcomer->id = queue->last_id + 1;
        newcomer->stage = newcomer->pull != NULL ? SC_STAGE_PULL : SC_STAGE_MAIN;
        Entry *entry = insert(queue, g_steal_pointer(&newcomer));
        queue->sink->added(queue->sink_data, entry->job);
        schedule(queue);
        return entry->job;
}

bool sc_queue_adopt(ScQueue *queue, ScJob *job,
                    gpointer (*start)(gpointer data, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error),
                    gpointer start_data, GError **error)
{
        Entry *entry = insert(queue, job);
        if (job->state != SC_JOB_CANCELLING)
                job->state = SC_JOB_RUNNING;
        entry->stage = start(start_data, job, &stage_sink, entry, error);
        if (entry->stage == NULL) {
                g_ptr_array_remove(queue->entries, entry);
                return false;
        }
        queue->sink->added(queue->sink_data, job);
        return true;
}

guint64 sc_queue_last_number(ScQueue *queue)
{
        return queue->last_id;
}

void sc_queue_skip_numbers(ScQueue *queue, guint64 highest)
{
        queue->last_id = MAX(queue->last_id, highest);
}

ScJob *sc_queue_find(ScQueue *queue, guint64 id)
{
        for (guint i = 0; i < queue->entries->len; i++) {
                const Entry *entry = g_ptr_array_index(queue->entries, i);
                if (entry->job->id == id)
                        return entry->job;
        }
        return NULL;
}

static int compare_ids(gconstpointer a, gconstpointer b)
{
        const ScJob *const *left = a, *const *right = b;
        return (*left)->id < (*right)->id ? -1 : (*left)->id > (*right)->id;
}

void sc_queue_hear(ScQueue *queue, ScJob *job)
{
        Entry *entry = entry_of(queue, job);
        if (entry != NULL && entry->stage != NULL && queue->runner->hear != NULL)
                queue->runner->hear(entry->stage);
}

GPtrArray *sc_queue_list(ScQueue *queue)
{
        GPtrArray *jobs = g_ptr_array_new();
        for (guint i = 0; i < queue->entries->len; i++)
                g_ptr_array_add(jobs, ((const Entry *)g_ptr_array_index(queue->entries, i))->job);
        g_ptr_array_sort(jobs, compare_ids);
        return jobs;
}

void sc_queue_cancel(ScQueue *queue, ScJob *job)
{
        Entry *entry = entry_of(queue, job);
        if (job->state == SC_JOB_QUEUED) {
                g_set_error(&job->error, SC_ERROR, SC_ERROR_CANCELLED, "Cancelled before it started");
                finish(entry, SC_JOB_CANCELLED);
        } else if (job->state == SC_JOB_RUNNING) {
                set_state(entry, SC_JOB_CANCELLING);
                sc_handover_renew(job);
                g_clear_pointer(&entry->next, queue->runner->free);
                if (entry->stage != NULL)
                        queue->runner->cancel(entry->stage);
        } else if (job->state == SC_JOB_CANCELLING && entry->stage != NULL) {
                queue->runner->cancel(entry->stage); /* whoever says it twice means that it did not help */
        }
}

void sc_queue_owner_gone(ScQueue *queue, const char *owner)
{
        g_autoptr(GPtrArray) jobs = sc_queue_list(queue);
        for (guint i = 0; i < jobs->len; i++) {
                ScJob *job = g_ptr_array_index(jobs, i);
                guint index;
                if (!g_ptr_array_find_with_equal_func(job->owners, owner, g_str_equal, &index))
                        continue;
                g_ptr_array_remove_index(job->owners, index);
                if (job->owners->len == 0 && (job->state == SC_JOB_QUEUED || (job->flags & SC_JOB_CANCEL_ON_DISCONNECT) != 0))
                        sc_queue_cancel(queue, job);
        }
}

guint sc_queue_count(ScQueue *queue, uid_t uid)
{
        guint count = 0;
        for (guint i = 0; i < queue->entries->len; i++) {
                const Entry *entry = g_ptr_array_index(queue->entries, i);
                count += is_alive(entry) && entry->job->uid == uid ? 1 : 0;
        }
        return count;
}

bool sc_queue_is_busy(ScQueue *queue, const char *container)
{
        for (guint i = 0; i < queue->entries->len; i++) {
                const Entry *entry = g_ptr_array_index(queue->entries, i);
                if (is_alive(entry) && g_strcmp0(entry->job->container, container) == 0)
                        return true;
        }
        return false;
}

bool sc_queue_is_empty(ScQueue *queue)
{
        return queue->entries->len == 0;
}
