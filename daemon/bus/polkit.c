/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/polkit.h"
#include "bus/reply.h"

#define POLKIT "org.freedesktop.PolicyKit1"
#define AUTHORITY_PATH "/org/freedesktop/PolicyKit1/Authority"
#define AUTHORITY "org.freedesktop.PolicyKit1.Authority"

/* polkit gives a dialog five minutes; the time-out is only for an authority that hangs. */
#define TIMEOUT_USEC (UINT64_C(10) * 60 * G_USEC_PER_SEC)

struct ScPolkitCheck {
        sd_bus *bus;
        sd_bus_slot *slot;
        char *cancellation_id;
        ScPolkitFunc func;
        gpointer data;
};

static void check_free(ScPolkitCheck *check)
{
        sd_bus_slot_unref(check->slot);
        sd_bus_unref(check->bus);
        g_free(check->cancellation_id);
        g_free(check);
}

static void cancel(ScPolkitCheck *check)
{
        sd_bus_call_method_async(check->bus, NULL, POLKIT, AUTHORITY_PATH, AUTHORITY, "CancelCheckAuthorization", NULL, NULL, "s",
                                 check->cancellation_id);
}

static ScPolkitAnswer read_answer(sd_bus_message *reply, ScPolkitCheck *check)
{
        int authorized, challenge;
        /* No reply in time leaves a question open; any other error is polkit's own, or says that there is no polkit. */
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY))
                cancel(check);
        if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
                return SC_POLKIT_REFUSED;
        if (authorized)
                return SC_POLKIT_ALLOWED;
        return challenge ? SC_POLKIT_CHALLENGE : SC_POLKIT_REFUSED;
}

static int on_answer(sd_bus_message *reply, void *data, sd_bus_error *ret_error)
{
        ScPolkitCheck *check = data;
        ScPolkitAnswer answer = read_answer(reply, check);
        ScPolkitFunc func = check->func;
        gpointer func_data = check->data;
        check_free(check);
        func(func_data, answer);
        return 0;
}

ScPolkitCheck *sc_polkit_check(sd_bus *bus, const char *sender, const char *action, GHashTable *details, ScPolkitFlags flags,
                               ScPolkitFunc func, gpointer data, GError **error)
{
        ScPolkitCheck *check = g_new0(ScPolkitCheck, 1);
        check->bus = sd_bus_ref(bus);
        check->cancellation_id = g_uuid_string_random();
        check->func = func;
        check->data = data;
        sd_bus_message *call = NULL;
        int r = sd_bus_message_new_method_call(bus, &call, POLKIT, AUTHORITY_PATH, AUTHORITY, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(call, "(sa{sv})s", "system-bus-name", 1, "name", "s", sender, action);
        if (r >= 0)
                r = sc_bus_append_map(call, details);
        if (r >= 0)
                r = sd_bus_message_append(call, "us", (uint32_t)flags, check->cancellation_id);
        if (r >= 0)
                r = sd_bus_call_async(bus, &check->slot, call, on_answer, check, TIMEOUT_USEC);
        sd_bus_message_unref(call);
        if (r >= 0)
                return check;
        check_free(check);
        sc_bus_throw(error, r, "Cannot ask polkit");
        return NULL;
}

void sc_polkit_withdraw(ScPolkitCheck *check)
{
        if (check == NULL)
                return;
        cancel(check);
        check_free(check);
}
