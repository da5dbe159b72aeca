/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What there is to say about an image in the repository. */

#include "bus.h"

typedef struct {
        ScObject *image;
        JsonObject *defaults; /* of the variables of its templates */
        JsonNode *required;   /* an array: those without a default */
} ScDescription;

/* image: its name, or the start of its id. ret is to be cleared in any case. */
bool sc_describe(ScClient *client, const char *image, ScDescription *ret, GError **error);
void sc_description_clear(ScDescription *description);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScDescription, sc_description_clear)
