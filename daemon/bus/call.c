/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/call.h"
#include "base/journal.h"
#include "bus/job.h"
#include "bus/peer.h"
#include "bus/plan.h"
#include "bus/polkit.h"
#include "bus/reply.h"
#include "job/queue.h"
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* Calls that wait, of all users together: more than all of them may have. */
#define MAX_CALLS 1024
/* A caller who is asked again because things changed under the dialog is asked so often, not for ever. */
#define MAX_QUESTIONS 8
/* A question stays open as long as its dialog. The bus lets a connection wait for 128 answers, and those of systemd, without which
 * no job goes on, are among them. */
#define MAX_DIALOGS 64

void sc_call_free(ScCall *call)
{
        sc_polkit_withdraw(call->check);
        sc_settings_forget(call->service->settings, call);
        sc_peers_release(call->service->peers, call->sender, call);
        sd_bus_message_unref(call->message);
        g_free(call->sender);
        g_free(call->subject);
        g_free(call->argument);
        g_free(call->container);
        g_free(call->image);
        g_free(call->source);
        g_free(call->where);
        g_free(call->pull);
        g_free(call->resolved);
        g_free(call->renamed);
        g_free(call->asked_key);
        g_clear_pointer(&call->options, json_object_unref);
        g_array_unref(call->fds);
        g_hash_table_unref(call->granted);
        g_free(call);
}

static void end(ScCall *call)
{
        g_ptr_array_remove(call->service->calls, call);
}

static void fail(ScCall *call, const GError *error)
{
        sc_bus_reply_error(call->message, error);
        end(call);
}

static void refuse(ScCall *call, const char *action, ScPolkitAnswer answer)
{
        const char *on = call->container != NULL ? call->container : call->image != NULL ? call->image : call->subject;
        g_autofree char *line = g_strdup_printf("Refused %s%s%s to user %u", call->verb->operation, *on != '\0' ? " of " : "", on,
                                                (unsigned)call->uid);
        g_autofree char *uid = g_strdup_printf("%u", (unsigned)call->uid);
        sc_journal(LOG_NOTICE, line, SC_FIELD_OPERATION, call->verb->operation, SC_FIELD_CONTAINER, call->container, SC_FIELD_IMAGE,
                   call->image, SC_FIELD_UID, uid, NULL);
        if (answer == SC_POLKIT_CHALLENGE)
                sd_bus_reply_method_errorf(call->message, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
                                           "%s needs an authentication (action " SC_ACTION_PREFIX "%s)", call->verb->member,
                                           action);
        else
                sd_bus_reply_method_errorf(call->message, SC_BUS_ERROR_PREFIX "AccessDenied",
                                           "%s is not allowed (action " SC_ACTION_PREFIX "%s)", call->verb->member, action);
        end(call);
}

void sc_call_need(ScCall *call, const char *action)
{
        for (unsigned i = 0; i < SC_CALL_MAX_NEEDS; i++) {
                if (call->needs[i] != NULL && strcmp(call->needs[i], action) == 0)
                        return;
                if (call->needs[i] == NULL) {
                        call->needs[i] = action;
                        return;
                }
        }
        g_assert_not_reached();
}

/* The action of the verb itself. */
static const char *own_action(const ScCall *call)
{
        return call->planned != NULL ? call->planned->action : call->verb->action;
}

static bool make_plan(ScCall *call, GError **error)
{
        g_clear_pointer(&call->container, g_free);
        g_clear_pointer(&call->image, g_free);
        g_clear_pointer(&call->source, g_free);
        g_clear_pointer(&call->where, g_free);
        g_clear_pointer(&call->pull, g_free);
        g_clear_pointer(&call->resolved, g_free);
        g_clear_pointer(&call->renamed, g_free);
        call->operation = call->verb->operation;
        call->is_own = false;
        call->host_logins = false;
        memset(call->needs, 0, sizeof(call->needs));
        sc_call_need(call, own_action(call));
        return call->verb->plan == NULL || call->verb->plan(call, error);
}

