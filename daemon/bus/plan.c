/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/plan.h"
#include "bus/container.h"
#include "bus/manager.h"
#include "bus/reply.h"
#include "bus/short-name.h"
#include "base/reference.h"
#include "job/stage.h"
#include <string.h>

#define KEY_SHOW_VALUES "show-values"
#define DETAIL "plan"

static const char *const plannable[] = {"install", "update", "rollback", "uninstall", "pull", "prune", NULL};
static const char *const no_yes[] = {"no", "yes", NULL};

static void unref_message(gpointer message)
{
        sd_bus_message_unref(message);
}

GHashTable *sc_bus_plans_new(void)
{
        return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, unref_message);
}

const ScVerb *sc_bus_plan_find(const char *operation, GError **error)
{
        for (const ScVerb *verb = sc_verbs; g_strv_contains(plannable, operation) && verb->interface != NULL; verb++)
                if (strcmp(verb->operation, operation) == 0)
                        return verb;
        g_autofree char *known = g_strjoinv(", ", (char **)plannable);
        sc_throw(error, SC_ERROR_UNSUPPORTED, "There is no plan of this operation; there is of: %s", known);
        return NULL;
}

ScOption *sc_bus_plan_options(const ScVerb *planned)
{
        gsize count = 0;
        while (planned->options[count].key != NULL)
                count++;
        ScOption *options = g_new0(ScOption, count + 2);
        memcpy(options, planned->options, count * sizeof(ScOption));
        options[count] = (ScOption){KEY_SHOW_VALUES, SC_OPTION_CHOICE, no_yes};
        return options;
}

static bool asks_for_values(const ScCall *call)
{
        return g_strcmp0(sc_options_get(call->options, KEY_SHOW_VALUES), "yes") == 0;
}

bool sc_bus_plan_plan(ScCall *call, GError **error)
{
        if (call->planned->plan != NULL && !call->planned->plan(call, error))
                return false;
        if (asks_for_values(call))
                sc_call_need(call, "inspect");
        return true;
}

/* Values can be passwords. */
static bool may_see_values(const ScCall *call)
{
        return sc_call_is_master(call) || asks_for_values(call) || g_strv_contains(call->needs, "configure");
}

/* What the verb itself would give its worker. */
static char *subject_of(ScCall *call, GError **error)
{
        if (strcmp(call->planned->operation, "pull") == 0) {
                ScReference *given = sc_reference_parse_to_pull(call->subject, error);
                g_autoptr(ScReference) reference = given != NULL ? sc_short_name_to_pull(call, given, error) : NULL;
                return reference != NULL ? sc_reference_to_text(reference) : NULL;
        }
        if (call->planned->subject == SC_SUBJECT_NONE)
                return g_strdup("");
        return g_strdup(call->planned->subject == SC_SUBJECT_OBJECT ? call->container : call->image);
}

/* It is for the worker that plans, too, and no part of what is planned. */
static void move_login(const ScCall *call, ScJob *job, const char *key)
{
        JsonNode *value = json_object_get_member(call->options, key);
        if (value == NULL)
                return;
        json_object_set_member(job->options, key, json_node_copy(value));
        json_object_remove_member(call->options, key);
}

static ScJob *make_job(ScCall *call, const char *subject)
{
        ScJob *job = sc_job_new(call->verb->operation, subject, call->uid);
        job->container = g_strdup(call->container);
        job->flags = sc_call_flags(call) | SC_JOB_CANCEL_ON_DISCONNECT;
        g_ptr_array_add(job->owners, g_strdup(call->sender));
        const char *values = may_see_values(call) ? "yes" : "no";
        json_object_set_string_member(job->options, "operation", call->planned->operation);
        json_object_set_string_member(job->options, "values", values);
        if (call->pull != NULL)
                json_object_set_string_member(job->options, "fetch", call->pull);
        json_object_remove_member(call->options, KEY_SHOW_VALUES);
        sc_bus_container_rename(call);
        move_login(call, job, SC_STAGE_CREDENTIALS);
        move_login(call, job, SC_STAGE_AUTHFILE);
        json_object_set_object_member(job->options, "options", json_object_ref(call->options));
        job->fds = call->fds->len > 0 ? g_array_ref(call->fds) : NULL;
        return job;
}

bool sc_bus_plan_run(ScCall *call, GError **error)
{
        ScService *service = call->service;
        g_autofree char *subject = subject_of(call, error);
        ScJob *job = subject != NULL ? sc_queue_add(service->queue, make_job(call, subject), error) : NULL;
        if (job == NULL || !sc_peers_hold(service->peers, call->sender, NULL, job, error))
                return false;
        g_hash_table_insert(service->plans, g_memdup2(&job->id, sizeof(job->id)), sd_bus_message_ref(call->message));
        sc_queue_start_ready(service->queue);
        return true;
}

static int append_details(sd_bus_message *reply, GHashTable *details)
{
        int r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sc_bus_append_details(reply, details);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void answer(const ScJob *job, sd_bus_message *call)
{
        if (job->error != NULL) {
                sc_bus_reply_error(call, job->error);
                return;
        }
        sd_bus_message *reply = NULL;
        if (sd_bus_message_new_method_return(call, &reply) >= 0 && append_details(reply, job->details) >= 0)
                sd_bus_send(sd_bus_message_get_bus(call), reply, NULL);
        sd_bus_message_unref(reply);
}

void sc_bus_plan_answer(ScService *service, ScJob *job)
{
        sd_bus_message *call = g_hash_table_lookup(service->plans, &job->id);
        if (call != NULL)
                answer(job, call);
        g_hash_table_remove(service->plans, &job->id);
        g_hash_table_remove(job->details, DETAIL);
}
