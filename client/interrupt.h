/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ctrl-C, SIGTERM and changes of the terminal's size, as something to poll. They are blocked as long as this lives. */

#include <glib.h>

typedef enum {
        SC_INTERRUPT_NONE,
        SC_INTERRUPT_LEAVE,   /* SIGINT or SIGTERM */
        SC_INTERRUPT_RESIZED, /* SIGWINCH */
} ScInterruptEvent;

typedef struct ScInterrupt ScInterrupt;

ScInterrupt *sc_interrupt_new(GError **error);
void sc_interrupt_free(ScInterrupt *interrupt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScInterrupt, sc_interrupt_free)

/* Readable when sc_interrupt_read() has something. */
int sc_interrupt_fd(const ScInterrupt *interrupt);
ScInterruptEvent sc_interrupt_read(ScInterrupt *interrupt);
