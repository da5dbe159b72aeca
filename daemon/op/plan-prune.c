/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include "base/path.h"
#include "prune-list.h"

static bool list_refs(ScPlan *plan, guint *ret_count, GError **error)
{
        g_autoptr(GPtrArray) refs = plan->repository != NULL ? sc_prune_refs(plan->repository, error) : g_ptr_array_new();
        if (refs == NULL)
                return false;
        JsonArray *list = sc_plan_list(plan, "refs");
        for (guint i = 0; i < refs->len; i++)
                if (sc_plan_list_has_room(plan, "refs", list))
                        json_array_add_string_element(list, refs->pdata[i]);
        *ret_count += refs->len;
        return true;
}

static bool list_slots(ScPlan *plan, guint *ret_count, GError **error)
{
        g_autoptr(GPtrArray) slots = plan->checkout_fd >= 0 ? sc_prune_slots(plan->checkout_fd, error) : g_ptr_array_new();
        if (slots == NULL)
                return false;
        JsonArray *list = sc_plan_list(plan, "deployments");
        for (guint i = 0; i < slots->len; i++) {
                bool goes;
                if (!sc_prune_slot_goes(&plan->context, plan->systemd, plan->checkout_fd, slots->pdata[i], &goes, error))
                        return false;
                *ret_count += goes ? 1 : 0;
                if (goes && sc_plan_list_has_room(plan, "deployments", list))
                        json_array_add_string_element(list, slots->pdata[i]);
        }
        return true;
}

bool sc_plan_prune(ScPlan *plan, GError **error)
{
        guint count = 0;
        if (!list_refs(plan, &count, error) || !list_slots(plan, &count, error))
                return false;
        sc_plan_changes(plan, count > 0, NULL);
        return true;
}
