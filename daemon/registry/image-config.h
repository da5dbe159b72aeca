/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The members that an image's configuration and the newest entry of an old manifest's history share. */

#include "base/image-info.h"

/* Platform, time and how it is run, of `object` into `info`; need: whether os and architecture must be there. An image for another
 * machine is Unsupported. On error info is as it was. */
bool sc_image_config_take(ScImageInfo *info, JsonObject *object, ScJsonNeed need, GError **error);
