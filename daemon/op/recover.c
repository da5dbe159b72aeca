/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/error.h"
#include "base/journal.h"
#include "base/path.h"
#include "change.h"
#include "mounts.h"
#include "session.h"
#include "store/deployment.h"
#include <syslog.h>

static bool recover_one(ScOpContext *context, const char *container, ScRecoverWhen when, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autoptr(ScChange) change = sc_change_adopt(context, container, when, &local);
        if (change == NULL) {
                /* Busy: an operation of its own is at work, and recovers first thing. Not found: it was quicker. */
                if (g_error_matches(local, SC_ERROR, SC_ERROR_BUSY) || g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return true;
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        return sc_change_recover(change, error);
}

static bool recover_list(ScOpContext *context, char *const *containers, ScRecoverWhen when, GError **error)
{
        bool ok = true;
        for (char *const *container = containers; container != NULL && *container != NULL; container++) {
                g_autoptr(GError) local = NULL;
                if (recover_one(context, *container, when, &local))
                        continue;
                g_autofree char *line = g_strdup_printf("Cannot recover %s: %s", *container, local->message);
                sc_journal(LOG_ERR, line, SC_FIELD_CONTAINER, *container, SC_FIELD_OPERATION, "recover", NULL);
                if (ok)
                        g_propagate_error(error, g_steal_pointer(&local));
                ok = false;
        }
        return ok;
}

bool sc_recover_all(ScOpContext *context, ScRecoverWhen when, GError **error)
{
        g_autoptr(GError) none = NULL;
        sc_autofd checkout = sc_checkout_open(context->config, false, &none);
        g_auto(GStrv) unfinished = checkout >= 0 ? sc_intent_list(checkout, &none) : NULL;
        if (unfinished == NULL) {
                if (g_error_matches(none, SC_ERROR, SC_ERROR_NOT_FOUND))
                        return sc_set_policy_recover(context, error); /* sysconsd never changed a container here */
                g_propagate_error(error, g_steal_pointer(&none));
                return false;
        }
        bool ok = recover_list(context, unfinished, when, error);
        ok = sc_mounts_sweep(context, checkout, ok ? error : NULL) && ok;
        /* What was only being built can wait until the system is up. */
        g_auto(GStrv) leftovers = when == SC_RECOVER_NOW ? sc_slot_leftovers(checkout, NULL) : NULL;
        ok = recover_list(context, leftovers, when, ok ? error : NULL) && ok;
        ok = (when == SC_RECOVER_BOOT || sc_session_sweep(context, ok ? error : NULL)) && ok;
        return sc_set_policy_recover(context, ok ? error : NULL) && ok;
}

bool sc_op_recover(ScOpContext *context, GError **error)
{
        if (context->subject[0] == '\0')
                return sc_recover_all(context, SC_RECOVER_NOW, error);
        return recover_one(context, context->subject, SC_RECOVER_NOW, error);
}
