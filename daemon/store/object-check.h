/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/report.h"
#include "object.h"
#include "repository.h"

/* True if the content object (SC_OBJECT_FILE) is what its id says: content, owner, mode, extended attributes. One that cannot be
 * read is not; neither is one of a kind that no object has. False when cancelled, too. Advances the report by what is read. */
bool sc_object_is_whole(ScRepository *repository, const ScDigest *id, ScReport *report, GCancellable *cancellable);
