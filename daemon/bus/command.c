/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/command.h"
#include "bus/call.h"
#include "bus/manager.h"
#include "bus/origin.h"
#include "bus/short-name.h"

static bool has_words(const ScCall *call)
{
        return json_array_get_length(json_object_get_array_member(call->options, SC_OPTION_KEY_ARGV)) > 0;
}

static void plan_container(ScCall *call, const ScCatalogContainer *container)
{
        call->container = g_strdup(container->name);
        call->image = g_strdup(container->image);
        /* Without a command it is Container.Start. */
        if (!has_words(call))
                call->needs[0] = "control";
}

static bool plan_image(ScCall *call, GError **error)
{
        g_autoptr(ScReference) reference = sc_reference_or_id(call, error);
        if (reference == NULL)
                return sc_prefix(error, "There is no container %s, and as an image", call->subject);
        if ((reference = sc_short_name_to_use(call, reference, error)) == NULL)
                return sc_prefix(error, "There is no container %s, and as an image", call->subject);
        call->image = g_strdup(reference->name);
        if (sc_plan_wants_pull(call, reference)) {
                if (!sc_plan_pull(call, reference, error))
                        return false;
                call->pull = sc_reference_to_text(reference);
        }
        return true;
}

bool sc_bus_command_plan(ScCall *call, GError **error)
{
        const ScCatalogContainer *container = sc_catalog_container(call->service->catalog, call->subject);
        if (container != NULL)
                plan_container(call, container);
        else if (!plan_image(call, error))
                return false;
        /* By its name an image's templates find the data of a container. */
        static const char *const root_only[] = {"name", "values", "runtime"};
        for (guint i = 0; i < G_N_ELEMENTS(root_only); i++)
                if (json_object_has_member(call->options, root_only[i]))
                        sc_call_need(call, "configure");
        return true;
}

bool sc_bus_command_run(ScCall *call, GError **error)
{
        g_autofree char *subject = g_strdup(call->container != NULL ? call->container : call->image);
        /* What may run for days must not keep the container from being stopped or updated, nor others from their turn. */
        call->may_last = call->container == NULL || has_words(call);
        if (call->may_last)
                g_clear_pointer(&call->container, g_free);
        return sc_call_queue(call, subject, error);
}
