/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A table for humans: columns as wide as their widest cell, two blanks between them. */

#include <glib.h>

typedef enum {
        SC_COLUMN_PLAIN = 0,
        SC_COLUMN_RIGHT = 1 << 0,  /* numbers */
        SC_COLUMN_SHRINK = 1 << 1, /* is cut where the line does not fit */
} ScColumnFlags;

typedef struct {
        const char *title;
        ScColumnFlags flags;
} ScColumn;

typedef enum {
        SC_TABLE_HEADING = 0,
        SC_TABLE_NO_HEADING = 1 << 0,
} ScTableFlags;

typedef struct ScTable ScTable;

/* The columns must outlive the table. */
ScTable *sc_table_new(const ScColumn *columns, gsize n_columns);
void sc_table_free(ScTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTable, sc_table_free)

/* The next cell, row by row; the text is cleaned. NULL is shown as "-". */
void sc_table_add(ScTable *table, const char *text);
/* The whole table; width: the columns of the terminal, 0: nothing is cut. */
char *sc_table_format(ScTable *table, unsigned width, ScTableFlags flags);
