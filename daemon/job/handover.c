/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/handover.h"
#include "base/journal.h"
#include "base/path.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define MAX_RECORD (1024u * 1024)

void sc_handover_drop(guint64 id)
{
        sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=job-%" G_GUINT64_FORMAT, id);
}

void sc_handover_save(const ScJob *job, int socket_fd)
{
        g_autofree char *text = sc_job_to_text(job);
        g_autoptr(GError) error = NULL;
        sc_autofd record_fd = memfd_create("job", MFD_CLOEXEC);
        if (record_fd < 0 || !sc_write_all(record_fd, text, strlen(text), &error)) {
                sc_journal(LOG_WARNING, "A running job would be lost by a restart of the daemon: its record cannot be kept", NULL);
                return;
        }
        /* Without FDPOLL=0 the store drops the socket as soon as the worker ends, and with it the result. */
        g_autofree char *state = g_strdup_printf("FDSTORE=1\nFDPOLL=0\nFDNAME=job-%" G_GUINT64_FORMAT, job->id);
        sd_pid_notify_with_fds(0, false, state, (int[]){record_fd, socket_fd}, 2);
}

void sc_handover_free(ScHandover *handover)
{
        sc_job_free(handover->job);
        sc_close(&handover->socket_fd);
        g_free(handover);
}

static ScJob *read_record(int fd, off_t size, GError **error)
{
        if (size <= 0 || size > MAX_RECORD) {
                sc_throw(error, SC_ERROR_CORRUPT, "A record of %" G_GINT64_FORMAT " bytes", (gint64)size);
                return NULL;
        }
        g_autofree char *text = g_malloc((gsize)size + 1);
        if (pread(fd, text, (gsize)size, 0) != size) {
                sc_throw_errno(error, "Cannot read a record");
                return NULL;
        }
        text[size] = '\0';
        return sc_job_from_text(text, (gsize)size, error);
}

/* Both descriptors of a job have its name; which is which, their kinds say. */
static void take(GHashTable *by_name, const char *name, int fd)
{
        ScHandover *handover = g_hash_table_lookup(by_name, name);
        if (handover == NULL) {
                handover = g_new0(ScHandover, 1);
                handover->socket_fd = -1;
                g_hash_table_insert(by_name, g_strdup(name), handover);
        }
        sc_autofd owned = fd;
        struct stat st;
        g_autoptr(GError) error = NULL;
        if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && handover->socket_fd < 0)
                handover->socket_fd = sc_steal_fd(&owned);
        else if (S_ISREG(st.st_mode) && handover->job == NULL)
                handover->job = read_record(fd, st.st_size, &error);
        if (error != NULL)
                sc_journal(LOG_WARNING, error->message, NULL);
}

GPtrArray *sc_handover_load(void)
{
        GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)sc_handover_free);
        g_autoptr(GHashTable) by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_auto(GStrv) names = NULL;
        int n_fds = sd_listen_fds_with_names(true, &names);
        for (int i = 0; i < n_fds; i++)
                take(by_name, names[i], SD_LISTEN_FDS_START + i);
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
        return list;
}
