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

bool sc_image_call(ScClient *client, const char *text, const char *method, const char *argument, sd_bus_message **ret,
                   GError **error)
{
        g_autofree char *path = NULL;
        g_autoptr(ScObject) image = NULL;
        if (!sc_object_find(client, SC_OBJECT_IMAGE, text, &path, error) ||
            !sc_object_get(client, SC_OBJECT_IMAGE, path, &image, error))
                return false;
        sd_bus_message *call = NULL;
        if (sc_call_new(client, path, SC_BUS_IMAGE, method, argument, &call, error) && sc_call_open_options(call, error) &&
            sc_call_option_string(call, "name", sc_name_meant(image, text), error)) {
                *ret = call;
                return true;
        }
        sd_bus_message_unref(call);
        return false;
}
