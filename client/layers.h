/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The layers in the repository, whether an image holds them or not. */

#include "listing.h"

/* Elements are JsonObject: Id (hex), Digest, Created (when it was imported, seconds), Size, Images (ids of those that hold it),
 * Dangling (none does). Configurations of images, which are kept as layers are, are left out. */
bool sc_layers_list(ScClient *client, GPtrArray **ret, GError **error);

/* For a listing of images: with --all the layers, too, each as an object with these properties. */
bool sc_layers_complete(ScClient *client, ScListFlags flags, GPtrArray *objects, GError **error);
