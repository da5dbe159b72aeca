/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "change.h"
#include "options.h"
#include "pin.h"
#include "store/deployment.h"

/* What a change that cannot be finished had in hand: either of its deployments may be the one on the host. */
static ScIntent *plan_of_unfinished(ScIntent *unfinished)
{
        ScIntent *intent = sc_intent_new(unfinished->container, "uninstall");
        ScIntentSide none = intent->old;
        intent->old = unfinished->old, unfinished->old = none;
        intent->new = unfinished->new, unfinished->new = none;
        /* What another uninstallation knew may be gone by now. */
        intent->spares_unit = unfinished->spares_unit;
        intent->spares_tmpfiles = unfinished->spares_tmpfiles;
        return intent;
}

static ScIntent *plan(ScOpContext *context, ScChange *change, GError **error)
{
        if (change->intent != NULL)
                return plan_of_unfinished(change->intent);
        g_autoptr(ScDeployment) deployment = sc_deployment_find(context->config, context->subject, error);
        if (deployment == NULL)
                return NULL;
        if (deployment->preinstalled) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "Cannot uninstall a preinstalled container");
                return NULL;
        }
        ScIntent *intent = sc_intent_new(deployment->name, "uninstall");
        intent->old.slot = deployment->slot;
        /* The symlink is broken, and does not tell which of the two was live. */
        if (deployment->slot < 0) {
                intent->old.slot = sc_slot_exists(change->checkout_fd, deployment->name, 0) ? 0 : -1;
                intent->new.slot = sc_slot_exists(change->checkout_fd, deployment->name, 1) ? 1 : -1;
        }
        return intent;
}

bool sc_op_uninstall(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = sc_change_begin(context, context->subject, SC_BEGIN_REMOVAL, error);
        g_autoptr(ScIntent) intent = change != NULL ? plan(context, change, error) : NULL;
        if (intent == NULL || !sc_pin_check(context->config, change->systemd, change->container, SC_PIN_ANY_SLOT, error))
                return false;
        intent->phase = SC_INTENT_REMOVE;
        sc_intent_free(change->intent);
        change->intent = g_steal_pointer(&intent);
        if (!sc_change_prepare_removal(change, error))
                return false;
        sc_detail(context, "container", change->container);
        return sc_failpoint("intent", error) && sc_intent_write(change->checkout_fd, change->intent, error) &&
               sc_change_remove(change, error);
}
