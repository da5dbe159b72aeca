/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/handover.h"
#include "base/error.h"
#include "base/journal.h"
#include "base/path.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define MAX_RECORD (4u << 20)
#define JOB 'J'
#define LAST_WORD 'W'

static char *store_name(const ScJob *job)
{
        return g_strdup_printf("job-%" G_GUINT64_FORMAT "%s", job->id, job->stage == SC_STAGE_PULL ? "-pull" : "");
}

/* The records of running jobs: their descriptors, by number. */
static GHashTable *records;

static void close_record(gpointer fd)
{
        int record_fd = GPOINTER_TO_INT(fd);
        sc_close(&record_fd);
}

static void set_record(guint64 id, int record_fd)
{
        if (records == NULL)
                records = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, close_record);
        g_hash_table_replace(records, g_memdup2(&id, sizeof id), GINT_TO_POINTER(record_fd));
}

static int record_of(guint64 id)
{
        gpointer fd;
        return records != NULL && g_hash_table_lookup_extended(records, &id, NULL, &fd) ? GPOINTER_TO_INT(fd) : -1;
}

void sc_handover_drop_pull(guint64 id)
{
        sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=job-%" G_GUINT64_FORMAT "-pull", id);
}

void sc_handover_drop(guint64 id)
{
        if (records != NULL)
                g_hash_table_remove(records, &id);
        sc_handover_drop_pull(id);
        sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=job-%" G_GUINT64_FORMAT, id);
}

/* Who joins a job again and again leaves room for how it ends. What was written by half is taken back. */
static bool append(int record_fd, gsize max, char what, const char *text, GError **error)
{
        struct stat st;
        g_autofree char *line = g_strdup_printf("%c%s\n", what, text);
        gsize size = strlen(line);
        if (fstat(record_fd, &st) < 0)
                return sc_throw_errno(error, "Cannot look at a record");
        if ((guint64)st.st_size + size > max)
                return sc_throw(error, SC_ERROR_FAILED, "The record of a job becomes too large");
        if (sc_write_all(record_fd, line, size, error))
                return true;
        if (ftruncate(record_fd, st.st_size) == 0)
                (void)lseek(record_fd, st.st_size, SEEK_SET);
        return false;
}

int sc_handover_save(const ScJob *job, int socket_fd)
{
        g_autofree char *text = sc_job_to_text(job), *name = store_name(job);
        g_autoptr(GError) error = NULL;
        sc_autofd record_fd = memfd_create("job", MFD_CLOEXEC);
        if (record_fd < 0 || !append(record_fd, MAX_RECORD, JOB, text, &error)) {
                sc_journal(LOG_WARNING, "A running job would be lost by a restart of the daemon: its record cannot be kept", NULL);
                return -1;
        }
        /* Without FDPOLL=0 the store drops the socket as soon as the worker ends, and with it the result. */
        g_autofree char *state = g_strdup_printf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
        sd_pid_notify_with_fds(0, false, state, (int[]){record_fd, socket_fd}, 2);
        set_record(job->id, sc_steal_fd(&record_fd));
        return record_of(job->id);
}

static void append_or_say(guint64 id, gsize max, char what, const char *text)
{
        g_autoptr(GError) error = NULL;
        int record_fd = record_of(id);
        if (record_fd >= 0 && !append(record_fd, max, what, text, &error))
                sc_journal(LOG_WARNING, "The record of a running job cannot be kept", SC_FIELD_ERROR, error->message, NULL);
}

void sc_handover_renew(const ScJob *job)
{
        g_autofree char *text = sc_job_to_text(job);
        append_or_say(job->id, job->state == SC_JOB_CANCELLING ? MAX_RECORD : MAX_RECORD / 2, JOB, text);
}

void sc_handover_keep_last_word(guint64 id, const ScPacket *packet)
{
        g_autofree char *text = sc_packet_to_text(packet);
        append_or_say(id, MAX_RECORD, LAST_WORD, text);
}

void sc_handover_go_on(ScHandover *handover)
{
        set_record(handover->job->id, sc_steal_fd(&handover->record_fd));
}

void sc_handover_free(ScHandover *handover)
{
        sc_job_free(handover->job);
        sc_close(&handover->socket_fd);
        sc_close(&handover->record_fd);
        g_clear_pointer(&handover->last_word, sc_packet_free);
        g_free(handover);
}

