/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The progress of a job on the terminal of stderr: one line, written over and over, that messages push down. Without a terminal
 * there are the messages only. */

#include "client.h"

typedef struct ScScreen ScScreen;

ScScreen *sc_screen_new(ScClient *client);
/* Takes the line away. */
void sc_screen_free(ScScreen *screen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScScreen, sc_screen_free)

/* Whether there is a line that wants to be redrawn now and then. */
bool sc_screen_is_live(const ScScreen *screen);
void sc_screen_progress(ScScreen *screen, const char *phase, guint64 done, guint64 total);
void sc_screen_message(ScScreen *screen, const char *line);
/* About the client's own doing, on stderr, also when quiet. */
void sc_screen_note(ScScreen *screen, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The terminal is somebody else's from now on. */
void sc_screen_leave(ScScreen *screen);
/* Time went by, or the terminal has another size. */
void sc_screen_redraw(ScScreen *screen);
