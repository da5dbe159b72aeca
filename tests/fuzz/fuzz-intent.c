/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "base/reference.h"
#include "store/intent.h"
#include "store/pull-intent.h"

/* What prune keeps for a pull are layers, and nothing else. */
static void parse_pull_intent(const char *text, gsize size)
{
        g_autoptr(ScPullIntent) intent = sc_pull_intent_parse(text, size, "record", NULL);
        for (char **ref = intent != NULL ? intent->refs : NULL; ref != NULL && *ref != NULL; ref++)
                g_assert(sc_ref_is_blob(*ref));
}

/* Recovery acts upon an intent as root: whatever parses must stay inside the checkout path. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        parse_pull_intent((const char *)data, size);
        g_autoptr(ScIntent) intent = sc_intent_parse((const char *)data, size, "intent", NULL);
        if (intent == NULL)
                return 0;
        g_assert(sc_container_name_check(intent->container, NULL));
        const ScIntentSide *sides[] = {&intent->old, &intent->new};
        for (guint i = 0; i < G_N_ELEMENTS(sides); i++) {
                g_assert(sides[i]->slot >= -1 && sides[i]->slot <= 1);
                g_assert(sides[i]->hidden == NULL || (strchr(sides[i]->hidden, '/') == NULL && sides[i]->hidden[0] == '.' &&
                                                      g_str_has_prefix(sides[i]->hidden + 1, intent->container)));
        }
        return 0;
}
