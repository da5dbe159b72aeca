/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images that another program pulled get the description that a pull makes. */

#include "op.h"
#include "store/image.h"

/* As sc_image_find(), but the image that is found has a description: one that is missing is made now. */
ScImage *sc_image_find_described(const ScOpContext *context, ScRepository *repository, const char *name_or_id, GError **error);

/* What the image commit that a deployment's info names says of the image: the name may mean a newer one by now, and until prune
 * that one is here still. NotFound where it is not. */
ScImageInfo *sc_image_info_of_commit(const ScOpContext *context, ScRepository *repository, const char *commit, const char *name,
                                     GError **error);
