/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/path.h"
#include "store.h"
#include "store/spool.h"
#include <sys/socket.h>

typedef struct {
        int fd;
        gsize size;
        bool stays; /* open, without a word more */
} Writer;

static gpointer write_all(gpointer data)
{
        Writer *writer = data;
        g_autofree char *bytes = g_strnfill(writer->size, 'x');
        (void)sc_write_all(writer->fd, bytes, writer->size, NULL);
        if (!writer->stays)
                sc_close(&writer->fd);
        return NULL;
}

static int spool(Store *store, Writer *writer, int from, const ScSpoolLimits *limits, GCancellable *cancellable, GError **error)
{
        GThread *thread = g_thread_new("writer", write_all, writer);
        int fd = sc_spool(store->repository, from, limits, NULL, cancellable, error);
        close(from);
        g_thread_join(thread);
        sc_close(&writer->fd);
        return fd;
}

static guint count_files(const Store *store)
{
        g_autofree char *folder = g_strconcat(sc_repository_path(store->repository), "/extensions/sysconsd", NULL);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        guint count = 0;
        while (g_dir_read_name(dir) != NULL)
                count++;
        return count;
}

START_TEST(a_pipe_becomes_a_file_without_a_name)
{
        Store *store = store_new();
        const ScSpoolLimits limits = {.max = 3000000, .stall_seconds = 60};
        g_autoptr(GError) error = NULL;
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        signal(SIGPIPE, SIG_IGN);
        Writer writer = {.fd = ends[1], .size = 3000000};
        sc_autofd fd = spool(store, &writer, ends[0], &limits, NULL, &error);
        ck_assert_no_error(error);
        struct stat st;
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert(S_ISREG(st.st_mode) && st.st_size == 3000000 && st.st_nlink == 0);
        ck_assert_uint_eq(count_files(store), 0);
        store_free(store);
}
END_TEST

static void fails(Store *store, Writer writer, const ScSpoolLimits *limits, GCancellable *cancellable, ScError code,
                  const char *part)
{
        g_autoptr(GError) error = NULL;
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        writer.fd = ends[1];
        ck_assert_int_eq(spool(store, &writer, ends[0], limits, cancellable, &error), -1);
        ck_assert_error(error, code, part);
        ck_assert_uint_eq(count_files(store), 0);
}

START_TEST(pipes_are_bounded)
{
        Store *store = store_new();
        const ScSpoolLimits small = {.max = 99, .stall_seconds = 60}, hasty = {.max = 100, .stall_seconds = 1};
        fails(store, (Writer){.size = 100}, &small, NULL, SC_ERROR_INVALID_ARGUMENT, "MaxArchiveSize=");
        fails(store, (Writer){.size = 100, .stays = true}, &hasty, NULL, SC_ERROR_FAILED, "through the pipe for 1 s");
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_cancellable_cancel(cancellable);
        fails(store, (Writer){.size = 1, .stays = true}, &small, cancellable, SC_ERROR_CANCELLED, "");
        store_free(store);
}
END_TEST

START_TEST(space_is_kept_free)
{
        Store *store = store_new();
        const ScSpoolLimits limits = {.max = 3000000, .stall_seconds = 60};
        g_autoptr(GKeyFile) config = ostree_repo_copy_config(sc_repository_ostree(store->repository));
        g_key_file_set_string(config, "core", "min-free-space-size", "1000000GB");
        ck_assert(ostree_repo_write_config(sc_repository_ostree(store->repository), config, NULL));
        store_reopen(store);
        fails(store, (Writer){.size = 100}, &limits, NULL, SC_ERROR_NO_SPACE, "comes through a pipe");
        store_free(store);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("spool");
        TCase *tcase = tcase_create("spool");
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, a_pipe_becomes_a_file_without_a_name);
        tcase_add_test(tcase, pipes_are_bounded);
        tcase_add_test(tcase, space_is_kept_free);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
