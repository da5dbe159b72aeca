/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "printable.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum { MAX_SHOWN = 100 };

char *sc_printable(const char *text)
{
        if (text == NULL)
                return g_strdup("nothing");
        gsize length = strnlen(text, MAX_SHOWN + 1);
        bool cut = length > MAX_SHOWN;
        g_autoptr(GString) shown = g_string_new_len(text, cut ? MAX_SHOWN : (gssize)length);
        for (gsize i = 0; i < shown->len; i++)
                if (!g_ascii_isprint(shown->str[i]))
                        shown->str[i] = '?';
        if (cut)
                g_string_append(shown, "...");
        return g_string_free(g_steal_pointer(&shown), FALSE);
}
