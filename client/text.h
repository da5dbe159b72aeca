/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text for terminals: made harmless, measured and cut by the columns it takes; numbers and times for humans. Labels, names and
 * messages come from images that anybody may have made. */

#include <glib.h>
#include <stdbool.h>

/* A copy in which nothing can command a terminal or disguise the text: control characters, line breaks, bidirectional and other
 * invisible characters become \n, \t, \xHH or \u{HEX}; bytes that are no UTF-8 become \xHH. */
char *sc_text_clean(const char *text);

/* Columns that a clean text takes. */
unsigned sc_text_width(const char *text);
/* A copy that takes at most width columns; what was cut is shown by a trailing "…" ("..." where the locale cannot show it). */
char *sc_text_cut(const char *text, unsigned width);

/* "0 B", "999 B", "1.0 kB", "39.7 MB": powers of 1000, as `docker images` shows them. */
char *sc_format_size(guint64 bytes);
/* "12.3/39.7 MB": both in the unit of the total. */
char *sc_format_size_of(guint64 done, guint64 total);
/* "0:07", "12:30", "1:02:03" */
char *sc_format_duration(guint64 seconds);
/* "2 hours ago"; a time to come is shown as its date, 0 (unknown) as "-". Both in seconds since the epoch. */
char *sc_format_age(gint64 time, gint64 now);
/* "2024-05-01T12:00:00Z"; NULL for 0 (unknown) and for what no calendar holds. */
char *sc_format_time(gint64 time);
