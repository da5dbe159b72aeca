/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "text.h"
#include <string.h>

/* Characters without a shape of their own can hide or reorder what stands beside them; combining marks belong to scripts that
 * need them. */
static bool is_harmless(gunichar c)
{
        switch (g_unichar_type(c)) {
        case G_UNICODE_CONTROL:
        case G_UNICODE_FORMAT:
        case G_UNICODE_SURROGATE:
        case G_UNICODE_PRIVATE_USE:
        case G_UNICODE_UNASSIGNED:
        case G_UNICODE_LINE_SEPARATOR:
        case G_UNICODE_PARAGRAPH_SEPARATOR:
                return false;
        default:
                return true;
        }
}

char *sc_text_clean(const char *text)
{
        GString *clean = g_string_new(NULL);
        while (*text != '\0') {
                gunichar c = g_utf8_get_char_validated(text, -1);
                if (c == (gunichar)-1 || c == (gunichar)-2) {
                        g_string_append_printf(clean, "\\x%02x", (unsigned char)*text);
                        text++;
                        continue;
                }
                if (c == '\n')
                        g_string_append(clean, "\\n");
                else if (c == '\t')
                        g_string_append(clean, "\\t");
                else if (is_harmless(c))
                        g_string_append_unichar(clean, c);
                else if (c < 0x80)
                        g_string_append_printf(clean, "\\x%02x", c);
                else
                        g_string_append_printf(clean, "\\u{%x}", c);
                text = g_utf8_next_char(text);
        }
        return g_string_free(clean, FALSE);
}

static unsigned character_width(gunichar c)
{
        if (g_unichar_iszerowidth(c))
                return 0;
        return g_unichar_iswide(c) ? 2 : 1;
}

unsigned sc_text_width(const char *text)
{
        unsigned width = 0;
        for (; *text != '\0'; text = g_utf8_next_char(text))
                width += character_width(g_utf8_get_char(text));
        return width;
}

char *sc_text_cut(const char *text, unsigned width)
{
        if (sc_text_width(text) <= width)
                return g_strdup(text);
        const char *mark = g_get_charset(NULL) ? "…" : "...";
        if (sc_text_width(mark) > width)
                mark = "";
        unsigned left = width - sc_text_width(mark);
        const char *end = text;
        while (character_width(g_utf8_get_char(end)) <= left) {
                left -= character_width(g_utf8_get_char(end));
                end = g_utf8_next_char(end);
        }
        return g_strdup_printf("%.*s%s", (int)(end - text), text, mark);
}

static const char *const size_units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

/* The largest unit of which the size has at least one; what would be shown as 1000.0 is one of the next. */
static gsize size_unit(guint64 bytes, double *ret_factor)
{
        gsize unit = 0;
        double factor = 1;
        while (unit + 1 < G_N_ELEMENTS(size_units) && (double)bytes / factor >= (unit == 0 ? 1000 : 999.95)) {
                factor *= 1000;
                unit++;
        }
        *ret_factor = factor;
        return unit;
}

char *sc_format_size(guint64 bytes)
{
        double factor;
        gsize unit = size_unit(bytes, &factor);
        return g_strdup_printf("%.*f %s", unit == 0 ? 0 : 1, (double)bytes / factor, size_units[unit]);
}

char *sc_format_size_of(guint64 done, guint64 total)
{
        double factor;
        gsize unit = size_unit(total, &factor);
        int digits = unit == 0 ? 0 : 1;
        return g_strdup_printf("%.*f/%.*f %s", digits, (double)done / factor, digits, (double)total / factor, size_units[unit]);
}

char *sc_format_duration(guint64 seconds)
{
        guint64 hours = seconds / 3600;
        unsigned minutes = seconds / 60 % 60, rest = seconds % 60;
        if (hours > 0)
                return g_strdup_printf("%" G_GUINT64_FORMAT ":%02u:%02u", hours, minutes, rest);
        return g_strdup_printf("%u:%02u", minutes, rest);
}

char *sc_format_time(gint64 time)
{
        if (time == 0)
                return NULL;
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(time);
        return date != NULL ? g_date_time_format(date, "%Y-%m-%dT%H:%M:%SZ") : NULL;
}

char *sc_format_age(gint64 time, gint64 now)
{
        static const struct {
                gint64 seconds;
                const char *unit;
        } units[] = {
                {365 * 86400, "year"}, {30 * 86400, "month"}, {7 * 86400, "week"}, {86400, "day"},
                {3600, "hour"},        {60, "minute"},        {1, "second"},
        };
        if (time <= 0 || time > now) {
                char *date = sc_format_time(time);
                return date != NULL ? date : g_strdup("-");
        }
        for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
                gint64 count = (now - time) / units[i].seconds;
                if (count > 0)
                        return g_strdup_printf("%" G_GINT64_FORMAT " %s%s ago", count, units[i].unit, count == 1 ? "" : "s");
        }
        return g_strdup("just now");
}
