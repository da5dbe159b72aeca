/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/deployment.h"

/* Whether there is a previous deployment to go back to; NotFound, Unsupported. */
bool sc_rollback_is_possible(const ScConfig *config, const ScDeployment *deployment, GError **error);
