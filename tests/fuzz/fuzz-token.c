/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/auth.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *token = NULL;
        guint seconds;
        if (sc_token_parse((const char *)data, size, "answer", &token, &seconds, NULL))
                g_assert(token[0] != '\0' && strpbrk(token, " \r\n,") == NULL && seconds >= 60);
        return 0;
}
