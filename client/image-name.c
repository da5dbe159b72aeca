/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "image-name.h"
#include "base/reference.h"
#include "value.h"
#include <string.h>

const char *sc_name_meant(const ScObject *image, const char *text)
{
        g_autoptr(ScReference) reference = sc_reference_parse(text, NULL);
        JsonArray *names = json_object_get_array_member(image->properties, "Names");
        for (guint i = 0; reference != NULL && i < json_array_get_length(names); i++)
                if (strcmp(json_array_get_string_element(names, i), reference->name) == 0)
                        return text;
        return g_str_has_prefix(sc_value_string(image->properties, "Id"), text) ? NULL : text;
}
