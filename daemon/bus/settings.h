/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the administrator says about registries, as the files have it now. They are parsed by a program of their own, and only when
 * they have changed since; the loop does not wait for it. */

#include "base/registries.h"
#include "base/scope.h"

typedef struct ScSettings ScSettings;
ScSettings *sc_settings_new(const ScScope *scope);
void sc_settings_free(ScSettings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScSettings, sc_settings_free)

/* True: what is known is up to date. False: ready is called when the files were read; then to be asked again, as they may have
 * changed in the meantime. */
bool sc_settings_refresh(ScSettings *settings, void (*ready)(gpointer data), gpointer data);
/* That one is not called any more. */
void sc_settings_forget(ScSettings *settings, gpointer data);

/* As of the last refresh. InvalidArgument naming the file that cannot be used. */
const ScRegistries *sc_settings_get(const ScSettings *settings, GError **error);
