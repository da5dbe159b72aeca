/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For those who fill a ScRegistries. */

#include "registries.h"

/* With no prefix yet. */
ScRegistryRule *sc_registry_rule_new(const char *file, guint line);
void sc_registry_rule_free(ScRegistryRule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScRegistryRule, sc_registry_rule_free)
