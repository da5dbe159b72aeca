/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "change.h"
#include "options.h"
#include "rollback.h"
#include "rootfs.h"
#include "store/deployment.h"

bool sc_rollback_is_possible(const ScConfig *config, const ScDeployment *deployment, GError **error)
{
        if (deployment->preinstalled)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "Cannot roll back a preinstalled container");
        if (deployment->slot < 0)
                return sc_throw(error, SC_ERROR_CORRUPT, "The container %s is broken: %s", deployment->name, deployment->broken);
        if (deployment->previous != NULL)
                return true;
        g_autofree char *slot = sc_slot_name(deployment->name, 1 - deployment->slot);
        if (deployment->unreadable != NULL)
                return sc_throw(error, SC_ERROR_FAILED, "Cannot read what may be the previous deployment, %s/%s: %s",
                                config->checkout_path, slot, deployment->unreadable);
        return sc_throw(error, SC_ERROR_NOT_FOUND, "Cannot find a previous deployment to rollback located at %s/%s",
                        config->checkout_path, slot);
}

/* An update without the build: the other slot becomes live as it stands, and the live one stays to go forward again. */
bool sc_op_rollback(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = sc_change_begin(context, context->subject, SC_BEGIN_CHANGE, error);
        g_autoptr(ScDeployment) deployment = change != NULL ? sc_deployment_find(context->config, context->subject, error) : NULL;
        if (deployment == NULL || !sc_rollback_is_possible(context->config, deployment, error))
                return false;
        for (int slot = 0; slot < 2; slot++)
                if (!sc_rootfs_restore(context, change->checkout_fd, deployment->name, slot, error))
                        return false;
        g_autoptr(ScIntent) intent = sc_intent_new(deployment->name, "rollback");
        intent->old.slot = deployment->slot;
        intent->new.slot = 1 - deployment->slot;
        if (!sc_option_uint(context, "health-timeout", context->config->settling_time, &intent->settling_time, error) ||
            !sc_change_observe(change, deployment->info, intent, error))
                return false;
        sc_detail(context, "container", deployment->name);
        sc_detail(context, "image", deployment->previous->image);
        sc_detail(context, "image-id", sc_info_image_id(deployment->previous));
        sc_detail(context, "changed", "yes");
        change->intent = g_steal_pointer(&intent);
        return sc_change_carry_out(change, error);
}
