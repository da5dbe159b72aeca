/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts of images, jobs and services on their way to a terminal, two of them parted by a zero byte: none of them may command it. */

#include "fuzz.h"

#include "diff.h"
#include "progress.h"
#include "table.h"
#include "text.h"

static void check_clean(const char *text)
{
        g_assert(g_utf8_validate(text, -1, NULL));
        for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
                GUnicodeType type = g_unichar_type(g_utf8_get_char(p));
                g_assert(*p == '\n' || (type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT));
        }
}

static void check_table(char *const *texts)
{
        static const ScColumn columns[] = {{"ONE", SC_COLUMN_SHRINK}, {"TWO", SC_COLUMN_RIGHT}};
        ScTable *table = sc_table_new(columns, G_N_ELEMENTS(columns));
        for (guint i = 0; i < 4; i++)
                sc_table_add(table, texts[i % 2]);
        g_autofree char *narrow = sc_table_format(table, 20, SC_TABLE_HEADING);
        g_autofree char *wide = sc_table_format(table, 0, SC_TABLE_NO_HEADING);
        check_clean(narrow);
        check_clean(wide);
        sc_table_free(table);
}

static void check_progress(const char *text)
{
        g_autoptr(ScProgress) progress = sc_progress_new();
        sc_progress_message(progress, text);
        g_autofree char *layer = g_strconcat("Pulling layer ", text, NULL);
        sc_progress_message(progress, layer);
        for (gint64 i = 1; i < 4; i++)
                sc_progress_update(progress, text, (guint64)i << (i * 20), G_MAXUINT64 >> (i * 20), i * G_USEC_PER_SEC);
        g_autofree char *line = sc_progress_format(progress, 40);
        check_clean(line);
        g_assert(sc_text_width(line) <= 40);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_auto(GStrv) texts = fuzz_texts(data, size, 2);
        g_autofree char *clean = sc_text_clean(texts[0]);
        check_clean(clean);
        g_assert(strchr(clean, '\n') == NULL);
        g_autofree char *cut = sc_text_cut(clean, 10);
        check_clean(cut);
        g_assert(sc_text_width(cut) <= 10);
        g_autofree char *diff = sc_diff(texts[0], texts[1]);
        g_assert(diff != NULL);
        check_table(texts);
        check_progress(texts[0]);
        return 0;
}
