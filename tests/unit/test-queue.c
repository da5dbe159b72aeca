/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"
#include "job/handover.h"
#include "job/process.h"
#include "job/queue.h"
#include "job/sandbox.h"
#include "job/stage.h"
#include "base/login.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A stage that does what the test says. */
typedef struct {
        const ScStageSink *sink;
        gpointer sink_data;
        guint64 job;
        char *operation;
        bool cancelled;
} FakeStage;

static GPtrArray *stages;   /* running FakeStage */
static GPtrArray *prepared; /* FakeStage that are not told yet what to do */
static bool start_fails, prepare_fails, go_fails;
static guint preparations;
static GString *heard; /* what the sink was told, one letter and number each */
static bool settles;
static ScConfig config;
static ScQueue *queue;

static FakeStage *fake_stage_new(const ScJob *job, GPtrArray *list)
{
        FakeStage *stage = g_new0(FakeStage, 1);
        stage->job = job->id;
        stage->operation = g_strdup_printf("%s %s", sc_job_stage_operation(job), sc_job_stage_subject(job));
        g_ptr_array_add(list, stage);
        return stage;
}

static gpointer fake_start(gpointer data, const ScJob *job, const ScStageSink *sink, gpointer sink_data, GError **error)
{
        if (start_fails) {
                sc_throw(error, SC_ERROR_FAILED, "no systemd");
                return NULL;
        }
        FakeStage *stage = fake_stage_new(job, stages);
        stage->sink = sink;
        stage->sink_data = sink_data;
        return stage;
}

static gpointer fake_prepare(gpointer data, const ScJob *job)
{
        preparations++;
        return prepare_fails ? NULL : fake_stage_new(job, prepared);
}

static bool fake_go(gpointer waiting, const ScStageSink *sink, gpointer sink_data)
{
        FakeStage *stage = waiting;
        if (go_fails)
                return false;
        stage->sink = sink;
        stage->sink_data = sink_data;
        g_ptr_array_remove(prepared, stage);
        g_ptr_array_add(stages, stage);
        return true;
}

static void fake_cancel(gpointer data)
{
        ((FakeStage *)data)->cancelled = true;
}

static void fake_free(gpointer data)
{
        FakeStage *stage = data;
        g_ptr_array_remove(stages, stage);
        g_ptr_array_remove(prepared, stage);
        g_free(stage->operation);
        g_free(stage);
}

static const ScStageRunner runner = {
        .start = fake_start, .prepare = fake_prepare, .go = fake_go, .cancel = fake_cancel, .free = fake_free};

static void hear(char what, const ScJob *job)
{
        g_string_append_printf(heard, "%c%u ", what, (unsigned)job->id);
}

static void on_added(gpointer data, ScJob *job)
{
        hear('+', job);
}

static void on_state(gpointer data, ScJob *job)
{
        hear(job->state == SC_JOB_RUNNING ? 'r' : 'c', job);
}

static void on_progress(gpointer data, ScJob *job)
{
        hear('p', job);
}

static void on_message(gpointer data, ScJob *job, const char *line)
{
        hear('m', job);
}

static void on_ending(gpointer data, ScJob *job)
{
        ck_assert(!sc_job_state_is_over(job->state));
        hear('e', job);
        if (settles)
                sc_queue_settle(queue, job);
}

static void on_over(gpointer data, ScJob *job)
{
        ck_assert(sc_job_state_is_over(job->state));
        hear(job->state == SC_JOB_DONE ? 'D' : job->state == SC_JOB_FAILED ? 'F' : 'C', job);
}

static void on_removed(gpointer data, ScJob *job)
{
        hear('-', job);
}

static const ScQueueSink sink = {
        .added = on_added,
        .state = on_state,
        .progress = on_progress,
        .message = on_message,
        .ending = on_ending,
        .over = on_over,
        .removed = on_removed,
};

static void setup(void)
{
        stages = g_ptr_array_new();
        prepared = g_ptr_array_new();
        heard = g_string_new(NULL);
        settles = true;
        start_fails = prepare_fails = go_fails = false;
        preparations = 0;
        config.max_jobs = 3;
        config.max_jobs_per_user = 4;
        queue = sc_queue_new(&config, &runner, NULL, &sink, NULL);
}

static void teardown(void)
{
        sc_queue_free(queue);
        ck_assert_uint_eq(stages->len, 0);
        ck_assert_uint_eq(prepared->len, 0);
        g_ptr_array_unref(stages);
        g_ptr_array_unref(prepared);
        g_string_free(heard, TRUE);
}

static void run_loop(void)
{
        while (g_main_context_iteration(NULL, FALSE))
                ;
}

static ScJob *new_job(const char *operation, const char *subject, const char *container, uid_t uid, const char *owner)
{
        ScJob *job = sc_job_new(operation, subject, uid);
        job->container = g_strdup(container);
        if (owner != NULL)
                g_ptr_array_add(job->owners, g_strdup(owner));
        return job;
}

static ScJob *add(const char *operation, const char *subject, const char *container, uid_t uid, const char *owner)
{
        g_autoptr(GError) error = NULL;
        ScJob *job = sc_queue_add(queue, new_job(operation, subject, container, uid, owner), &error);
        ck_assert_no_error(error);
        ck_assert_ptr_nonnull(job);
        return job;
}

static FakeStage *stage_of(const ScJob *job)
{
        for (guint i = 0; i < stages->len; i++) {
                FakeStage *stage = g_ptr_array_index(stages, i);
                if (stage->job == job->id)
                        return stage;
        }
        return NULL;
}

