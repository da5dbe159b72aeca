/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* polkit, asked over the bus, without ever waiting for it. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef enum {
        SC_POLKIT_ALLOWED,
        SC_POLKIT_REFUSED,
        SC_POLKIT_CHALLENGE, /* would be allowed by a dialog, and the caller did not allow one */
} ScPolkitAnswer;

typedef enum { SC_POLKIT_QUIET = 0, SC_POLKIT_INTERACTIVE = 1 } ScPolkitFlags;

typedef struct ScPolkitCheck ScPolkitCheck;
/* The check is over and freed behind this. */
typedef void (*ScPolkitFunc)(gpointer data, ScPolkitAnswer answer);

/* Asks for the bus connection `sender`; details: string to string. Without polkit the answer is a refusal. */
ScPolkitCheck *sc_polkit_check(sd_bus *bus, const char *sender, const char *action, GHashTable *details, ScPolkitFlags flags,
                               ScPolkitFunc func, gpointer data, GError **error);
/* Takes the question back, and closes a dialog that is open; func is not called. */
void sc_polkit_withdraw(ScPolkitCheck *check);
