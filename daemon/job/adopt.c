/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/adopt.h"
#include "base/journal.h"
#include "base/path.h"
#include "job/handover.h"
#include <errno.h>
#include <string.h>
#include <syslog.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define TRIES 5
#define PAUSE (G_USEC_PER_SEC / 2)

/* Operations whose subject is a container. */
static const char *const on_containers[] = {"update", "rollback", "uninstall", "start", "stop", "restart", "recover", NULL};

static void adopt(ScQueue *queue, ScJob *job, ScAdoption *adoption)
{
        g_autoptr(GError) error = NULL;
        g_autofree char *unit = sc_worker_unit_name(job);
        if (sc_queue_adopt(queue, job, sc_process_adopt, adoption, &error)) {
                g_autofree char *line = g_strdup_printf("Took over the running worker %s", unit);
                sc_journal(LOG_INFO, line, NULL);
        } else {
                g_autofree char *line = g_strdup_printf("Cannot take over the running worker %s: %s", unit, error->message);
                sc_journal(LOG_WARNING, line, NULL);
        }
}

static void adopt_kept(ScQueue *queue, ScWorkers *workers, ScHandover *handover)
{
        guint64 id = handover->job->id;
        /* Of what follows it there is a record, too. */
        if (sc_queue_find(queue, id) != NULL) {
                sc_handover_drop_pull(id);
                return;
        }
        sc_handover_go_on(handover);
        ScAdoption adoption = {
                .workers = workers, .socket_fd = sc_steal_fd(&handover->socket_fd), .last_word = handover->last_word};
        adopt(queue, g_steal_pointer(&handover->job), &adoption);
        if (sc_queue_find(queue, id) == NULL)
                sc_handover_drop(id);
}

static void adopt_found(ScQueue *queue, ScWorkers *workers, ScJob *job)
{
        ScAdoption adoption = {.workers = workers, .socket_fd = -1};
        adopt(queue, job, &adoption);
}

static ScJob *job_from_unit(const char *unit, const char *description)
{
        guint64 id;
        ScJobStage stage;
        g_autofree char *operation = NULL, *subject = NULL;
        if (!sc_worker_unit_parse_name(unit, &id, &stage) || !sc_worker_unit_parse_description(description, &operation, &subject))
                return NULL;
        ScJob *job = sc_job_new(operation, subject, 0);
        job->id = id;
        job->stage = stage;
        if (stage == SC_STAGE_PULL)
                job->pull = g_strdup(subject);
        if (*subject != '\0' && g_strv_contains(on_containers, operation))
                job->container = g_strdup(subject);
        return job;
}

/* Pulls first: beside one the worker of what follows it may wait already, for a daemon that is gone. */
static int compare_stages(gconstpointer a, gconstpointer b)
{
        const ScJob *const *left = a, *const *right = b;
        return ((*left)->stage != SC_STAGE_PULL) - ((*right)->stage != SC_STAGE_PULL);
}

/* systemd that executes itself anew is not there for a moment. */
static int list_units(sd_bus *bus, sd_bus_error *ret_refused, sd_bus_message **ret_reply)
{
        int r = 0;
        for (unsigned i = 0; i < TRIES; i++) {
                if (i > 0)
                        g_usleep(PAUSE);
                sd_bus_error_free(ret_refused);
                r = sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                       "ListUnitsByPatterns", ret_refused, ret_reply, "asas", 0, 1, SC_WORKER_UNITS);
                if (r >= 0)
                        break;
        }
        return r;
}

bool sc_adopt_workers(ScQueue *queue, ScWorkers *workers, GError **error)
{
        g_autoptr(GPtrArray) kept = sc_handover_load();
        for (guint i = 0; i < kept->len; i++)
                adopt_kept(queue, workers, g_ptr_array_index(kept, i));

        sd_bus_error refused = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        int r = list_units(workers->bus, &refused, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        const char *unit, *description, *active;
        g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)sc_job_free);
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssssouso)", &unit, &description, NULL, &active, NULL, NULL, NULL, NULL,
                                                  NULL, NULL)) > 0) {
                g_autoptr(ScJob) job = job_from_unit(unit, description);
                if (job == NULL)
                        continue;
                sc_queue_skip_numbers(queue, job->id);
                const char *const over[] = {"inactive", "failed", NULL};
                if (!g_strv_contains(over, active))
                        g_ptr_array_add(found, g_steal_pointer(&job));
        }
        g_ptr_array_sort(found, compare_stages);
        while (found->len > 0) {
                g_autoptr(ScJob) job = g_ptr_array_steal_index(found, 0);
                if (sc_queue_find(queue, job->id) == NULL)
                        adopt_found(queue, workers, g_steal_pointer(&job));
        }
        bool ok = r >= 0;
        if (!ok)
                sc_throw(error, SC_ERROR_FAILED, "Cannot ask systemd for workers: %s",
                         refused.message != NULL ? refused.message : strerror(-r));
        sd_bus_message_unref(reply);
        sd_bus_error_free(&refused);
        return ok;
}
