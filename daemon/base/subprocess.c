/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subprocess.h"

#include "error.h"

/* Runs in the thread that cancels. */
static void kill_process(GCancellable *cancellable, gpointer process)
{
        g_subprocess_force_exit(process);
}

bool sc_subprocess_communicate(GSubprocess *process, GCancellable *cancellable, char **ret_output, char **ret_complaint,
                               GError **error)
{
        gulong handler = cancellable != NULL ? g_cancellable_connect(cancellable, G_CALLBACK(kill_process), process, NULL) : 0;
        g_autofree char *output = NULL, *complaint = NULL;
        g_autoptr(GError) problem = NULL;
        bool ok = g_subprocess_communicate_utf8(process, NULL, NULL, &output, &complaint, &problem);
        g_cancellable_disconnect(cancellable, handler);
        /* First: what was killed may have said half a character. */
        if (sc_cancelled(cancellable, error))
                return false;
        if (!ok) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        *ret_output = g_steal_pointer(&output);
        *ret_complaint = g_steal_pointer(&complaint);
        return true;
}