static void add_detail(GHashTable *details, GString *key, const char *name, const char *value)
{
        if (value == NULL)
                return;
        g_hash_table_insert(details, g_strdup(name), g_strdup(value));
        g_string_append_printf(key, "\n%s=%s", name, value);
}

/* The details, and *ret_key: an answer holds for this action with these details, and for nothing else. */
static GHashTable *describe(const ScCall *call, const char *action, char **ret_key)
{
        GHashTable *details = sc_string_map_new();
        GString *key = g_string_new(action);
        add_detail(details, key, "operation", call->operation);
        add_detail(details, key, "container", call->container);
        add_detail(details, key, "image", call->image);
        add_detail(details, key, "source", call->source);
        add_detail(details, key, "where", call->where);
        *ret_key = g_string_free(key, FALSE);
        return details;
}

/* The owner of a user's bus is asked for nothing, as root is on the system's. */
bool sc_call_is_master(const ScCall *call)
{
        return call->uid == (call->service->config->scope->kind == SC_SCOPE_USER ? getuid() : 0);
}

static void proceed(ScCall *call);

static void on_answer(gpointer data, ScPolkitAnswer answer)
{
        ScCall *call = data;
        g_autofree char *key = g_steal_pointer(&call->asked_key);
        call->check = NULL;
        if (answer == SC_POLKIT_ALLOWED) {
                g_hash_table_add(call->granted, g_steal_pointer(&key));
                proceed(call);
        } else {
                refuse(call, call->asked_action, answer);
        }
}

static bool is_dialog(const ScCall *call)
{
        return call->interactive && call->check != NULL;
}

static guint count_dialogs(const ScService *service)
{
        guint count = 0;
        for (guint i = 0; i < service->calls->len; i++)
                count += is_dialog(g_ptr_array_index(service->calls, i)) ? 1 : 0;
        return count;
}

/* 1: allowed; 0: the answer comes later; -1: error. */
static int ask(ScCall *call, const char *action, GError **error)
{
        g_autofree char *key = NULL;
        g_autoptr(GHashTable) details = describe(call, action, &key);
        if (g_hash_table_contains(call->granted, key))
                return 1;
        if (g_hash_table_size(call->granted) >= MAX_QUESTIONS) {
                sc_throw(error, SC_ERROR_BUSY, "%s changes too quickly: try again", call->subject);
                return -1;
        }
        if (call->interactive && count_dialogs(call->service) >= MAX_DIALOGS) {
                sc_throw(error, SC_ERROR_BUSY, "Too many users are asked for their passwords: try again later, or without asking");
                return -1;
        }
        g_autofree char *full = g_strconcat(SC_ACTION_PREFIX, action, NULL);
        call->asked_action = action;
        call->asked_key = g_steal_pointer(&key);
        call->check = sc_polkit_check(call->service->bus, call->sender, full, details,
                                      call->interactive ? SC_POLKIT_INTERACTIVE : SC_POLKIT_QUIET, on_answer, call, error);
        if (call->check != NULL)
                return 0;
        g_clear_pointer(&call->asked_key, g_free);
        return -1;
}

/* What it may, and what a short name means, is said by settings outside the daemon's own; they also say whether an image that came
 * by http: needs one more action to be looked at again. */
static bool may_fetch(const ScCall *call)
{
        static const char *const operations[] = {"pull", "install", "run", "update", "plan", "verify", "check-login", NULL};
        return g_strv_contains(operations, call->verb->operation);
}

static void on_settings(gpointer data)
{
        proceed(data);
}

static void proceed(ScCall *call)
{
        if (may_fetch(call) && !sc_settings_refresh(call->service->settings, on_settings, call))
                return;
        g_autoptr(GError) error = NULL;
        bool ok = make_plan(call, &error);
        for (unsigned i = 0; ok && !sc_call_is_master(call) && !call->is_own && call->needs[i] != NULL; i++) {
                int r = ask(call, call->needs[i], &error);
                if (r == 0)
                        return;
                ok = r > 0;
        }
        if (ok && call->verb->run(call, &error))
                end(call);
        else
                fail(call, error);
}

