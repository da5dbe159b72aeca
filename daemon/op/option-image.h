/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "op.h"
#include "store/image.h"

/* The image that the operation is about: what the pull before it has found (option "pulled", a commit), else what the name or id
 * means now. */
ScImage *sc_option_image(const ScOpContext *context, ScRepository *repository, const char *name_or_id, GError **error);
/* Which of its names is meant by the operation's subject; the image's own. */
const char *sc_option_image_name(const ScOpContext *context, const ScImage *image);
