/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "change.h"
#include "options.h"
#include "store/deployment.h"

/* The container's lock is held meanwhile: a start never meets a half-swapped container. */
static ScChange *begin(ScOpContext *context, GError **error)
{
        g_autoptr(ScDeployment) deployment = sc_deployment_find(context->config, context->subject, error);
        if (deployment == NULL)
                return NULL;
        if (deployment->info != NULL && !deployment->info->has_service) {
                sc_throw(error, SC_ERROR_UNSUPPORTED, "The container %s has no service", deployment->name);
                return NULL;
        }
        sc_detail(context, "container", deployment->name);
        return sc_change_begin(context, deployment->name, SC_BEGIN_CONTROL, error);
}

bool sc_op_start(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = begin(context, error);
        return change != NULL && sc_systemd_start(change->systemd, change->unit, 0, context->cancellable, error);
}

bool sc_op_stop(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = begin(context, error);
        return change != NULL && sc_systemd_stop(change->systemd, change->unit, context->cancellable, error);
}

bool sc_op_restart(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = begin(context, error);
        return change != NULL && sc_systemd_restart(change->systemd, change->unit, context->cancellable, error);
}