static guint count_calls(ScService *service, uid_t uid)
{
        guint count = 0;
        for (guint i = 0; i < service->calls->len; i++)
                count += ((const ScCall *)g_ptr_array_index(service->calls, i))->uid == uid ? 1 : 0;
        return count;
}

static void on_sender_known(gpointer data, uid_t uid)
{
        ScCall *call = data;
        ScService *service = call->service;
        call->uid = uid;
        /* A user's bus is nobody else's, and polkit has no say there. */
        if (service->config->scope->kind == SC_SCOPE_USER && uid != getuid()) {
                refuse(call, own_action(call), SC_POLKIT_REFUSED);
                return;
        }
        if (uid != 0 && count_calls(service, uid) + sc_queue_count(service->queue, uid) > service->config->max_jobs_per_user) {
                g_autoptr(GError) error = g_error_new(
                        SC_ERROR, SC_ERROR_BUSY, "User %u has %u requests and jobs already: wait for one to end, or cancel one",
                        (unsigned)uid, service->config->max_jobs_per_user);
                fail(call, error);
                return;
        }
        proceed(call);
}

static const ScVerb *find_verb(const char *interface, const char *member)
{
        for (const ScVerb *verb = sc_verbs; verb->interface != NULL; verb++)
                if (g_strcmp0(verb->interface, interface) == 0 && g_strcmp0(verb->member, member) == 0)
                        return verb;
        return NULL;
}

static bool read_argument(sd_bus_message *message, char **ret, GError **error)
{
        const char *text;
        int r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return sc_bus_throw(error, r, "Cannot read the call");
        if (!sc_options_check_argument(text, error))
                return false;
        *ret = g_strdup(text);
        return true;
}

static bool read_planned(ScCall *call, sd_bus_message *message, GError **error)
{
        g_autofree char *operation = NULL;
        if (!read_argument(message, &operation, error) || !read_argument(message, &call->subject, error))
                return false;
        call->planned = sc_bus_plan_find(operation, error);
        return call->planned != NULL;
}

static bool read_subject(ScCall *call, sd_bus_message *message, GError **error)
{
        if (call->verb->subject == SC_SUBJECT_PLANNED)
                return read_planned(call, message, error);
        if (call->verb->subject == SC_SUBJECT_NONE || call->verb->subject == SC_SUBJECT_TEXT) {
                call->subject = g_strdup("");
        } else if (call->verb->subject == SC_SUBJECT_ARGUMENT || call->verb->subject == SC_SUBJECT_ARGUMENTS ||
                   call->verb->subject == SC_SUBJECT_COMMAND) {
                return read_argument(message, &call->subject, error) &&
                       (call->verb->subject != SC_SUBJECT_ARGUMENTS || read_argument(message, &call->argument, error));
        } else {
                g_autofree char *prefix = g_path_get_dirname(sd_bus_message_get_path(message));
                int r = sd_bus_path_decode(sd_bus_message_get_path(message), prefix, &call->subject);
                if (r <= 0)
                        return sc_throw(error, SC_ERROR_NOT_FOUND, "There is no such object");
                if (call->verb->subject == SC_SUBJECT_OBJECT_AND_ARGUMENT)
                        return read_argument(message, &call->argument, error);
        }
        return true;
}

static bool read_options(ScCall *call, sd_bus_message *message, GError **error)
{
        g_autofree ScOption *planned = call->planned != NULL ? sc_bus_plan_options(call->planned) : NULL;
        const ScOption *known = planned != NULL ? planned : call->verb->options;
        g_autoptr(JsonArray) argv = NULL;
        if (call->verb->subject == SC_SUBJECT_COMMAND && (argv = sc_options_read_argv(message, error)) == NULL)
                return false;
        g_autoptr(JsonObject) text = NULL;
        if (call->verb->subject == SC_SUBJECT_TEXT && (text = sc_options_read_text(message, call->fds, error)) == NULL)
                return false;
        call->options = known != NULL ? sc_options_read(message, known, call->fds, error) : json_object_new();
        if (call->options == NULL)
                return false;
        if (argv != NULL)
                json_object_set_array_member(call->options, SC_OPTION_KEY_ARGV, g_steal_pointer(&argv));
        if (text != NULL)
                json_object_set_object_member(call->options, SC_OPTION_KEY_POLICY, g_steal_pointer(&text));
        call->cancel_on_disconnect = g_strcmp0(sc_options_get(call->options, SC_OPTION_KEY_DISCONNECT), "yes") == 0;
        json_object_remove_member(call->options, SC_OPTION_KEY_DISCONNECT);
        return true;
}

