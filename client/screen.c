/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "screen.h"
#include "progress.h"
#include "text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ScScreen {
        ScClient *client;
        ScProgress *progress; /* NULL: no line */
        bool drawn;
};

/* A terminal that can go back to the start of a line and clear it. */
static bool is_capable(void)
{
        const char *term = getenv("TERM");
        return isatty(STDERR_FILENO) && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

ScScreen *sc_screen_new(ScClient *client)
{
        ScScreen *screen = g_new0(ScScreen, 1);
        screen->client = client;
        if (!client->quiet && !client->no_wait && is_capable())
                screen->progress = sc_progress_new();
        return screen;
}

bool sc_screen_is_live(const ScScreen *screen)
{
        return screen->progress != NULL;
}

static void clear(ScScreen *screen)
{
        if (!screen->drawn)
                return;
        fputs("\r\033[K", stderr);
        fflush(stderr);
        screen->drawn = false;
}

static void draw(ScScreen *screen)
{
        if (screen->progress == NULL)
                return;
        /* A character in the last column would wrap on some terminals. */
        unsigned width = sc_terminal_width(STDERR_FILENO);
        g_autofree char *line = sc_progress_format(screen->progress, width > 1 ? width - 1 : 0);
        if (line[0] == '\0')
                return;
        fprintf(stderr, "\r%s\033[K", line);
        fflush(stderr);
        screen->drawn = true;
}

void sc_screen_free(ScScreen *screen)
{
        if (screen == NULL)
                return;
        clear(screen);
        sc_progress_free(screen->progress);
        g_free(screen);
}

void sc_screen_progress(ScScreen *screen, const char *phase, guint64 done, guint64 total)
{
        if (screen->progress == NULL)
                return;
        sc_progress_update(screen->progress, phase, done, total, g_get_monotonic_time());
        draw(screen);
}

void sc_screen_message(ScScreen *screen, const char *line)
{
        if (screen->progress != NULL)
                sc_progress_message(screen->progress, line);
        clear(screen);
        sc_client_message(screen->client, line);
        draw(screen);
}

void sc_screen_note(ScScreen *screen, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *line = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        g_autofree char *clean = sc_text_clean(line);
        clear(screen);
        fprintf(stderr, "%s\n", clean);
        draw(screen);
}

void sc_screen_leave(ScScreen *screen)
{
        clear(screen);
        g_clear_pointer(&screen->progress, sc_progress_free);
}

void sc_screen_redraw(ScScreen *screen)
{
        if (screen->progress == NULL)
                return;
        sc_progress_tick(screen->progress, g_get_monotonic_time());
        draw(screen);
}
