/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file of a pull from one, which the caller opened and handed over as the option `file`: an archive, or the end of a door
 * (base/door.h). */

#include "base/reference.h"
#include "op.h"
#include "store/repository.h"

/* *ret: one that a transport can use, which the caller owns; -1 where the reference's source is no file. A pipe is written down in
 * the repository's file system first (NULL: there is nowhere to). InvalidArgument for what is neither. */
bool sc_source_file_open(const ScOpContext *context, const ScReference *reference, ScRepository *repository, int *ret,
                         GError **error);
