/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test.h"
#include "base/path.h"
#include "job/handover.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the service manager holds. */
typedef struct {
        char *names[16];
        int fds[16];
        guint n;
} Store;

static void keep(Store *store, const char *name, int fd)
{
        store->names[store->n] = (char *)name;
        store->fds[store->n] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        ck_assert_int_ge(store->fds[store->n++], 0);
}

static void let_go(Store *store)
{
        sc_handover_drop(7);
        for (guint i = 0; i < store->n; i++)
                close(store->fds[i]);
}

static void keep_socket(Store *store, const char *name)
{
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        keep(store, name, pair[0]);
        close(pair[0]);
        close(pair[1]);
}

/* As a daemon does that is started: it has descriptors of its own for what the manager goes on holding. */
static GPtrArray *load(const Store *store)
{
        int fds[16];
        for (guint i = 0; i < store->n; i++)
                fds[i] = fcntl(store->fds[i], F_DUPFD_CLOEXEC, 3);
        return sc_handover_read(store->names, fds, store->n);
}

static ScJob *job_new(ScJobStage stage)
{
        ScJob *job = sc_job_new("install", "image", 1000);
        job->id = 7;
        job->pull = g_strdup("image");
        job->stage = stage;
        return job;
}

/* The record of a running job. */
static int save(Store *store, const ScJob *job, const char *name)
{
        keep_socket(store, name);
        int record = sc_handover_save(job, store->fds[store->n - 1]);
        ck_assert_int_ge(record, 0);
        keep(store, name, record);
        return record;
}

START_TEST(last_lines_count)
{
        Store store = {};
        g_autoptr(ScJob) job = job_new(SC_STAGE_MAIN);
        save(&store, job, "job-7");

        g_autoptr(GPtrArray) at_first = load(&store);
        ck_assert_uint_eq(at_first->len, 1);
        const ScHandover *kept = at_first->pdata[0];
        ck_assert_uint_eq(kept->job->id, 7);
        ck_assert_int_ne(kept->job->state, SC_JOB_CANCELLING);
        ck_assert_uint_eq(kept->job->owners->len, 0);
        ck_assert_ptr_null(kept->last_word);

        g_ptr_array_add(job->owners, g_strdup(":1.9"));
        sc_handover_renew(job);
        job->state = SC_JOB_CANCELLING;
        sc_handover_renew(job);
        g_autoptr(ScPacket) result = sc_packet_new(SC_PACKET_RESULT);
        g_hash_table_insert(result->details, g_strdup("container"), g_strdup("web"));
        sc_handover_keep_last_word(7, result);

        g_autoptr(GPtrArray) later = load(&store);
        ck_assert_uint_eq(later->len, 1);
        kept = later->pdata[0];
        ck_assert_int_eq(kept->job->state, SC_JOB_CANCELLING);
        ck_assert_str_eq(kept->job->owners->pdata[0], ":1.9");
        ck_assert_int_eq(kept->last_word->type, SC_PACKET_RESULT);
        ck_assert_str_eq(g_hash_table_lookup(kept->last_word->details, "container"), "web");
        let_go(&store);
}
END_TEST

/* The daemon was killed while it wrote it. */
START_TEST(half_a_line_is_none)
{
        Store store = {};
        g_autoptr(ScJob) job = job_new(SC_STAGE_MAIN);
        int record = save(&store, job, "job-7");
        g_autofree char *half = g_strnfill(5000, 'J'); /* longer than what comes next */
        ck_assert_int_eq(write(record, half, 5000), 5000);

        g_autoptr(GPtrArray) list = load(&store);
        ck_assert_uint_eq(list->len, 1);
        const ScHandover *kept = list->pdata[0];
        ck_assert_uint_eq(kept->job->id, 7);
        job->state = SC_JOB_CANCELLING;
        sc_handover_go_on(list->pdata[0]);
        sc_handover_renew(job);

        g_autoptr(GPtrArray) again = load(&store);
        ck_assert_uint_eq(again->len, 1);
        kept = again->pdata[0];
        ck_assert_int_eq(kept->job->state, SC_JOB_CANCELLING);
        let_go(&store);
}
END_TEST

