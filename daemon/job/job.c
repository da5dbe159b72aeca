/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "job/job.h"
#include "job/stage.h"
#include <string.h>

#define MAX_TEXT (1024u * 1024)

static const char *const state_words[] = {
        [SC_JOB_QUEUED] = "queued", [SC_JOB_RUNNING] = "running", [SC_JOB_CANCELLING] = "cancelling",
        [SC_JOB_DONE] = "done",     [SC_JOB_FAILED] = "failed",   [SC_JOB_CANCELLED] = "cancelled",
};

const char *sc_job_state_to_string(ScJobState state)
{
        return state_words[state];
}

bool sc_job_state_is_over(ScJobState state)
{
        return state >= SC_JOB_DONE;
}

ScJob *sc_job_new(const char *operation, const char *subject, uid_t uid)
{
        ScJob *job = g_new0(ScJob, 1);
        job->operation = g_strdup(operation);
        job->subject = g_strdup(subject);
        job->uid = uid;
        job->options = json_object_new();
        job->owners = g_ptr_array_new_with_free_func(g_free);
        job->stage = SC_STAGE_MAIN;
        job->phase = g_strdup("");
        job->message = g_strdup("");
        job->details = sc_string_map_new();
        return job;
}

void sc_job_free(ScJob *job)
{
        if (job == NULL)
                return;
        g_free(job->operation);
        g_free(job->subject);
        g_free(job->container);
        g_free(job->pull);
        json_object_unref(job->options);
        g_free(job->twin_key);
        g_clear_pointer(&job->fds, g_array_unref);
        g_ptr_array_unref(job->owners);
        g_free(job->phase);
        g_free(job->message);
        g_free(job->pulled);
        g_free(job->note);
        g_clear_error(&job->error);
        g_hash_table_unref(job->details);
        g_free(job);
}

const char *sc_job_stage_operation(const ScJob *job)
{
        return job->stage == SC_STAGE_PULL ? "pull" : job->operation;
}

const char *sc_job_stage_subject(const ScJob *job)
{
        return job->stage == SC_STAGE_PULL ? job->pull : job->subject;
}

bool sc_job_is_owner(const ScJob *job, const char *name)
{
        return name != NULL && g_ptr_array_find_with_equal_func(job->owners, name, g_str_equal, NULL);
}

static void set_string(JsonObject *object, const char *key, const char *value)
{
        if (value != NULL)
                json_object_set_string_member(object, key, value);
}

char *sc_job_to_text(const ScJob *job)
{
        g_autoptr(JsonObject) object = json_object_new();
        json_object_set_int_member(object, "id", (gint64)job->id);
        json_object_set_string_member(object, "operation", job->operation);
        json_object_set_string_member(object, "subject", job->subject);
        set_string(object, "container", job->container);
        set_string(object, "pull", job->pull);
        json_object_set_object_member(object, "options", json_object_ref(job->options));
        set_string(object, "twin", job->twin_key);
        json_object_set_boolean_member(object, "descriptors", sc_stage_waits_for_fds(job));
        json_object_set_int_member(object, "uid", job->uid);
        json_object_set_int_member(object, "flags", job->flags);
        json_object_set_boolean_member(object, "pulling", job->stage == SC_STAGE_PULL);
        json_object_set_boolean_member(object, "cancelling", job->state == SC_JOB_CANCELLING);
        JsonArray *owners = json_array_new();
        for (guint i = 0; i < job->owners->len; i++)
                json_array_add_string_element(owners, g_ptr_array_index(job->owners, i));
        json_object_set_array_member(object, "owners", owners);
        return sc_json_to_string(object, false);
}

ScJob *sc_job_from_text(const char *text, gsize size, GError **error)
{
        g_autoptr(JsonObject) object = sc_json_parse_object(text, (gssize)size, MAX_TEXT, "record of a job", error);
        const char *operation, *subject, *container, *pull, *twin_key;
        guint64 id, uid, flags;
        bool pulling, descriptors, cancelling;
        JsonObject *options;
        g_auto(GStrv) owners = NULL;
        if (object == NULL || !sc_json_get_uint(object, "id", SC_JSON_REQUIRED, &id, error) ||
            !sc_json_get_string(object, "operation", SC_JSON_REQUIRED, &operation, error) ||
            !sc_json_get_string(object, "subject", SC_JSON_REQUIRED, &subject, error) ||
            !sc_json_get_string(object, "container", SC_JSON_OPTIONAL, &container, error) ||
            !sc_json_get_string(object, "pull", SC_JSON_OPTIONAL, &pull, error) ||
            !sc_json_get_string(object, "twin", SC_JSON_OPTIONAL, &twin_key, error) ||
            !sc_json_get_object(object, "options", SC_JSON_REQUIRED, &options, error) ||
            !sc_json_get_bool(object, "descriptors", SC_JSON_OPTIONAL, &descriptors, error) ||
            !sc_json_get_uint(object, "uid", SC_JSON_REQUIRED, &uid, error) ||
            !sc_json_get_uint(object, "flags", SC_JSON_REQUIRED, &flags, error) ||
            !sc_json_get_bool(object, "pulling", SC_JSON_REQUIRED, &pulling, error) ||
            !sc_json_get_bool(object, "cancelling", SC_JSON_OPTIONAL, &cancelling, error) ||
            !sc_json_get_strv(object, "owners", SC_JSON_OPTIONAL, &owners, error))
                return NULL;
        if (uid > G_MAXUINT32 || (pulling && pull == NULL)) {
                sc_throw(error, SC_ERROR_CORRUPT, "The record of job %" G_GUINT64_FORMAT " makes no sense", id);
                return NULL;
        }

        ScJob *job = sc_job_new(operation, subject, (uid_t)uid);
        job->id = id;
        job->container = g_strdup(container);
        job->pull = g_strdup(pull);
        job->twin_key = g_strdup(twin_key);
        job->fds_lost = descriptors;
        job->flags = (ScJobFlags)flags;
        job->stage = pulling ? SC_STAGE_PULL : SC_STAGE_MAIN;
        if (cancelling)
                job->state = SC_JOB_CANCELLING;
        json_object_unref(job->options);
        job->options = json_object_ref(options);
        for (char **owner = owners; owner != NULL && *owner != NULL; owner++)
                g_ptr_array_add(job->owners, g_strdup(*owner));
        return job;
}