static bool begin(ScService *service, const ScVerb *verb, sd_bus_message *message, GError **error)
{
        const char *sender = sd_bus_message_get_sender(message);
        if (sender == NULL)
                return sc_throw(error, SC_ERROR_ACCESS_DENIED, "A call without a sender");
        if (service->calls->len >= MAX_CALLS)
                return sc_throw(error, SC_ERROR_BUSY, "Too many requests wait: try again later");
        ScCall *call = g_new0(ScCall, 1);
        call->service = service;
        call->verb = verb;
        call->message = sd_bus_message_ref(message);
        call->sender = g_strdup(sender);
        call->uid = (uid_t)-1;
        call->fds = sc_fds_new();
        call->interactive = sd_bus_message_get_allow_interactive_authorization(message) > 0;
        call->granted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        if (!read_subject(call, message, error) || !read_options(call, message, error) ||
            !sc_peers_hold(service->peers, sender, on_sender_known, call, error)) {
                sc_call_free(call);
                return false;
        }
        g_ptr_array_add(service->calls, call);
        return true;
}

int sc_call_method(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        /* userdata is the object called; the service is what its vtable was registered with. */
        ScService *service = sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(message)));
        const ScVerb *verb = find_verb(sd_bus_message_get_interface(message), sd_bus_message_get_member(message));
        g_autoptr(GError) error = NULL;
        if (verb == NULL)
                sc_throw(&error, SC_ERROR_ACCESS_DENIED, "This method has no action that could allow it");
        else if (begin(service, verb, message, &error))
                return 1;
        return sc_bus_reply_error(message, error);
}

ScJobFlags sc_call_flags(const ScCall *call)
{
        return (call->cancel_on_disconnect ? SC_JOB_CANCEL_ON_DISCONNECT : 0) | (call->may_last ? SC_JOB_MAY_LAST : 0) |
               (call->host_logins || sc_call_is_master(call) ? SC_JOB_HOST_LOGINS : 0);
}

bool sc_call_queue(ScCall *call, const char *subject, GError **error)
{
        ScService *service = call->service;
        ScJob *job = sc_job_new(call->operation, subject, call->uid);
        job->container = g_strdup(call->container);
        job->pull = g_strdup(call->pull);
        job->note = g_strdup(call->resolved);
        json_object_unref(job->options);
        job->options = json_object_ref(call->options);
        job->fds = call->fds->len > 0 ? g_array_ref(call->fds) : NULL;
        job->flags = sc_call_flags(call);
        g_ptr_array_add(job->owners, g_strdup(call->sender));
        job = sc_queue_add(service->queue, job, error);
        if (job == NULL || !sc_peers_hold(service->peers, call->sender, NULL, job, error))
                return false;
        g_autofree char *path = sc_bus_job_path(job->id);
        int r = sd_bus_reply_method_return(call->message, "o", path);
        sc_queue_start_ready(service->queue);
        return r >= 0 || sc_bus_throw(error, r, "Cannot answer");
}

void sc_call_drop_sender(ScService *service, const char *sender)
{
        for (guint i = service->calls->len; i > 0; i--) {
                ScCall *call = g_ptr_array_index(service->calls, i - 1);
                if (strcmp(call->sender, sender) != 0)
                        continue;
                /* He may be there, and the bus have no room for one more match. */
                g_autoptr(GError)
                        error = g_error_new(SC_ERROR, SC_ERROR_BUSY, "%s is gone, or there are too many callers at once", sender);
                fail(call, error);
        }
}
