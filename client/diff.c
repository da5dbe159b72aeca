/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "diff.h"
#include <stdbool.h>
#include <string.h>

#define CONTEXT 3
/* Texts of more lines are not compared: all of the old one goes, all of the new one comes. */
#define MAX_LINES 2000

typedef struct {
        char kind; /* ' ', '-', '+' */
        const char *text;
} Line;

static char **split(const char *text)
{
        g_autofree char *copy = g_strdup(text != NULL ? text : "");
        gsize size = strlen(copy);
        if (size > 0 && copy[size - 1] == '\n')
                copy[size - 1] = '\0';
        return size == 0 ? g_new0(char *, 1) : g_strsplit(copy, "\n", -1);
}

static void add(GArray *lines, char kind, const char *text)
{
        const Line line = {kind, text};
        g_array_append_val(lines, line);
}

/* common[i * (m + 1) + j]: the length of the longest common subsequence of the lines from i and from j on. */
static guint *common_lengths(char **a, guint n, char **b, guint m)
{
        guint *common = g_new0(guint, (gsize)(n + 1) * (m + 1));
        for (guint i = n; i-- > 0;)
                for (guint j = m; j-- > 0;) {
                        guint *here = &common[(gsize)i * (m + 1) + j];
                        *here = strcmp(a[i], b[j]) == 0 ? here[m + 2] + 1 : MAX(here[m + 1], here[1]);
                }
        return common;
}

static GArray *compare(char **a, char **b)
{
        GArray *lines = g_array_new(FALSE, FALSE, sizeof(Line));
        guint n = g_strv_length(a), m = g_strv_length(b), i = 0, j = 0;
        if (n <= MAX_LINES && m <= MAX_LINES) {
                g_autofree guint *common = common_lengths(a, n, b, m);
                while (i < n && j < m) {
                        const guint *here = &common[(gsize)i * (m + 1) + j];
                        if (strcmp(a[i], b[j]) == 0)
                                add(lines, ' ', a[i++]), j++;
                        else if (here[m + 1] >= here[1])
                                add(lines, '-', a[i++]);
                        else
                                add(lines, '+', b[j++]);
                }
        }
        while (i < n)
                add(lines, '-', a[i++]);
        while (j < m)
                add(lines, '+', b[j++]);
        return lines;
}

static bool is_near_change(const GArray *lines, guint index)
{
        guint first = index > CONTEXT ? index - CONTEXT : 0, end = MIN(index + CONTEXT + 1, lines->len);
        for (guint i = first; i < end; i++)
                if (g_array_index(lines, Line, i).kind != ' ')
                        return true;
        return false;
}

char *sc_diff(const char *old, const char *new)
{
        g_auto(GStrv) a = split(old), b = split(new);
        g_autoptr(GArray) lines = compare(a, b);
        GString *text = g_string_new(NULL);
        bool skipped = false;
        for (guint i = 0; i < lines->len; i++) {
                const Line *line = &g_array_index(lines, Line, i);
                if (!is_near_change(lines, i)) {
                        skipped = true;
                        continue;
                }
                if (skipped)
                        g_string_append(text, "...\n");
                skipped = false;
                g_string_append_printf(text, "%c%s\n", line->kind, line->text);
        }
        if (skipped && text->len > 0)
                g_string_append(text, "...\n");
        return g_string_free(text, FALSE);
}
