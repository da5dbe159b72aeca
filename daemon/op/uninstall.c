/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "change.h"
#include "options.h"
#include "store/deployment.h"
#include <string.h>

/* Nobody may lose the root file system under his feet: a container whose rootfs is this one's pins it. */
static bool nobody_uses_rootfs(ScOpContext *context, const char *container, GError **error)
{
        g_autoptr(GPtrArray) all = sc_deployment_list(context->config, error);
        if (all == NULL)
                return false;
        g_autofree char *prefix = g_build_filename(context->config->checkout_path, container, NULL);
        gsize length = strlen(prefix);
        for (guint i = 0; i < all->len; i++) {
                const ScDeployment *other = all->pdata[i];
                const char *remote = other->info != NULL ? other->info->remote : NULL;
                if (remote == NULL || g_strcmp0(other->name, container) == 0 || !g_str_has_prefix(remote, prefix))
                        continue;
                if (remote[length] == '\0' || remote[length] == '/' || remote[length] == '.')
                        return sc_throw(error, SC_ERROR_BUSY,
                                        "The container %s uses the root file system of %s: uninstall it first", other->name,
                                        container);
        }
        return true;
}

bool sc_op_uninstall(ScOpContext *context, GError **error)
{
        g_autoptr(ScChange) change = sc_change_begin(context, context->subject, error);
        g_autoptr(ScDeployment) deployment = change != NULL ? sc_deployment_find(context->config, context->subject, error) : NULL;
        if (deployment == NULL)
                return false;
        if (deployment->preinstalled)
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "Cannot uninstall a preinstalled container");
        if (!nobody_uses_rootfs(context, deployment->name, error))
                return false;
        change->intent = sc_intent_new(deployment->name, "uninstall");
        change->intent->phase = SC_INTENT_REMOVE;
        change->intent->old.slot = deployment->slot;
        sc_detail(context, "container", deployment->name);
        return sc_failpoint("intent", error) && sc_intent_write(change->checkout_fd, change->intent, error) &&
               sc_change_remove(change, error);
}