static void end_stage(const ScJob *job, const char *key, const char *value)
{
        FakeStage *stage = stage_of(job);
        g_autoptr(GHashTable) details = sc_string_map_new();
        if (key != NULL)
                g_hash_table_insert(details, g_strdup(key), g_strdup(value));
        stage->sink->ended(stage->sink_data, details, NULL);
        run_loop();
}

static void fail_stage(const ScJob *job, ScError code)
{
        FakeStage *stage = stage_of(job);
        g_autoptr(GError) error = g_error_new(SC_ERROR, code, "it failed");
        g_autoptr(GHashTable) details = sc_string_map_new();
        g_hash_table_insert(details, g_strdup("damaged"), g_strdup("3"));
        stage->sink->ended(stage->sink_data, details, error);
        run_loop();
}

START_TEST(job_runs_to_its_end)
{
        ScJob *job = add("install", "image", "web", 0, NULL);
        ck_assert_uint_eq(job->id, 1);
        ck_assert_int_eq(job->state, SC_JOB_QUEUED); /* never from within */
        run_loop();
        ck_assert_int_eq(job->state, SC_JOB_RUNNING);
        FakeStage *stage = stage_of(job);
        ck_assert_str_eq(stage->operation, "install image");
        stage->sink->message(stage->sink_data, "hello");
        ck_assert_str_eq(job->message, "hello");
        end_stage(job, "container", "web");
        ck_assert_int_eq(job->state, SC_JOB_DONE);
        ck_assert_str_eq(g_hash_table_lookup(job->details, "container"), "web");
        ck_assert_str_eq(heard->str, "+1 r1 m1 e1 D1 ");
        ck_assert_ptr_eq(sc_queue_find(queue, 1), job); /* readable for a while */
        ck_assert(!sc_queue_is_empty(queue));
}
END_TEST

/* What a short name was taken for is said before anything the worker says. */
START_TEST(a_note_comes_first)
{
        ScJob *job = sc_job_new("pull", "registry/image", 0);
        job->note = g_strdup("Resolved image as registry/image");
        job = sc_queue_add(queue, job, NULL);
        run_loop();
        ck_assert_str_eq(job->message, "Resolved image as registry/image");
        ck_assert_str_eq(heard->str, "+1 r1 m1 ");
}
END_TEST

START_TEST(the_listener_settles_first)
{
        settles = false;
        ScJob *job = add("start", "web", "web", 0, NULL);
        ScJob *next = add("stop", "web", "web", 0, NULL);
        run_loop();
        end_stage(job, NULL, NULL);
        ck_assert_int_eq(job->state, SC_JOB_RUNNING);
        ck_assert_int_eq(next->state, SC_JOB_QUEUED);
        sc_queue_settle(queue, job);
        run_loop();
        ck_assert_int_eq(job->state, SC_JOB_DONE);
        ck_assert_int_eq(next->state, SC_JOB_RUNNING);
}
END_TEST

START_TEST(failure_is_told)
{
        ScJob *job = add("update", "web", "web", 0, NULL);
        run_loop();
        fail_stage(job, SC_ERROR_NETWORK);
        ck_assert_int_eq(job->state, SC_JOB_FAILED);
        ck_assert_error(job->error, SC_ERROR_NETWORK, "it failed");
        ck_assert_str_eq(g_hash_table_lookup(job->details, "damaged"), "3");
        ck_assert_str_eq(heard->str, "+1 r1 e1 F1 ");
}
END_TEST

START_TEST(worker_that_cannot_start_fails_the_job)
{
        start_fails = true;
        ScJob *job = add("update", "web", "web", 0, NULL);
        run_loop();
        ck_assert_int_eq(job->state, SC_JOB_FAILED);
        ck_assert_error(job->error, SC_ERROR_FAILED, "no systemd");
}
END_TEST

START_TEST(one_container_one_job)
{
        ScJob *first = add("update", "web", "web", 0, NULL);
        ScJob *second = add("restart", "web", "web", 0, NULL);
        ScJob *third = add("stop", "web", "web", 0, NULL);
        ScJob *other = add("stop", "db", "db", 0, NULL);
        run_loop();
        ck_assert_int_eq(first->state, SC_JOB_RUNNING);
        ck_assert_int_eq(second->state, SC_JOB_QUEUED);
        ck_assert_int_eq(third->state, SC_JOB_QUEUED);
        ck_assert_int_eq(other->state, SC_JOB_RUNNING);
        ck_assert(sc_queue_is_busy(queue, "web"));
        fail_stage(first, SC_ERROR_FAILED);
        ck_assert_int_eq(second->state, SC_JOB_RUNNING);
        ck_assert_int_eq(third->state, SC_JOB_QUEUED);
        end_stage(second, NULL, NULL);
        end_stage(third, NULL, NULL);
        ck_assert(!sc_queue_is_busy(queue, "web"));
}
END_TEST

START_TEST(so_many_at_once)
{
        ScJob *jobs[5];
        for (unsigned i = 0; i < 5; i++) {
                g_autofree char *image = g_strdup_printf("image-%u", i);
                jobs[i] = add("pull", image, NULL, 0, NULL);
        }
        run_loop();
        ck_assert_uint_eq(stages->len, 3);
        ck_assert_int_eq(jobs[3]->state, SC_JOB_QUEUED);
        end_stage(jobs[1], NULL, NULL);
        ck_assert_uint_eq(stages->len, 3);
        ck_assert_int_eq(jobs[3]->state, SC_JOB_RUNNING);
        ck_assert_int_eq(jobs[4]->state, SC_JOB_QUEUED);
}
END_TEST

