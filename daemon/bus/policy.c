/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/policy.h"
#include "base/containers-conf.h"
#include "base/registries-d.h"
#include "bus/reply.h"

/* "" where there is none. */
static char *read_policy(const ScScope *scope, GError **error)
{
        g_autofree char *path = NULL, *text = NULL;
        gsize size;
        if (!sc_containers_read(scope, "policy.json", SC_OPTION_MAX_TEXT, &path, &text, &size, error))
                return NULL;
        if (text == NULL)
                return g_strdup("");
        if (g_utf8_validate(text, (gssize)size, NULL))
                return g_steal_pointer(&text);
        sc_throw(error, SC_ERROR_CORRUPT, "The policy %s is not valid UTF-8", path);
        return NULL;
}

int sc_bus_policy_get(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autoptr(GError) error = NULL;
        g_autofree char *text = read_policy(service->config->scope, &error);
        if (text == NULL)
                return sc_bus_reply_error(message, error);
        return sd_bus_reply_method_return(message, "s", text);
}

int sc_bus_policy_get_lookaside(sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
        ScService *service = data;
        g_autoptr(GError) error = NULL;
        g_autofree char *folder = sc_containers_path(service->config->scope, "registries.d");
        g_autoptr(ScRegistriesD) registries = sc_registries_d_load(folder, &error);
        if (registries == NULL)
                return sc_bus_reply_error(message, error);
        g_autoptr(GHashTable) lookasides = sc_registries_d_lookasides(registries);
        sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sc_bus_append_map(reply, lookasides);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        sd_bus_message_unref(reply);
        return r;
}

bool sc_bus_policy_run_set(ScCall *call, GError **error)
{
        return sc_call_queue(call, "", error);
}
