/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an image says of itself, read from its merged tree in the repository: before anything is checked out. */

#include "store/merge.h"
#include "unit/exports.h"

ScExports *sc_image_exports(const ScTree *tree, GError **error);

/* Fills in what only the layers can say, for lists and Plan: sizes that are not known yet, the variables' defaults, and those that
 * must be set. NotFound where a layer is missing. */
bool sc_image_describe_layers(ScRepository *repository, ScImageInfo *info, GCancellable *cancellable, GError **error);
