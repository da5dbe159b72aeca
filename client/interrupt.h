/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ctrl-C, SIGTERM and changes of the terminal's size, as something to poll; for a command that is to get them, further signals that
 * end a program or speak to it. They do nothing else as long as this lives, whatever thread they meet. One at a time. */

#include <glib.h>

typedef enum {
        SC_INTERRUPT_NONE,
        SC_INTERRUPT_LEAVE,   /* SIGINT or SIGTERM (or one of the further ones) */
        SC_INTERRUPT_RESIZED, /* SIGWINCH */
} ScInterruptEvent;

typedef struct ScInterrupt ScInterrupt;

typedef enum { SC_INTERRUPT_OWN, SC_INTERRUPT_OF_COMMAND } ScInterruptSet;
ScInterrupt *sc_interrupt_new(ScInterruptSet set, GError **error);
void sc_interrupt_free(ScInterrupt *interrupt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScInterrupt, sc_interrupt_free)

/* Readable when sc_interrupt_read() has something. */
int sc_interrupt_fd(const ScInterrupt *interrupt);
/* *ret_number: the signal. */
ScInterruptEvent sc_interrupt_read(ScInterrupt *interrupt, int *ret_number);