START_TEST(what_may_last_takes_nobodys_turn)
{
        ScJob *last = NULL;
        for (unsigned i = 0; i <= config.max_jobs; i++) {
                ScJob *job = new_job("run", "web", NULL, 0, NULL);
                job->flags = SC_JOB_MAY_LAST;
                last = sc_queue_add(queue, job, NULL);
        }
        run_loop();
        ck_assert_int_eq(last->state, SC_JOB_RUNNING);
        ScJob *stop = add("stop", "web", "web", 0, NULL);
        run_loop();
        ck_assert_int_eq(stop->state, SC_JOB_RUNNING);
}
END_TEST

START_TEST(so_many_a_user)
{
        for (unsigned i = 0; i < 4; i++) {
                g_autofree char *image = g_strdup_printf("image-%u", i);
                add("pull", image, NULL, 1000, ":1.1");
        }
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(sc_queue_add(queue, new_job("pull", "one more", NULL, 1000, ":1.1"), &error));
        ck_assert_error(error, SC_ERROR_BUSY, "User 1000");
        add("pull", "one more", NULL, 1001, ":1.2");
        for (unsigned i = 0; i < 6; i++)
                add("prune", "", NULL, 0, NULL);
        ck_assert_uint_eq(sc_queue_count(queue, 1000), 4);
        run_loop();
        end_stage(sc_queue_find(queue, 1), NULL, NULL);
        add("pull", "now", NULL, 1000, ":1.1");
}
END_TEST

START_TEST(same_pull_is_joined)
{
        ScJob *first = add("pull", "image", NULL, 1000, ":1.1");
        run_loop();
        ck_assert_ptr_eq(add("pull", "image", NULL, 1000, ":1.2"), first);
        ck_assert(sc_job_is_owner(first, ":1.1"));
        ck_assert(sc_job_is_owner(first, ":1.2"));
        ck_assert_ptr_eq(add("pull", "image", NULL, 1000, ":1.2"), first);
        ck_assert_uint_eq(first->owners->len, 2);

        ck_assert_ptr_ne(add("pull", "image", NULL, 1001, ":1.3"), first);
        ck_assert_ptr_ne(add("pull", "http:image", NULL, 1000, ":1.1"), first);
        ScJob *with_option = new_job("pull", "image", NULL, 1000, ":1.1");
        json_object_set_string_member(with_option->options, "replace", "yes");
        ck_assert_ptr_ne(sc_queue_add(queue, with_option, NULL), first);

        sc_queue_cancel(queue, first);
        ck_assert_ptr_ne(add("pull", "image", NULL, 1000, ":1.1"), first);
}
END_TEST

START_TEST(waiting_job_is_cancelled_at_once)
{
        ScJob *running = add("update", "web", "web", 0, NULL);
        ScJob *waiting = add("stop", "web", "web", 0, NULL);
        run_loop();
        sc_queue_cancel(queue, waiting);
        ck_assert_int_eq(waiting->state, SC_JOB_CANCELLED);
        end_stage(running, NULL, NULL);
        ck_assert_uint_eq(stages->len, 0);
}
END_TEST

START_TEST(caller_who_goes_at_once_finds_his_job_running)
{
        ScJob *job = add("update", "web", "web", 1000, ":1.1");
        sc_queue_start_ready(queue);
        sc_queue_owner_gone(queue, ":1.1");
        ck_assert_int_eq(job->state, SC_JOB_RUNNING);
        run_loop();
        ck_assert_uint_eq(stages->len, 1);
}
END_TEST

START_TEST(running_job_is_asked_to_end)
{
        ScJob *job = add("update", "web", "web", 0, NULL);
        run_loop();
        sc_queue_cancel(queue, job);
        ck_assert_int_eq(job->state, SC_JOB_CANCELLING);
        ck_assert(stage_of(job)->cancelled);
        /* said again, it is asked again */
        stage_of(job)->cancelled = false;
        sc_queue_cancel(queue, job);
        ck_assert(stage_of(job)->cancelled);
        fail_stage(job, SC_ERROR_CANCELLED);
        ck_assert_int_eq(job->state, SC_JOB_CANCELLED);
        sc_queue_cancel(queue, job);
        ck_assert_int_eq(job->state, SC_JOB_CANCELLED);
        ck_assert_str_eq(heard->str, "+1 r1 c1 e1 C1 ");
}
END_TEST

START_TEST(cancel_that_comes_too_late)
{
        ScJob *done = add("update", "web", "web", 0, NULL);
        ScJob *failed = add("update", "db", "db", 0, NULL);
        run_loop();
        sc_queue_cancel(queue, done);
        sc_queue_cancel(queue, failed);
        end_stage(done, NULL, NULL);
        fail_stage(failed, SC_ERROR_NETWORK);
        ck_assert_int_eq(done->state, SC_JOB_DONE);
        ck_assert_int_eq(failed->state, SC_JOB_FAILED);
}
END_TEST

START_TEST(cancelled_word_of_a_worker_that_nobody_cancelled_is_a_failure)
{
        ScJob *job = add("update", "web", "web", 0, NULL);
        run_loop();
        fail_stage(job, SC_ERROR_CANCELLED);
        ck_assert_int_eq(job->state, SC_JOB_FAILED);
}
END_TEST

