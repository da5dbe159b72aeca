/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images that are named without a registry. A name that means something here is left as it is; one that is to be pulled, or that
 * nothing here has, is completed by the settings of registries, before anything is decided by it: what is authorized, which job
 * does it already, which image it is. */

#include "base/reference.h"

typedef struct ScCall ScCall;

/* For plan: reference (taken over) is to be pulled. call->resolved is a line for the user where it was completed. InvalidReference
 * where it cannot be. */
ScReference *sc_short_name_to_pull(ScCall *call, ScReference *reference, GError **error);
/* For plan: reference (taken over) is what is to be used, and pulled if it is not here, or always. */
ScReference *sc_short_name_to_use(ScCall *call, ScReference *reference, GError **error);
