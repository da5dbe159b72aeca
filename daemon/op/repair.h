/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A damaged image made whole: its damaged layers are fetched again from where it came, and nothing else. */

#include "base/reference.h"
#include "damage.h"
#include "store/verify.h"

/* Where the image of this name came from, to be asked again. Unsupported where it was not from a registry. */
ScReference *sc_repair_origin(const ScImage *image, const char *name, GError **error);

/* Damaged objects are replaced in objects/ in one step each, once the layer's digests have proven right. Then containers that share
 * a damaged file get the new one. It can be broken off at any time, and taken up again by the next repair. */
bool sc_repair(ScOpContext *context, ScRepository *repository, const ScImage *image, const ScVerdict *verdict, ScDamage *damage,
               GError **error);
