/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "build.h"
#include "change.h"

/* install with system-package=build: the container becomes a package, which is written into `output`; nothing is installed. The
 * change is for its lock only. Detail "package": the name that a file of it should get. */
bool sc_install_package(ScOpContext *context, ScRepository *repository, ScChange *change, const ScBuildInput *input, int output,
                        GError **error);
