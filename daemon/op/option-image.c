/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "option-image.h"

#include "base/reference.h"
#include "describe.h"
#include "options.h"
#include <string.h>

ScImage *sc_option_image(const ScOpContext *context, ScRepository *repository, const char *name_or_id, GError **error)
{
        const char *pulled;
        if (!sc_option_string(context, "pulled", &pulled, error))
                return NULL;
        return pulled != NULL ? sc_image_at(repository, pulled, name_or_id, error)
                              : sc_image_find_described(context, repository, name_or_id, error);
}

const char *sc_option_image_name(const ScOpContext *context, const ScImage *image)
{
        g_autoptr(ScReference) reference = sc_reference_parse(context->subject, NULL);
        for (char **name = image->names; reference != NULL && *name != NULL; name++)
                if (strcmp(*name, reference->name) == 0)
                        return *name;
        return image->names[0];
}
