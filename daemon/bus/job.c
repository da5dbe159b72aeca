/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/job.h"
#include "base/journal.h"
#include "base/report.h"
#include "bus/call.h"
#include "bus/manager.h"
#include "bus/objects.h"
#include "bus/plan.h"
#include "bus/reply.h"
#include "job/number.h"
#include <stddef.h>
#include <string.h>
#include <syslog.h>

#define JOBS_PATH SC_BUS_PATH "/job"

char *sc_bus_job_path(guint64 id)
{
        return g_strdup_printf(JOBS_PATH "/%" G_GUINT64_FORMAT, id);
}

static ScJob *job_from_number(ScService *service, const char *number)
{
        guint64 id;
        return g_ascii_string_to_unsigned(number, 10, 1, G_MAXUINT64, &id, NULL) ? sc_queue_find(service->queue, id) : NULL;
}

/* Somebody asks for properties; and not: they are put into a signal. */
static bool is_question(sd_bus *bus, const char *path)
{
        sd_bus_message *message = sd_bus_get_current_message(bus);
        return message != NULL && sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", NULL) > 0 &&
               g_strcmp0(sd_bus_message_get_path(message), path) == 0;
}

static int find_job(sd_bus *bus, const char *path, const char *interface, void *data, void **ret_found, sd_bus_error *ret_error)
{
        ScService *service = data;
        if (!g_str_has_prefix(path, JOBS_PATH "/"))
                return 0;
        ScJob *job = job_from_number(service, path + strlen(JOBS_PATH "/"));
        /* The answer is no older than what the worker has done: a client goes by it whether a command runs already. */
        if (job != NULL && is_question(bus, path))
                sc_queue_hear(service->queue, job);
        *ret_found = job_from_number(service, path + strlen(JOBS_PATH "/"));
        return *ret_found != NULL;
}

static int list_jobs(sd_bus *bus, const char *prefix, void *data, char ***ret_nodes, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autoptr(GPtrArray) jobs = sc_queue_list(service->queue);
        g_autoptr(GPtrArray) nodes = g_ptr_array_new();
        for (guint i = 0; i < jobs->len; i++)
                g_ptr_array_add(nodes, sc_bus_job_path(((const ScJob *)g_ptr_array_index(jobs, i))->id));
        g_ptr_array_add(nodes, NULL);
        *ret_nodes = (char **)g_ptr_array_steal(nodes, NULL);
        return 0;
}

static int get_state(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply, void *data,
                     sd_bus_error *ret_error)
{
        const ScJob *job = data;
        return sd_bus_message_append(reply, "s", sc_job_state_to_string(job->state));
}

/* Who asks is known without asking the bus driver only where it is the connection that started the job. */
static int get_message(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *data, sd_bus_error *ret_error)
{
        const ScJob *job = data;
        sd_bus_message *question = sd_bus_get_current_message(bus);
        const char *asker = question != NULL ? sd_bus_message_get_sender(question) : NULL;
        return sc_bus_append_text(reply, sc_job_is_owner(job, asker) ? job->message : "");
}

