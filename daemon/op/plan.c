/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include "base/error.h"
#include "base/path.h"
#include "options.h"
#include "store/deployment.h"
#include "verbs.h"
#include <string.h>

static const struct {
        const char *operation;
        bool (*plan)(ScPlan *plan, GError **error);
} planners[] = {
        {"install", sc_plan_install},     {"update", sc_plan_update}, {"rollback", sc_plan_rollback},
        {"uninstall", sc_plan_uninstall}, {"pull", sc_plan_pull},     {"prune", sc_plan_prune},
};

/* ---- what the parts of a plan share ---- */

static JsonArray *array_of(JsonObject *object, const char *name)
{
        if (!json_object_has_member(object, name))
                json_object_set_array_member(object, name, json_array_new());
        return json_object_get_array_member(object, name);
}

void sc_plan_note(ScPlan *plan, const char *list, const char *text)
{
        JsonArray *array = array_of(plan->out, list);
        if (json_array_get_length(array) < SC_PLAN_MAX_ENTRIES)
                json_array_add_string_element(array, text);
}

bool sc_plan_conflict(ScPlan *plan, GError **local, GError **error)
{
        if (*local == NULL)
                return true;
        if (g_error_matches(*local, SC_ERROR, SC_ERROR_CANCELLED)) {
                g_propagate_error(error, g_steal_pointer(local));
                return false;
        }
        sc_plan_note(plan, "conflicts", (*local)->message);
        g_clear_error(local);
        return true;
}

void sc_plan_changes(ScPlan *plan, bool changed, const char *why)
{
        json_object_set_boolean_member(plan->out, "changed", changed);
        if (why != NULL)
                sc_plan_note(plan, "notes", why);
}

JsonArray *sc_plan_list(ScPlan *plan, const char *name)
{
        return array_of(plan->out, name);
}

bool sc_plan_list_has_room(ScPlan *plan, const char *name, JsonArray *list)
{
        if (json_array_get_length(list) < SC_PLAN_MAX_ENTRIES)
                return true;
        if (!json_object_has_member(plan->out, "not_listed"))
                json_object_set_object_member(plan->out, "not_listed", json_object_new());
        JsonObject *left = json_object_get_object_member(plan->out, "not_listed");
        gint64 count = json_object_has_member(left, name) ? json_object_get_int_member(left, name) : 0;
        json_object_set_int_member(left, name, count + 1);
        return false;
}

/* ---- the operation ---- */

static void on_message(gpointer data, const char *line)
{
        sc_plan_note(data, "notes", line);
}

/* Too long all the same (paths may be long): whole parts are left out, and named, until it fits. */
static char *to_text(JsonObject *plan)
{
        static const char *const parts[] = {"files", "values", "privileged_files", "layers", "unit", "tmpfiles", "notes"};
        char *text = sc_json_to_string(plan, false);
        for (guint i = 0; i < G_N_ELEMENTS(parts) && strlen(text) > SC_PLAN_MAX; i++) {
                if (!json_object_has_member(plan, parts[i]))
                        continue;
                json_object_remove_member(plan, parts[i]);
                json_array_add_string_element(array_of(plan, "left_out"), parts[i]);
                g_free(text);
                text = sc_json_to_string(plan, false);
        }
        return text;
}

static bool open_repository(ScPlan *plan, int *ret_lock, GError **error)
{
        g_autoptr(GError) local = NULL;
        plan->repository = sc_repository_open(plan->context.config, SC_REPOSITORY_READ, &local);
        if (plan->repository != NULL) {
                *ret_lock = sc_repository_lock_read_only(plan->repository, plan->context.cancellable, error);
                return *ret_lock >= 0;
        }
        if (g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

static bool open_checkout(ScPlan *plan, GError **error)
{
        g_autoptr(GError) local = NULL;
        plan->checkout_fd = sc_checkout_open(plan->context.config, false, &local);
        if (plan->checkout_fd >= 0 || g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

static bool make(ScPlan *plan, const char *operation, GError **error)
{
        for (guint i = 0; i < G_N_ELEMENTS(planners); i++)
                if (strcmp(planners[i].operation, operation) == 0)
                        return planners[i].plan(plan, error);
        return sc_throw(error, SC_ERROR_UNSUPPORTED, "There is no plan of the operation '%.40s'", operation);
}

static bool run(ScPlan *plan, const char *operation, GError **error)
{
        sc_autofd lock = -1;
        json_object_set_string_member(plan->out, "operation", operation);
        json_object_set_boolean_member(plan->out, "changed", true);
        json_object_set_array_member(plan->out, "conflicts", json_array_new());
        json_object_set_array_member(plan->out, "notes", json_array_new());
        return open_repository(plan, &lock, error) && open_checkout(plan, error) &&
               (plan->systemd = sc_systemd_open(plan->context.config->scope, error)) != NULL && make(plan, operation, error);
}

static bool plan_it(ScOpContext *context, const char *operation, JsonObject *options, ScPlan *plan, GError **error)
{
        static const ScReportSink sink = {.message = on_message};
        g_autoptr(ScReport) notes = sc_report_new(&sink, plan);
        plan->context = *context;
        plan->context.options = options;
        plan->context.report = notes;
        bool ok = run(plan, operation, error);
        sc_systemd_close(plan->systemd);
        sc_repository_free(plan->repository);
        sc_close(&plan->checkout_fd);
        return ok;
}

bool sc_op_plan(ScOpContext *context, GError **error)
{
        static const char *const no_yes[] = {"no", "yes", NULL};
        const char *operation, *values;
        JsonObject *options;
        g_autoptr(JsonObject) none = json_object_new();
        g_autoptr(JsonObject) out = json_object_new();
        ScPlan plan = {.out = out, .checkout_fd = -1};
        if (!sc_json_get_string(context->options, "operation", SC_JSON_REQUIRED, &operation, error) ||
            !sc_json_get_object(context->options, "options", SC_JSON_OPTIONAL, &options, error) ||
            !sc_option_string(context, "fetch", &plan.fetch, error) || !sc_option_word(context, "values", no_yes, &values, error))
                return false;
        plan.with_values = strcmp(values, "yes") == 0;
        if (!plan_it(context, operation, options != NULL ? options : none, &plan, error))
                return false;
        g_autofree char *text = to_text(out);
        sc_detail(context, "plan", text);
        return true;
}
