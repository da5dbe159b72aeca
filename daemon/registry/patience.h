/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How often and how long a fetch is tried: attempts with growing pauses, a bound for each silence, and less than two minutes in
 * all without a byte. Bytes that arrive make it start anew, unless there are so few of them that it would never end. */

#include "base/config.h"
#include "http.h"

typedef struct {
        guint attempts;   /* at most, without progress */
        gint64 stall;     /* microseconds of silence that end an attempt; the first one is given a fifth more */
        guint made;       /* attempts that have failed since there was progress */
        guint64 advanced; /* new bytes since the last failed attempt */
        gint64 last_byte; /* monotonic */
        guint64 rate;     /* bytes a second that must come in, over `window` of waiting for them; 0: any */
        gint64 window;    /* microseconds */
        gint64 waited;    /* in the window at hand, and what came in it */
        guint64 came;
        bool passing;  /* the trouble of the attempt at hand may pass */
        gint64 wanted; /* the pause that the server asked for; 0: none */
} ScPatience;

void sc_patience_init(ScPatience *patience, const ScConfig *config);

/* Before each attempt. */
void sc_patience_begin(ScPatience *patience);
/* Microseconds that the next step of the attempt may take. */
gint64 sc_patience_limit(const ScPatience *patience);
/* Bytes have come in: the silence is over. */
void sc_patience_feed(ScPatience *patience);
/* That many bytes came after waiting so long (0: the end) for them. False: they come too slowly. */
bool sc_patience_measure(ScPatience *patience, gint64 waited, gsize bytes);
/* That many of them were new, not what had been here already: with enough of them, attempts are counted anew. */
void sc_patience_advance(ScPatience *patience, gsize bytes);

/* Sets a Network error that another attempt may overcome, and returns false. All other errors end the fetch. */
bool sc_patience_throw(ScPatience *patience, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The server asked to come again after that time, and gets it, where so much is left. */
void sc_patience_ask(ScPatience *patience, gint64 microseconds);

/* After an attempt failed with *problem (not NULL). True: the pause is over, *problem cleared, try again. False: that was
 * all; *problem says how often it was tried, or that the pause was cancelled. */
bool sc_patience_again(ScPatience *patience, ScHttp *http, GCancellable *cancellable, GError **problem);