static int get_error(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply, void *data,
                     sd_bus_error *ret_error)
{
        const ScJob *job = data;
        if (job->state != SC_JOB_FAILED)
                return sd_bus_message_append(reply, "(ss)", "", "");
        g_autofree char *name = sc_bus_error_name(job->error);
        int r;
        if ((r = sd_bus_message_open_container(reply, 'r', "ss")) < 0 || (r = sc_bus_append_text(reply, name)) < 0 ||
            (r = sc_bus_append_text(reply, job->error->message)) < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, sc_call_method,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Operation", "s", NULL, offsetof(ScJob, operation), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Subject", "s", NULL, offsetof(ScJob, subject), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Phase", "s", NULL, offsetof(ScJob, phase), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Done", "t", NULL, offsetof(ScJob, done), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Total", "t", NULL, offsetof(ScJob, total), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Message", "s", get_message, 0, SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_PROPERTY("StartedBy", "u", NULL, offsetof(ScJob, uid), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Error", "(ss)", get_error, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_SIGNAL_WITH_ARGS("Finished", SD_BUS_ARGS("s", result, "a{sv}", details), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Log", SD_BUS_ARGS("s", line), 0),
        SD_BUS_VTABLE_END,
};

int sc_bus_job_append_all(sd_bus_message *reply, ScService *service)
{
        g_autoptr(GPtrArray) jobs = sc_queue_list(service->queue);
        int r = 0;
        for (guint i = 0; r >= 0 && i < jobs->len; i++) {
                ScJob *job = jobs->pdata[i];
                g_autofree char *path = sc_bus_job_path(job->id);
                r = sc_bus_objects_append(reply, path, SC_BUS_JOB, vtable, job);
        }
        return r;
}

int sc_bus_job_publish(ScService *service)
{
        int r = sd_bus_add_fallback_vtable(service->bus, NULL, JOBS_PATH, SC_BUS_JOB, vtable, find_job, service);
        return r < 0 ? r : sd_bus_add_node_enumerator(service->bus, NULL, JOBS_PATH, list_jobs, service);
}

static void write_journal(const ScJob *job, int priority, const char *what)
{
        g_autofree char *line = g_strdup_printf("Job %" G_GUINT64_FORMAT ", %s%s%s, %s%s%s", job->id, job->operation,
                                                *job->subject != '\0' ? " of " : "", job->subject, what,
                                                job->error != NULL ? ": " : "", job->error != NULL ? job->error->message : "");
        g_autofree char *id = g_strdup_printf("%" G_GUINT64_FORMAT, job->id);
        g_autofree char *uid = g_strdup_printf("%u", (unsigned)job->uid);
        const char *image = g_strcmp0(job->subject, job->container) != 0 && *job->subject != '\0' ? job->subject : NULL;
        sc_journal(priority, line, SC_FIELD_JOB, id, SC_FIELD_OPERATION, job->operation, SC_FIELD_CONTAINER, job->container,
                   SC_FIELD_IMAGE, image, SC_FIELD_UID, uid, SC_FIELD_ERROR,
                   job->error != NULL ? sc_error_to_string((ScError)job->error->code) : NULL, NULL);
}

static void on_added(gpointer data, ScJob *job)
{
        ScService *service = data;
        g_autofree char *path = sc_bus_job_path(job->id);
        sc_job_number_store(sc_queue_last_number(service->queue));
        sd_bus_emit_interfaces_added(service->bus, path, SC_BUS_JOB, NULL);
        sd_bus_emit_signal(service->bus, SC_BUS_PATH, SC_BUS_MANAGER, "JobNew", "o", path);
}

static void on_state(gpointer data, ScJob *job)
{
        ScService *service = data;
        g_autofree char *path = sc_bus_job_path(job->id);
        sd_bus_emit_properties_changed(service->bus, path, SC_BUS_JOB, "State", NULL);
        if (job->state == SC_JOB_RUNNING)
                write_journal(job, LOG_INFO, "starts");
}

static void on_progress(gpointer data, ScJob *job)
{
        ScService *service = data;
        g_autofree char *path = sc_bus_job_path(job->id);
        sd_bus_emit_properties_changed(service->bus, path, SC_BUS_JOB, "Phase", "Done", "Total", NULL);
}

/* A line may quote values or an image's private name: it goes to those who asked for the job, not to everybody. */
static void on_line(gpointer data, ScJob *job, const char *line)
{
        ScService *service = data;
        g_autofree char *path = sc_bus_job_path(job->id);
        for (guint i = 0; i < job->owners->len; i++) {
                sd_bus_message *signal = NULL;
                if (sd_bus_message_new_signal(service->bus, &signal, path, SC_BUS_JOB, "Log") >= 0 &&
                    sd_bus_message_set_destination(signal, g_ptr_array_index(job->owners, i)) >= 0 &&
                    sc_bus_append_text(signal, line) >= 0)
                        sd_bus_send(service->bus, signal, NULL);
                sd_bus_message_unref(signal);
        }
}

typedef struct {
        ScService *service;
        guint64 id;
} Settling;

static void on_states_fresh(gpointer data)
{
        g_autofree Settling *settling = data;
        if (sd_bus_is_open(settling->service->bus) <= 0)
                return;
        ScJob *job = sc_queue_find(settling->service->queue, settling->id);
        sc_queue_settle(settling->service->queue, job);
}

/* Whoever hears that the job is finished finds its effects here: the catalog and the unit's state come first. */
static void on_ending(gpointer data, ScJob *job)
{
        ScService *service = data;
        /* A daemon that has lost the bus ends: the next one finds the job as it is. */
        if (sd_bus_is_open(service->bus) <= 0)
                return;
        sc_catalog_refresh(service->catalog);
        if (job->container == NULL) {
                sc_queue_settle(service->queue, job);
                return;
        }
        Settling *settling = g_new0(Settling, 1);
        settling->service = service;
        settling->id = job->id;
        sc_units_when_fresh(service->units, on_states_fresh, settling);
}

static int append_details(sd_bus_message *signal, const ScJob *job)
{
        int r = sd_bus_message_open_container(signal, 'a', "{sv}");
        if (r >= 0)
                r = sc_bus_append_details(signal, job->details);
        if (r >= 0 && job->state == SC_JOB_FAILED) {
                g_autofree char *name = sc_bus_error_name(job->error);
                r = sc_bus_append_detail(signal, "error-name", name);
                if (r >= 0)
                        r = sc_bus_append_detail(signal, "error-message", job->error->message);
        }
        return r < 0 ? r : sd_bus_message_close_container(signal);
}

static void emit_finished(ScService *service, const ScJob *job, const char *path)
{
        const char *result = sc_job_state_to_string(job->state);
        sd_bus_message *signal = NULL;
        if (sd_bus_message_new_signal(service->bus, &signal, path, SC_BUS_JOB, "Finished") >= 0 &&
            sd_bus_message_append(signal, "s", result) >= 0 && append_details(signal, job) >= 0)
                sd_bus_send(service->bus, signal, NULL);
        sd_bus_message_unref(signal);
        sd_bus_emit_signal(service->bus, SC_BUS_PATH, SC_BUS_MANAGER, "JobRemoved", "os", path, result);
}

/* A worker that fails in good order undoes what it did; what is still there after a bad end is for a recovery. One that fails
 * itself is left to the administrator, or the next boot. */
static void recover_if_needed(ScService *service, const ScJob *job)
{
        if (strcmp(job->operation, "recover") == 0)
                return;
        if (job->state == SC_JOB_DONE) {
                /* what was done could not be cleaned up after */
                if (job->container != NULL && sc_catalog_is_interrupted(service->catalog, job->container))
                        sc_bus_job_recover(service, job->container);
                return;
        }
        if (strcmp(job->operation, "mount") == 0 || strcmp(job->operation, "unmount") == 0 ||
            strcmp(job->operation, "set-policy") == 0 || sc_catalog_has_commands(service->catalog))
                sc_bus_job_recover(service, NULL);
        if (job->container == NULL)
                return;
        g_auto(GStrv) unfinished = sc_catalog_unfinished(service->catalog);
        if (g_strv_contains((const char *const *)unfinished, job->container))
                sc_bus_job_recover(service, job->container);
}

static void on_over(gpointer data, ScJob *job)
{
        ScService *service = data;
        g_autofree char *path = sc_bus_job_path(job->id);
        /* Taken out, as it is for nobody else, of one that failed, too; that one has gone back with a reload of its own. */
        bool reload_is_due = g_hash_table_remove(job->details, SC_DETAIL_RELOAD) && job->state == SC_JOB_DONE;
        sc_bus_plan_answer(service, job);
        sd_bus_emit_properties_changed(service->bus, path, SC_BUS_JOB, "State", "Phase", "Done", "Total", "Error", NULL);
        emit_finished(service, job, path);
        write_journal(job, job->state == SC_JOB_FAILED ? LOG_ERR : LOG_INFO,
                      job->state == SC_JOB_CANCELLED ? "was cancelled"
                      : job->state == SC_JOB_FAILED  ? "failed"
                                                     : "is done");
        for (guint i = 0; i < job->owners->len; i++)
                sc_peers_release(service->peers, g_ptr_array_index(job->owners, i), job);
        recover_if_needed(service, job);
        /* Last, as systemd answers nobody meanwhile: the links of a new unit concern others, targets most of all. */
        if (reload_is_due)
                sc_units_reload(service->units);
}

static void on_removed(gpointer data, ScJob *job)
{
        ScService *service = data;
        g_autofree char *path = sc_bus_job_path(job->id);
        sd_bus_emit_interfaces_removed(service->bus, path, SC_BUS_JOB, NULL);
}

const ScQueueSink sc_bus_job_sink = {
        .added = on_added,
        .state = on_state,
        .progress = on_progress,
        .message = on_line,
        .ending = on_ending,
        .over = on_over,
        .removed = on_removed,
};

void sc_bus_job_watch_owners(ScService *service)
{
        g_autoptr(GPtrArray) jobs = sc_queue_list(service->queue);
        for (guint i = 0; i < jobs->len; i++) {
                ScJob *job = g_ptr_array_index(jobs, i);
                for (guint j = 0; j < job->owners->len; j++)
                        sc_peers_hold(service->peers, g_ptr_array_index(job->owners, j), NULL, job, NULL);
        }
}

void sc_bus_job_recover(ScService *service, const char *container)
{
        ScJob *job = sc_job_new("recover", container != NULL ? container : "", 0);
        job->container = g_strdup(container);
        sc_queue_add(service->queue, job, NULL); /* root has no limit */
}

void sc_bus_job_describe(ScService *service)
{
        sc_queue_add(service->queue, sc_job_new("describe", "", 0), NULL);
}

bool sc_bus_job_plan_cancel(ScCall *call, GError **error)
{
        const ScJob *job = job_from_number(call->service, call->subject);
        if (job == NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "There is no job %s", call->subject);
        call->container = g_strdup(job->container);
        call->is_own = job->uid == call->uid;
        return true;
}

bool sc_bus_job_run_cancel(ScCall *call, GError **error)
{
        ScJob *job = job_from_number(call->service, call->subject);
        if (job == NULL)
                return sc_throw(error, SC_ERROR_NOT_FOUND, "There is no job %s", call->subject);
        sc_queue_cancel(call->service->queue, job);
        int r = sd_bus_reply_method_return(call->message, NULL);
        return r >= 0 || sc_bus_throw(error, r, "Cannot answer");
}