START_TEST(caller_who_vanishes)
{
        ScJob *running = add("update", "web", "web", 1000, ":1.1");
        ScJob *waiting = add("stop", "web", "web", 1000, ":1.1");
        ScJob *shared = add("pull", "image", NULL, 1000, ":1.1");
        add("pull", "image", NULL, 1000, ":1.2");
        run_loop();
        sc_queue_owner_gone(queue, ":1.1");
        ck_assert_int_eq(running->state, SC_JOB_RUNNING);
        ck_assert_int_eq(waiting->state, SC_JOB_CANCELLED);
        ck_assert_int_eq(shared->state, SC_JOB_RUNNING);
}
END_TEST

START_TEST(caller_who_wanted_it_cancelled)
{
        ScJob *alone = new_job("update", "web", "web", 1000, ":1.1");
        alone->flags = SC_JOB_CANCEL_ON_DISCONNECT;
        alone = sc_queue_add(queue, alone, NULL);
        ScJob *shared = new_job("pull", "image", NULL, 1000, ":1.1");
        shared->flags = SC_JOB_CANCEL_ON_DISCONNECT;
        shared = sc_queue_add(queue, shared, NULL);
        add("pull", "image", NULL, 1000, ":1.2"); /* did not ask for that */
        run_loop();
        sc_queue_owner_gone(queue, ":1.1");
        ck_assert_int_eq(alone->state, SC_JOB_CANCELLING);
        sc_queue_owner_gone(queue, ":1.2");
        ck_assert_int_eq(shared->state, SC_JOB_RUNNING);
}
END_TEST

static ScJob *add_with_pull(void)
{
        ScJob *job = new_job("install", "image", "web", 0, NULL);
        job->pull = g_strdup("http:image");
        return sc_queue_add(queue, job, NULL);
}

START_TEST(pull_comes_first)
{
        ScJob *job = add_with_pull();
        run_loop();
        ck_assert_str_eq(stage_of(job)->operation, "pull http:image");
        ck_assert_ptr_null(job->pulled);
        end_stage(job, "commit", "0123");
        ck_assert_int_eq(job->state, SC_JOB_RUNNING);
        ck_assert_str_eq(job->pulled, "0123");
        ck_assert_str_eq(stage_of(job)->operation, "install image");
        end_stage(job, "container", "web");
        ck_assert_int_eq(job->state, SC_JOB_DONE);
        ck_assert_str_eq(g_hash_table_lookup(job->details, "container"), "web");
        ck_assert_ptr_null(g_hash_table_lookup(job->details, "commit"));
        ck_assert_str_eq(heard->str, "+1 r1 e1 e1 D1 ");
}
END_TEST

START_TEST(nothing_follows_a_pull_that_failed)
{
        ScJob *job = add_with_pull();
        run_loop();
        fail_stage(job, SC_ERROR_NETWORK);
        ck_assert_int_eq(job->state, SC_JOB_FAILED);
        ck_assert_uint_eq(stages->len, 0);
}
END_TEST

START_TEST(nothing_follows_a_pull_that_was_cancelled)
{
        ScJob *job = add_with_pull();
        run_loop();
        sc_queue_cancel(queue, job);
        end_stage(job, "id", "0123"); /* it was quicker */
        ck_assert_int_eq(job->state, SC_JOB_CANCELLED);
        ck_assert_uint_eq(stages->len, 0);
}
END_TEST

/* All that is to be fetched has come. */
static void come_to_the_end_of_the_pull(const ScJob *job)
{
        FakeStage *pull = stage_of(job);
        pull->sink->progress(pull->sink_data, "Resolving", 0, 0);
        pull->sink->progress(pull->sink_data, "Pulling", 99, 100);
        ck_assert_uint_eq(prepared->len, 0);
        pull->sink->progress(pull->sink_data, "Pulling", 100, 100);
        pull->sink->progress(pull->sink_data, "Pulling", 101, 100);
}

START_TEST(what_follows_a_pull_is_prepared)
{
        ScJob *job = add_with_pull();
        run_loop();
        come_to_the_end_of_the_pull(job);
        ck_assert_uint_eq(prepared->len, 1);
        FakeStage *waiting = g_ptr_array_index(prepared, 0);
        ck_assert_str_eq(waiting->operation, "install image");
        ck_assert_int_eq(job->stage, SC_STAGE_PULL);
        end_stage(job, "commit", "0123");
        ck_assert_str_eq(job->pulled, "0123");
        ck_assert_ptr_eq(stage_of(job), waiting);
        end_stage(job, "container", "web");
        ck_assert_int_eq(job->state, SC_JOB_DONE);
}
END_TEST

START_TEST(nobody_is_prepared_where_nothing_follows)
{
        ScJob *pull = add("pull", "image", NULL, 0, NULL), *install = add("install", "image", "web", 0, NULL);
        ScJob *cancelled = new_job("install", "image", "mail", 0, NULL);
        cancelled->pull = g_strdup("image");
        sc_queue_add(queue, cancelled, NULL);
        run_loop();
        sc_queue_cancel(queue, cancelled);
        come_to_the_end_of_the_pull(pull);
        come_to_the_end_of_the_pull(install);
        come_to_the_end_of_the_pull(cancelled);
        ck_assert_uint_eq(prepared->len, 0);
        ScJob *all[] = {pull, install, cancelled};
        for (guint i = 0; i < G_N_ELEMENTS(all); i++)
                end_stage(all[i], NULL, NULL);
}
END_TEST

