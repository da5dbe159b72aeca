/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "store/info.h"

/* What was read must be written, and read again, as it was. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autoptr(ScInfo) info = sc_info_parse((const char *)data, size, "info file", NULL);
        if (info == NULL)
                return 0;
        g_autofree char *text = sc_info_to_text(info);
        g_autoptr(ScInfo) again = sc_info_parse(text, strlen(text), "info file", NULL);
        g_assert(again != NULL);
        g_autofree char *same = sc_info_to_text(again);
        g_assert_cmpstr(text, ==, same);
        return 0;
}
