/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "op.h"
#include "store/image.h"

/* Whether the image is not to be installed, but to be run once (label atomic.run=once). */
bool sc_run_is_once(const ScImage *image);
/* Runs the image's own command, or the option argv, in a temporary bundle. */
bool sc_run_image(ScOpContext *context, ScRepository *repository, const ScImage *image, GError **error);