START_TEST(who_was_prepared_goes_with_the_job)
{
        ScJob *failed = add_with_pull();
        run_loop();
        come_to_the_end_of_the_pull(failed);
        fail_stage(failed, SC_ERROR_NO_SPACE);
        ck_assert_uint_eq(prepared->len, 0);
        ScJob *cancelled = add_with_pull();
        run_loop();
        come_to_the_end_of_the_pull(cancelled);
        sc_queue_cancel(queue, cancelled);
        ck_assert_uint_eq(prepared->len, 0);
        fail_stage(cancelled, SC_ERROR_CANCELLED);
        ck_assert_int_eq(cancelled->state, SC_JOB_CANCELLED);
        /* And with the queue, see teardown(). */
        ScJob *running = add_with_pull();
        run_loop();
        come_to_the_end_of_the_pull(running);
        ck_assert_uint_eq(prepared->len, 1);
}
END_TEST

START_TEST(preparing_can_fail)
{
        prepare_fails = _i == 0;
        go_fails = _i == 1;
        ScJob *job = add_with_pull();
        run_loop();
        come_to_the_end_of_the_pull(job);
        ck_assert_uint_eq(prepared->len, _i == 0 ? 0 : 1);
        ck_assert_uint_eq(preparations, 1);
        end_stage(job, "commit", "0123");
        ck_assert_uint_eq(prepared->len, 0);
        ck_assert_str_eq(stage_of(job)->operation, "install image");
        end_stage(job, "container", "web");
        ck_assert_int_eq(job->state, SC_JOB_DONE);
}
END_TEST

static guint count_heard(char what)
{
        guint count = 0;
        for (const char *p = heard->str; *p != '\0'; p++)
                count += *p == what ? 1 : 0;
        return count;
}

START_TEST(progress_is_told_ten_times_a_second)
{
        ScJob *job = add("pull", "image", NULL, 0, NULL);
        run_loop();
        FakeStage *stage = stage_of(job);
        gint64 start = g_get_monotonic_time();
        guint64 done = 0;
        while (count_heard('p') < 4) {
                stage->sink->progress(stage->sink_data, "Pulling", ++done, 1000000);
                run_loop();
        }
        guint told = count_heard('p');
        /* the first at once, and a tenth of a second between two */
        ck_assert_int_ge(g_get_monotonic_time() - start, 290 * 1000);
        ck_assert_uint_eq(told, 4);
        stage->sink->progress(stage->sink_data, "Writing", 7, 9);
        end_stage(job, NULL, NULL);
        ck_assert_uint_eq(count_heard('p'), told + 1); /* the last one is not lost */
        ck_assert_str_eq(job->phase, "Writing");
        ck_assert_uint_eq(job->done, 7);
        ck_assert_uint_eq(job->total, 9);
}
END_TEST

START_TEST(adopted_job_goes_on)
{
        ScJob *old = new_job("update", "web", "web", 1000, NULL);
        old->id = 41;
        ck_assert(sc_queue_adopt(queue, old, fake_start, NULL, NULL));
        sc_queue_skip_numbers(queue, 50);
        ScJob *next = add("stop", "web", "web", 0, NULL);
        ck_assert_uint_eq(next->id, 51);
        run_loop();
        ck_assert_int_eq(old->state, SC_JOB_RUNNING);
        ck_assert_int_eq(next->state, SC_JOB_QUEUED);
        end_stage(old, NULL, NULL);
        ck_assert_int_eq(old->state, SC_JOB_DONE);
        ck_assert_int_eq(next->state, SC_JOB_RUNNING);
        g_autoptr(GPtrArray) jobs = sc_queue_list(queue);
        ck_assert_uint_eq(jobs->len, 2);
        ck_assert_ptr_eq(g_ptr_array_index(jobs, 0), old);
}
END_TEST

START_TEST(adopted_job_stays_cancelled)
{
        ScJob *old = new_job("install", "image", "web", 1000, NULL);
        old->id = 41;
        old->pull = g_strdup("image");
        old->stage = SC_STAGE_PULL;
        old->state = SC_JOB_CANCELLING;
        ck_assert(sc_queue_adopt(queue, old, fake_start, NULL, NULL));
        ck_assert_int_eq(old->state, SC_JOB_CANCELLING);
        /* the pull had come to its end before it was told */
        end_stage(old, "commit", "0123");
        ck_assert_int_eq(old->state, SC_JOB_CANCELLED);
        ck_assert_uint_eq(stages->len, 0);
}
END_TEST

START_TEST(highest_number_is_not_that_of_what_is_adopted)
{
        sc_queue_skip_numbers(queue, 50);
        ScJob *old = new_job("update", "web", "web", 1000, NULL);
        old->id = 41;
        ck_assert(sc_queue_adopt(queue, old, fake_start, NULL, NULL));
        ck_assert_uint_eq(sc_queue_last_number(queue), 50);
        ScJob *next = add("stop", "db", "db", 0, NULL);
        ck_assert_uint_eq(next->id, 51);
        ck_assert_uint_eq(sc_queue_last_number(queue), 51);
}
END_TEST

static off_t size_of(int fd)
{
        struct stat st;
        ck_assert_int_eq(fstat(fd, &st), 0);
        return st.st_size;
}