/* It was killed between what follows a pull was saved, and the pull dropped. */
START_TEST(latest_stage_comes_first)
{
        Store store = {};
        static const char *const names[][2] = {{"job-7", "job-7-pull"}, {"job-8", "job-8-pull"}, {"job-9", "job-9-pull"}};
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                for (guint stage = 0; stage < 2; stage++) {
                        g_autoptr(ScJob) job = job_new(stage == 0 ? SC_STAGE_MAIN : SC_STAGE_PULL);
                        job->id = 7 + i;
                        save(&store, job, names[i][stage]);
                }

        g_autoptr(GPtrArray) list = load(&store);
        ck_assert_uint_eq(list->len, 6);
        for (guint i = 0; i < list->len; i++)
                ck_assert_int_eq(((const ScHandover *)list->pdata[i])->job->stage, i < 3 ? SC_STAGE_MAIN : SC_STAGE_PULL);
        let_go(&store);
}
END_TEST

static const char *const senseless[] = {"", "J{}\n", "X\n", "\n", "J", "W{\"type\":\"result\"}\n", "{\"id\":1}\n"};

START_TEST(what_makes_no_sense_is_left_out)
{
        Store store = {};
        int record = memfd_create("record", MFD_CLOEXEC);
        ck_assert(sc_write_all(record, senseless[_i], strlen(senseless[_i]), NULL));
        keep(&store, "job-7", record);
        close(record);
        keep_socket(&store, "job-7");
        g_autoptr(GPtrArray) list = load(&store);
        ck_assert_uint_eq(list->len, 0);
        let_go(&store);
}
END_TEST

START_TEST(unknown_line_makes_no_sense)
{
        Store store = {};
        g_autoptr(ScJob) job = job_new(SC_STAGE_MAIN);
        int record = save(&store, job, "job-7");
        ck_assert_int_eq(write(record, "X\n", 2), 2);
        g_autoptr(GPtrArray) list = load(&store);
        ck_assert_uint_eq(list->len, 0);
        let_go(&store);
}
END_TEST

/* Whatever others do to it, there is room for how the job ends. */
START_TEST(record_has_a_bound)
{
        Store store = {};
        g_autoptr(ScJob) job = job_new(SC_STAGE_MAIN);
        g_autofree char *name = g_strnfill(100 * 1024, 'x');
        g_ptr_array_add(job->owners, g_strdup(name));
        int record = save(&store, job, "job-7");
        for (int i = 0; i < 100; i++)
                sc_handover_renew(job);
        struct stat st;
        ck_assert_int_eq(fstat(record, &st), 0);
        ck_assert_int_gt(st.st_size, 1 << 20);
        ck_assert_int_le(st.st_size, 2 << 20);
        job->state = SC_JOB_CANCELLING;
        sc_handover_renew(job);
        g_autoptr(ScPacket) result = sc_packet_new(SC_PACKET_RESULT);
        sc_handover_keep_last_word(7, result);
        g_autoptr(GPtrArray) list = load(&store);
        ck_assert_uint_eq(list->len, 1);
        const ScHandover *kept = list->pdata[0];
        ck_assert_int_eq(kept->job->state, SC_JOB_CANCELLING);
        ck_assert_ptr_nonnull(kept->last_word);
        let_go(&store);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("handover");
        TCase *cases = tcase_create("records");
        tcase_add_test(cases, last_lines_count);
        tcase_add_test(cases, half_a_line_is_none);
        tcase_add_test(cases, latest_stage_comes_first);
        tcase_add_loop_test(cases, what_makes_no_sense_is_left_out, 0, G_N_ELEMENTS(senseless));
        tcase_add_test(cases, unknown_line_makes_no_sense);
        tcase_add_test(cases, record_has_a_bound);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