static bool read_line(ScHandover *handover, const char *line, gsize size, GError **error)
{
        if (size > 0 && line[0] == JOB) {
                g_clear_pointer(&handover->job, sc_job_free);
                handover->job = sc_job_from_text(line + 1, size - 1, error);
                return handover->job != NULL;
        }
        if (size > 0 && line[0] == LAST_WORD) {
                g_clear_pointer(&handover->last_word, sc_packet_free);
                handover->last_word = sc_packet_from_text(line + 1, size - 1, error);
                return handover->last_word != NULL;
        }
        return sc_throw(error, SC_ERROR_CORRUPT, "A record of a job has an unknown line");
}

static bool read_lines(ScHandover *handover, const char *text, GError **error)
{
        const char *at = text;
        for (const char *end; (end = strchr(at, '\n')) != NULL; at = end + 1)
                if (!read_line(handover, at, (gsize)(end - at), error))
                        return false;
        if (handover->job == NULL)
                return sc_throw(error, SC_ERROR_CORRUPT, "A record of a job has no whole line of it");
        /* The next line begins behind the last whole one. */
        return (ftruncate(handover->record_fd, at - text) == 0 && lseek(handover->record_fd, at - text, SEEK_SET) >= 0) ||
               sc_throw_errno(error, "Cannot go on with a record");
}

static bool read_record(ScHandover *handover, off_t size, GError **error)
{
        if (size <= 0 || size > MAX_RECORD)
                return sc_throw(error, SC_ERROR_CORRUPT, "A record of %" G_GINT64_FORMAT " bytes", (gint64)size);
        g_autofree char *text = g_malloc((gsize)size + 1);
        if (pread(handover->record_fd, text, (gsize)size, 0) != size)
                return sc_throw_errno(error, "Cannot read a record");
        text[size] = '\0';
        return read_lines(handover, text, error);
}

/* Both descriptors of a job have its name; which is which, their kinds say. */
static void take(GHashTable *by_name, const char *name, int fd)
{
        ScHandover *handover = g_hash_table_lookup(by_name, name);
        if (handover == NULL) {
                handover = g_new0(ScHandover, 1);
                handover->socket_fd = handover->record_fd = -1;
                g_hash_table_insert(by_name, g_strdup(name), handover);
        }
        sc_autofd owned = fd;
        struct stat st;
        g_autoptr(GError) error = NULL;
        if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && handover->socket_fd < 0)
                handover->socket_fd = sc_steal_fd(&owned);
        else if (S_ISREG(st.st_mode) && handover->record_fd < 0) {
                handover->record_fd = sc_steal_fd(&owned);
                if (!read_record(handover, st.st_size, &error))
                        g_clear_pointer(&handover->job, sc_job_free);
        }
        if (error != NULL)
                sc_journal(LOG_WARNING, error->message, NULL);
}

static gint latest_first(gconstpointer a, gconstpointer b)
{
        const ScHandover *const *left = a, *const *right = b;
        return ((*left)->job->stage == SC_STAGE_PULL) - ((*right)->job->stage == SC_STAGE_PULL);
}

GPtrArray *sc_handover_read(char *const *names, const int *fds, guint n_fds)
{
        GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)sc_handover_free);
        g_autoptr(GHashTable) by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint i = 0; i < n_fds; i++)
                take(by_name, names[i], fds[i]);
        GHashTableIter iter;
        gpointer name, value;
        g_hash_table_iter_init(&iter, by_name);
        while (g_hash_table_iter_next(&iter, &name, &value)) {
                ScHandover *handover = value;
                if (handover->job != NULL && handover->socket_fd >= 0) {
                        g_ptr_array_add(list, handover);
                        continue;
                }
                sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", (const char *)name);
                sc_handover_free(handover);
        }
        g_ptr_array_sort(list, latest_first);
        return list;
}

GPtrArray *sc_handover_load(void)
{
        g_auto(GStrv) names = NULL;
        int n_fds = sd_listen_fds_with_names(true, &names);
        g_autofree int *fds = n_fds > 0 ? g_new(int, n_fds) : NULL;
        for (int i = 0; i < n_fds; i++)
                fds[i] = SD_LISTEN_FDS_START + i;
        return sc_handover_read(names, fds, n_fds > 0 ? (guint)n_fds : 0);
}