START_TEST(what_a_restart_has_to_know_is_written_down)
{
        ScJob *job = add("pull", "image", NULL, 1000, ":1.1");
        run_loop();
        int record = sc_handover_save(job, STDERR_FILENO);
        off_t size = size_of(record);
        add("pull", "image", NULL, 1000, ":1.1"); /* the same once more: nothing is new */
        ck_assert_int_eq(size_of(record), size);
        add("pull", "image", NULL, 1000, ":1.2");
        ck_assert_int_gt(size_of(record), size);
        size = size_of(record);
        sc_queue_cancel(queue, job);
        ck_assert_int_gt(size_of(record), size);
        fail_stage(job, SC_ERROR_CANCELLED);
        ck_assert_int_eq(fcntl(record, F_GETFD), -1); /* nobody has to know any more */
}
END_TEST

START_TEST(adopted_pull_without_its_record_is_all_there_is)
{
        ScJob *old = new_job("pull", "image", NULL, 0, NULL);
        old->id = 3;
        old->pull = g_strdup("image");
        old->stage = SC_STAGE_PULL;
        ck_assert(sc_queue_adopt(queue, old, fake_start, NULL, NULL));
        end_stage(old, "id", "0123");
        ck_assert_int_eq(old->state, SC_JOB_DONE);
        ck_assert_uint_eq(stages->len, 0);
}
END_TEST

static void give_reference(ScJob *job, const char *key, int index)
{
        JsonObject *reference = json_object_new();
        json_object_set_int_member(reference, "fd", index);
        json_object_set_object_member(job->options, key, reference);
}

/* A job with the writing end of a pipe; the reading end, which does not block. */
static int give_pipe(ScJob *job)
{
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        if (job->fds == NULL)
                job->fds = sc_fds_new();
        g_array_append_val(job->fds, ends[1]);
        give_reference(job, "stdout", 0);
        return ends[0];
}

static bool is_at_end(int fd)
{
        char byte;
        return read(fd, &byte, 1) == 0;
}

START_TEST(descriptors_are_kept_until_the_worker_has_them)
{
        ScJob *job = new_job("install", "image", "web", 0, NULL);
        job->pull = g_strdup("image");
        int fd = give_pipe(job);
        sc_queue_add(queue, job, NULL);
        run_loop();
        ck_assert_int_eq(job->stage, SC_STAGE_PULL);
        ck_assert(!is_at_end(fd));
        end_stage(job, "id", "0123");
        ck_assert_int_eq(job->stage, SC_STAGE_MAIN);
        ck_assert_int_eq(job->state, SC_JOB_RUNNING);
        ck_assert(is_at_end(fd));
        close(fd);
}
END_TEST

START_TEST(descriptors_go_with_a_job_that_never_runs)
{
        add("stop", "web", "web", 0, NULL);
        ScJob *job = new_job("start", "web", "web", 0, NULL);
        int fd = give_pipe(job);
        sc_queue_add(queue, job, NULL);
        run_loop();
        ck_assert(!is_at_end(fd));
        sc_queue_cancel(queue, job);
        ck_assert(is_at_end(fd));
        close(fd);
}
END_TEST

START_TEST(record_tells_that_descriptors_are_lost)
{
        g_autoptr(ScJob) job = new_job("install", "image", "web", 0, NULL);
        int fd = give_pipe(job);
        g_autofree char *text = sc_job_to_text(job);
        g_autoptr(ScJob) copy = sc_job_from_text(text, strlen(text), NULL);
        ck_assert_ptr_null(copy->fds);
        ck_assert(copy->fds_lost);
        /* and so does the record of the next daemon */
        g_autofree char *again = sc_job_to_text(copy);
        g_autoptr(ScJob) third = sc_job_from_text(again, strlen(again), NULL);
        ck_assert(third->fds_lost);
        close(fd);
}
END_TEST

/* ---- logins ---- */

static ScJob *give_credentials(ScJob *job, const char *text)
{
        if (job->fds == NULL)
                job->fds = sc_fds_new();
        int fd = sc_secret_to_fd(text, NULL);
        int index = sc_fds_add(job->fds, fd, NULL);
        close(fd);
        give_reference(job, "credentials", index);
        return job;
}

static ScJob *add_with_credentials(const char *text)
{
        return sc_queue_add(queue, give_credentials(new_job("pull", "image", NULL, 1000, ":1.1"), text), NULL);
}

START_TEST(same_pull_with_the_same_credentials_is_joined)
{
        ScJob *nobody = add("pull", "image", NULL, 1000, ":1.1");
        ScJob *me = add_with_credentials("me:secret"), *you = add_with_credentials("you:secret");
        ck_assert_ptr_ne(nobody, me);
        ck_assert_ptr_ne(me, you);
        ck_assert_ptr_eq(add_with_credentials("me:secret"), me);
        /* The text is forgotten by then, and told apart all the same. */
        run_loop();
        ck_assert_int_eq(me->state, SC_JOB_RUNNING);
        ck_assert_ptr_eq(add_with_credentials("me:secret"), me);
        ck_assert_ptr_eq(add_with_credentials("you:secret"), you);
        ck_assert_ptr_eq(add("pull", "image", NULL, 1000, ":1.1"), nobody);
        ScJob *with_file = give_credentials(new_job("pull", "image", NULL, 1000, ":1.1"), "{}");
        json_object_remove_member(with_file->options, "credentials");
        give_reference(with_file, "authfile", 0);
        with_file = sc_queue_add(queue, with_file, NULL);
        ck_assert(with_file != nobody && with_file != me && with_file != you);
        g_autofree char *text = sc_job_to_text(me);
        ck_assert_ptr_null(strstr(text, "secret"));
}
END_TEST

