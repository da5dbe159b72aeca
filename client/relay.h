/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes from one descriptor to another, as they come. */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
        int from, to;      /* -1: at its end */
        bool owns_to;      /* closed at the end of `from`, so that the reader sees it */
        bool ends_by_byte; /* `to` is a terminal: its reader is told the end by Ctrl-D */
        char buffer[16 * 1024];
        size_t start, end; /* what of it is still to be written */
} ScRelay;

/* What it waits for; fd -1: it is over. */
struct pollfd sc_relay_poll(const ScRelay *relay);
/* Goes on once poll() has said that it can. */
void sc_relay_advance(ScRelay *relay, short revents);
bool sc_relay_is_over(const ScRelay *relay);
void sc_relay_close(ScRelay *relay);
