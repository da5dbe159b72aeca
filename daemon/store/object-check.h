/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/report.h"
#include "object.h"
#include "repository.h"

/* Whether the content object (SC_OBJECT_FILE) is what its id says: content, owner, mode, extended attributes. One that the disk
 * does not give back is not; neither is one of a kind that no object has. An error where that cannot be told now, or when
 * cancelled. Advances the report by what is read. */
bool sc_object_check(ScRepository *repository, const ScDigest *id, ScReport *report, GCancellable *cancellable, bool *ret_whole,
                     GError **error);
