/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The state of a job as one line: its phase, a bar, the share that is done, bytes, speed, the time left, the layer. The line is
 * made here from values and a clock that the caller passes; the terminal is the caller's. */

#include <glib.h>
#include <stdbool.h>

typedef struct ScProgress ScProgress;

ScProgress *sc_progress_new(void);
void sc_progress_free(ScProgress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScProgress, sc_progress_free)

/* True where done and total of this phase count bytes; otherwise they count steps. */
bool sc_progress_counts_bytes(const char *phase);

/* A new state at the monotonic time `now`, in microseconds; total 0: unknown. */
void sc_progress_update(ScProgress *progress, const char *phase, guint64 done, guint64 total, gint64 now);
/* Time went by and nothing came: the speed of a stalled transfer goes down. */
void sc_progress_tick(ScProgress *progress, gint64 now);
/* Learns the layer from the line "Pulling layer HEX"; other lines change nothing. */
void sc_progress_message(ScProgress *progress, const char *line);
/* Bytes a second over the last seconds, 0: not known (yet). */
guint64 sc_progress_speed(const ScProgress *progress);
/* The line, at most width columns; parts that do not fit are left out, the least important first. "" before the first phase. */
char *sc_progress_format(const ScProgress *progress, unsigned width);