START_TEST(credentials_are_for_the_pull_alone)
{
        static char *places[] = {(char *)"/nonexistent", (char *)"/dev/null", (char *)"/etc/passwd", NULL};
        const ScScope scope = {.auth_files = places};
        ScJob *job = give_credentials(new_job("run", "image", NULL, 0, NULL), "me:secret");
        int fd = give_pipe(job);
        give_reference(job, "stdout", (int)job->fds->len - 1);
        job->pull = g_strdup("image");
        job->stage = SC_STAGE_PULL;
        g_autoptr(GError) error = NULL;
        for (int turn = 0; turn < 3; turn++) {
                g_autoptr(JsonObject) options = NULL;
                g_autoptr(GArray) fds = NULL;
                job->flags = turn == 1 ? SC_JOB_HOST_LOGINS : 0;
                job->stage = turn == 2 ? SC_STAGE_MAIN : SC_STAGE_PULL;
                ck_assert(sc_stage_request(job, &scope, &options, &fds, &error));
                g_autofree char *text = sc_json_to_string(options, false);
                ck_assert_str_eq(text, turn == 0   ? "{\"credentials\":{\"fd\":0}}"
                                       : turn == 1 ? "{\"credentials\":{\"fd\":0},\"logins\":[{\"fd\":1,\"path\":\"/etc/passwd\"}]}"
                                                   : "{\"stdout\":{\"fd\":0}}");
                ck_assert_uint_eq(fds->len, turn == 1 ? 2 : 1);
        }
        ck_assert(sc_stage_waits_for_fds(job));
        sc_stage_forget_logins(job);
        ck_assert(!json_object_has_member(job->options, "credentials"));
        ck_assert_int_eq(g_array_index(job->fds, int, 0), -1);
        ck_assert(sc_stage_waits_for_fds(job));
        sc_job_free(job);
        ck_assert(is_at_end(fd));
        close(fd);
}
END_TEST

START_TEST(what_is_here_needs_no_network)
{
        static const struct {
                const char *operation, *subject, *planned, *fetch, *sandbox;
        } cases[] = {
                {"pull", "localhost:5000/x", NULL, NULL, "pull"},
                {"pull", "http:a.example/x", NULL, NULL, "pull"},
                {"pull", "docker-archive:", NULL, NULL, "pull-here"},
                {"pull", "oci-layout:x", NULL, NULL, "pull-here"},
                {"pull", "docker:x", NULL, NULL, "pull-here"},
                {"pull", "ostree:x@/srv", NULL, NULL, "pull-here"},
                {"plan", "a.example/x", "pull", NULL, "plan"},
                {"plan", "docker-archive:", "pull", NULL, "plan-here"},
                {"plan", "a.example/x", "install", "a.example/x", "plan"},
                {"plan", "a.example/x", "install", NULL, "plan-here"},
                {"plan", "web", "rollback", NULL, "plan-here"},
                {"plan", "", "prune", NULL, "plan-here"},
                {"install", "a.example/x", NULL, NULL, "install"},
        };
        const ScScope scope = {.auth_files = (char *[]){NULL}};
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(ScJob) job = give_credentials(new_job(cases[i].operation, cases[i].subject, NULL, 0, NULL), "me:secret");
                if (cases[i].planned != NULL)
                        json_object_set_string_member(job->options, "operation", cases[i].planned);
                if (cases[i].fetch != NULL)
                        json_object_set_string_member(job->options, "fetch", cases[i].fetch);
                job->flags = SC_JOB_HOST_LOGINS;
                ck_assert_str_eq(sc_sandbox_name(job), cases[i].sandbox);
                bool is_online = strcmp(cases[i].sandbox, "pull") == 0 || strcmp(cases[i].sandbox, "plan") == 0;
                ck_assert_msg(sc_sandbox_has_network(cases[i].sandbox) == is_online, "%s", cases[i].sandbox);
                /* Nor does it need to know who one is. */
                g_autoptr(JsonObject) options = NULL;
                g_autoptr(GArray) fds = NULL;
                g_autoptr(GError) error = NULL;
                ck_assert(sc_stage_request(job, &scope, &options, &fds, &error));
                ck_assert(json_object_has_member(options, "credentials") == is_online);
                ck_assert(json_object_has_member(options, "logins") == is_online);
        }
}
END_TEST

