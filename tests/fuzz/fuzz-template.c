/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Templates of an image. Besides not crashing: if every name that is collected has a value, no name lacks one. */

#include "fuzz.h"

#include "base/error.h"
#include "unit/template.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        sc_template_collect(text, names);

        g_autoptr(GHashTable) values = sc_string_map_new();
        GHashTableIter iter;
        gpointer name;
        g_hash_table_iter_init(&iter, names);
        while (g_hash_table_iter_next(&iter, &name, NULL)) {
                g_assert(sc_template_uses(text, name));
                g_hash_table_insert(values, g_strdup(name), g_strdup("$100%"));
        }
        g_autoptr(ScScope) scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        ScVariablesInput input = {.scope = scope,
                                  .name = "n",
                                  .destdir = "/d",
                                  .image_name = "i",
                                  .image_id = "0",
                                  .runtime = "/r",
                                  .exec_helper = "/e",
                                  .client = "/c",
                                  .defaults = values};
        g_autoptr(ScVariables) variables = sc_variables_new(&input, NULL);
        for (ScTemplateEscape escape = SC_TEMPLATE_RAW; escape <= SC_TEMPLATE_UNIT; escape++) {
                g_autoptr(GError) error = NULL;
                g_autofree char *expanded = sc_template_expand("fuzz", text, variables, escape, &error);
                g_assert(expanded != NULL || strstr(error->message, "unreplaced") == NULL);
        }
        return 0;
}
