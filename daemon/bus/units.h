/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The states of the containers' units: asked from systemd when a unit is new here, then followed by its signals, so that nobody has
 * to ask in between. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

typedef struct ScUnits ScUnits;

/* changed: the state of a followed unit is another one. */
typedef void (*ScUnitChangedFunc)(gpointer data, const char *unit);
/* Subscribes to systemd's signals. */
ScUnits *sc_units_new(sd_bus *bus, ScUnitChangedFunc changed, gpointer data, GError **error);
void sc_units_free(ScUnits *units);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScUnits, sc_units_free)

/* Follows a unit from now on; its state is asked for with the next main loop iteration. */
void sc_units_follow(ScUnits *units, const char *unit);
void sc_units_forget(ScUnits *units, const char *unit);

/* "running", "failed" or "inactive" (also for a unit that is not known). */
const char *sc_units_state(ScUnits *units, const char *unit);

/* Calls done, here or later, once the states are at least as new as this call. */
typedef void (*ScUnitsFreshFunc)(gpointer data);
void sc_units_when_fresh(ScUnits *units, ScUnitsFreshFunc done, gpointer data);

/* Has systemd read its units again, and waits for nothing. What is asked for meanwhile is done once more, afterwards. */
void sc_units_reload(ScUnits *units);

/* The word for systemd's ActiveState and SubState. */
const char *sc_unit_state_word(const char *active_state, const char *sub_state);
