/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an image says of itself, read from its merged tree in the repository: before anything is checked out. */

#include "store/merge.h"
#include "unit/exports.h"

ScExports *sc_image_exports(const ScTree *tree, GError **error);
