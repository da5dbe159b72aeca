/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "registry/auth.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *header = g_strndup((const char *)data, size);
        g_auto(ScChallenge) challenge = {};
        if (sc_challenge_parse(header, &challenge, NULL)) {
                g_autofree char *query = sc_challenge_query(&challenge, "a/b", NULL);
                g_assert((challenge.realm != NULL || challenge.scheme == SC_CHALLENGE_BASIC) && strpbrk(query, " \r\n#") == NULL);
        }
        return 0;
}
