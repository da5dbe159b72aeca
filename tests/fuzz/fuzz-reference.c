/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"
#include "base/reference.h"

/* What parses parses again from what it is written as. */
static void check_text(const char *text)
{
        g_autoptr(ScReference) reference = sc_reference_parse_to_pull(text, NULL);
        if (reference == NULL)
                return;
        g_assert(sc_source_is_file(reference->source) == (reference->name == NULL));
        g_autofree char *written = sc_reference_to_text(reference);
        g_autoptr(ScReference) again = sc_reference_parse_to_pull(written, NULL);
        g_assert(again != NULL && again->source == reference->source);
        g_assert_cmpstr(again->name, ==, reference->name);
        g_assert_cmpstr(again->choice, ==, reference->choice);
        g_assert_cmpstr(again->place, ==, reference->place);
}

/* A name that parses must parse again from its canonical form, and survive the way through a ref. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autoptr(ScReference) reference = sc_reference_parse(text, NULL);
        check_text(text);
        g_free(sc_ref_decode(text));
        (void)sc_container_name_check(text, NULL);
        if (reference == NULL)
                return 0;
        g_autoptr(ScReference) again = sc_reference_parse(reference->name, NULL);
        g_assert(again != NULL);
        g_assert_cmpstr(again->name, ==, reference->name);
        g_assert_cmpstr(again->host, ==, reference->host);
        g_autofree char *ref = sc_ref_encode(reference->name);
        g_autofree char *back = sc_ref_decode(ref);
        g_assert_cmpstr(back, ==, reference->name);
        g_assert(!sc_ref_is_blob(ref));
        return 0;
}