START_TEST(record_holds_all_that_matters)
{
        g_autoptr(ScJob) job = new_job("install", "image", "web", 1000, ":1.7");
        job->id = 12;
        job->pull = g_strdup("http:image");
        job->stage = SC_STAGE_PULL;
        job->flags = SC_JOB_CANCEL_ON_DISCONNECT;
        json_object_set_string_member(job->options, "runtime", "crun");
        g_autofree char *text = sc_job_to_text(job);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScJob) copy = sc_job_from_text(text, strlen(text), &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(copy->id, 12);
        ck_assert_str_eq(copy->operation, "install");
        ck_assert_str_eq(copy->subject, "image");
        ck_assert_str_eq(copy->container, "web");
        ck_assert_str_eq(copy->pull, "http:image");
        ck_assert_int_eq(copy->stage, SC_STAGE_PULL);
        ck_assert_int_eq(copy->flags, SC_JOB_CANCEL_ON_DISCONNECT);
        ck_assert_uint_eq(copy->uid, 1000);
        ck_assert(sc_job_is_owner(copy, ":1.7"));
        ck_assert(!copy->fds_lost);
        ck_assert_str_eq(json_object_get_string_member(copy->options, "runtime"), "crun");

        ck_assert_ptr_null(sc_job_from_text("{}", 2, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "id");
}
END_TEST

START_TEST(units_are_told_by_their_names)
{
        g_autoptr(ScJob) job = new_job("install", "localhost:5000/hello", "hello", 0, NULL);
        job->id = 12;
        job->pull = g_strdup("http:localhost:5000/hello");
        job->stage = SC_STAGE_PULL;
        g_autofree char *pull_unit = sc_worker_unit_name(job);
        ck_assert_str_eq(pull_unit, "sysconsd-job-12-pull.service");
        g_autofree char *pull_description = sc_worker_unit_description(job);
        ck_assert_str_eq(pull_description, "sysconsd pull http:localhost:5000/hello");
        job->stage = SC_STAGE_MAIN;
        g_autofree char *unit = sc_worker_unit_name(job);
        ck_assert_str_eq(unit, "sysconsd-job-12.service");

        guint64 id;
        ScJobStage stage;
        ck_assert(sc_worker_unit_parse_name(pull_unit, &id, &stage));
        ck_assert_uint_eq(id, 12);
        ck_assert_int_eq(stage, SC_STAGE_PULL);
        ck_assert(sc_worker_unit_parse_name(unit, &id, &stage));
        ck_assert_int_eq(stage, SC_STAGE_MAIN);
        const char *const others[] = {"sysconsd.service",         "sysconsd-job-.service",
                                      "sysconsd-job-0.service",   "sysconsd-job-1.scope",
                                      "sysconsd-job-1x.service",  "sysconsd-job--1.service",
                                      "sysconsd-job-1-x.service", "sysconsd-job-99999999999999999999.service"};
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
                ck_assert_msg(!sc_worker_unit_parse_name(others[i], &id, &stage), "taken for a worker: %s", others[i]);

        g_autofree char *operation = NULL, *subject = NULL, *nothing = NULL, *prune = NULL;
        ck_assert(sc_worker_unit_parse_description(pull_description, &operation, &subject));
        ck_assert_str_eq(operation, "pull");
        ck_assert_str_eq(subject, "http:localhost:5000/hello");
        ck_assert(sc_worker_unit_parse_description("sysconsd prune ", &prune, &nothing));
        ck_assert_str_eq(nothing, "");
        ck_assert(!sc_worker_unit_parse_description("A service", &operation, &subject));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("queue");
        TCase *cases = tcase_create("jobs");
        tcase_add_checked_fixture(cases, setup, teardown);
        tcase_add_test(cases, job_runs_to_its_end);
        tcase_add_test(cases, a_note_comes_first);
        tcase_add_test(cases, the_listener_settles_first);
        tcase_add_test(cases, failure_is_told);
        tcase_add_test(cases, worker_that_cannot_start_fails_the_job);
        tcase_add_test(cases, one_container_one_job);
        tcase_add_test(cases, so_many_at_once);
        tcase_add_test(cases, what_may_last_takes_nobodys_turn);
        tcase_add_test(cases, so_many_a_user);
        tcase_add_test(cases, same_pull_is_joined);
        tcase_add_test(cases, waiting_job_is_cancelled_at_once);
        tcase_add_test(cases, caller_who_goes_at_once_finds_his_job_running);
        tcase_add_test(cases, running_job_is_asked_to_end);
        tcase_add_test(cases, cancel_that_comes_too_late);
        tcase_add_test(cases, cancelled_word_of_a_worker_that_nobody_cancelled_is_a_failure);
        tcase_add_test(cases, caller_who_vanishes);
        tcase_add_test(cases, caller_who_wanted_it_cancelled);
        tcase_add_test(cases, pull_comes_first);
        tcase_add_test(cases, nothing_follows_a_pull_that_failed);
        tcase_add_test(cases, nothing_follows_a_pull_that_was_cancelled);
        tcase_add_test(cases, what_follows_a_pull_is_prepared);
        tcase_add_test(cases, nobody_is_prepared_where_nothing_follows);
        tcase_add_test(cases, who_was_prepared_goes_with_the_job);
        tcase_add_loop_test(cases, preparing_can_fail, 0, 2);
        tcase_add_test(cases, progress_is_told_ten_times_a_second);
        tcase_add_test(cases, adopted_job_goes_on);
        tcase_add_test(cases, what_a_restart_has_to_know_is_written_down);
        tcase_add_test(cases, adopted_job_stays_cancelled);
        tcase_add_test(cases, highest_number_is_not_that_of_what_is_adopted);
        tcase_add_test(cases, adopted_pull_without_its_record_is_all_there_is);
        tcase_add_test(cases, descriptors_are_kept_until_the_worker_has_them);
        tcase_add_test(cases, descriptors_go_with_a_job_that_never_runs);
        tcase_add_test(cases, record_tells_that_descriptors_are_lost);
        tcase_add_test(cases, same_pull_with_the_same_credentials_is_joined);
        tcase_add_test(cases, credentials_are_for_the_pull_alone);
        tcase_add_test(cases, what_is_here_needs_no_network);
        tcase_add_test(cases, record_holds_all_that_matters);
        tcase_add_test(cases, units_are_told_by_their_names);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
