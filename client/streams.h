/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Input, output and signals of a command that sysconsd runs: a pair of pseudo-terminals behind this terminal, or this program's own
 * pipes and files. Never this terminal itself: it belongs to the session here. */

#include "bus.h"
#include <poll.h>

typedef enum {
        SC_TERMINAL_AUTO, /* where input and output are terminals */
        SC_TERMINAL_YES,
        SC_TERMINAL_NO,
} ScTerminalChoice;

typedef struct ScStreams ScStreams;

bool sc_streams_new(ScTerminalChoice terminal, ScStreams **ret, GError **error);
/* This terminal becomes again what it was. */
void sc_streams_free(ScStreams *streams);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScStreams, sc_streams_free)

/* Appends the options to a call, and gives the descriptors up: from now on the call's are the only ones, and the end of the command
 * is seen when it is gone, too. */
bool sc_streams_append(ScStreams *streams, ScClient *client, sd_bus_message *call, GError **error);

/* While the job is waited for. */
#define SC_STREAMS_MAX_FDS 3
void sc_streams_poll(const ScStreams *streams, struct pollfd ret[SC_STREAMS_MAX_FDS]);
void sc_streams_advance(ScStreams *streams, const struct pollfd fds[SC_STREAMS_MAX_FDS]);
/* The command starts now: this terminal passes every key on. */
void sc_streams_started(ScStreams *streams);
bool sc_streams_are_started(const ScStreams *streams);
void sc_streams_resized(ScStreams *streams);
/* Passes a signal on to the command. False: it has had enough of them, and somebody wants it to end. */
bool sc_streams_signal(ScStreams *streams, int number);
/* The command is over: what it has said is brought to its end. */
void sc_streams_finish(ScStreams *streams);
