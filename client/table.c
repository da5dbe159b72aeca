/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "table.h"
#include "text.h"

#define GAP 2
/* A cell cut to less than this tells nothing. */
#define MIN_SHRUNK_WIDTH 8

struct ScTable {
        const ScColumn *columns;
        gsize n_columns;
        GPtrArray *cells; /* row by row */
};

ScTable *sc_table_new(const ScColumn *columns, gsize n_columns)
{
        ScTable *table = g_new0(ScTable, 1);
        table->columns = columns;
        table->n_columns = n_columns;
        table->cells = g_ptr_array_new_with_free_func(g_free);
        return table;
}

void sc_table_free(ScTable *table)
{
        if (table == NULL)
                return;
        g_ptr_array_unref(table->cells);
        g_free(table);
}

void sc_table_add(ScTable *table, const char *text)
{
        g_ptr_array_add(table->cells, text != NULL ? sc_text_clean(text) : g_strdup("-"));
}

static void measure(ScTable *table, ScTableFlags flags, unsigned *widths)
{
        for (gsize i = 0; i < table->n_columns; i++)
                widths[i] = (flags & SC_TABLE_NO_HEADING) != 0 ? 0 : sc_text_width(table->columns[i].title);
        for (gsize i = 0; i < table->cells->len; i++) {
                unsigned *width = &widths[i % table->n_columns];
                *width = MAX(*width, sc_text_width(table->cells->pdata[i]));
        }
}

/* Takes from the widest column that may shrink until the line fits or nothing is left to take. */
static void shrink(ScTable *table, unsigned *widths, unsigned limit)
{
        for (;;) {
                gsize total = GAP * (table->n_columns - 1);
                unsigned *widest = NULL;
                for (gsize i = 0; i < table->n_columns; i++) {
                        total += widths[i];
                        if ((table->columns[i].flags & SC_COLUMN_SHRINK) != 0 && widths[i] > MIN_SHRUNK_WIDTH &&
                            (widest == NULL || widths[i] > *widest))
                                widest = &widths[i];
                }
                if (total <= limit || widest == NULL)
                        return;
                (*widest)--;
        }
}

static void append_row(ScTable *table, GString *text, char *const *cells, const unsigned *widths)
{
        for (gsize i = 0; i < table->n_columns; i++) {
                g_autofree char *cell = sc_text_cut(cells[i], widths[i]);
                int padding = (int)(widths[i] - sc_text_width(cell));
                bool right = (table->columns[i].flags & SC_COLUMN_RIGHT) != 0;
                if (right)
                        g_string_append_printf(text, "%*s%s", padding, "", cell);
                else
                        g_string_append_printf(text, "%s%*s", cell, padding, "");
                if (i + 1 < table->n_columns)
                        g_string_append_printf(text, "%*s", GAP, "");
        }
        while (text->len > 0 && text->str[text->len - 1] == ' ')
                g_string_truncate(text, text->len - 1);
        g_string_append_c(text, '\n');
}

char *sc_table_format(ScTable *table, unsigned width, ScTableFlags flags)
{
        g_autofree unsigned *widths = g_new0(unsigned, table->n_columns);
        measure(table, flags, widths);
        if (width > 0)
                shrink(table, widths, width);
        GString *text = g_string_new(NULL);
        if ((flags & SC_TABLE_NO_HEADING) == 0) {
                g_autofree char **titles = g_new0(char *, table->n_columns);
                for (gsize i = 0; i < table->n_columns; i++)
                        titles[i] = (char *)table->columns[i].title;
                append_row(table, text, titles, widths);
        }
        for (gsize i = 0; i + table->n_columns <= table->cells->len; i += table->n_columns)
                append_row(table, text, (char *const *)table->cells->pdata + i, widths);
        return g_string_free(text, FALSE);
}
