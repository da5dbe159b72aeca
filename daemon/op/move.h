/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host brought from one deployment to the other by named steps. Each looks at what is there and makes it agree, so that all of
 * them can be taken again, from the first, wherever they were interrupted. */

#include "base/atomicfile.h"
#include "change.h"
#include "side.h"

typedef struct {
        ScChange *change;
        ScSide *from; /* NULL: there is none */
        ScSide *to;   /* NULL: there is none (an install that is undone) */
        const ScIntentSide *from_intent;
        const ScIntentSide *to_intent;
        bool back;
        const char *failed_step; /* set when a step fails */
} ScMove;

/* From the old deployment to the new one, the start of its service included. */
bool sc_move_on(ScMove *move, GError **error);
/* From the new one to the old one, all but the start of its service. */
bool sc_move_back(ScMove *move, GError **error);
/* Starts the service of `to`, where it ran before or is to run now. */
bool sc_move_start(ScMove *move, GError **error);
/* Whether the unit of `to` is to be enabled. */
bool sc_move_enables(const ScMove *move);

/* A side of the intent, opened where it lies now: in its slot, or (not placed yet, or taken away) under its hidden name. */
ScSide *sc_move_open_side(ScChange *change, const ScIntentSide *side, GError **error);
/* The same for one that is only to be left: sc_side_open_leaving(). */
ScSide *sc_move_open_leaving(ScChange *change, const ScIntentSide *side, GError **error);

/* NAME.service and tmpfiles.d/NAME.conf, where systemd looks for them; NULL text: the file goes. */
bool sc_move_put_unit(const ScChange *change, const char *text, ScWriteFlags flags, GError **error);
bool sc_move_put_tmpfiles(const ScChange *change, const char *text, ScWriteFlags flags, GError **error);
/* Path of the latter. */
char *sc_move_tmpfiles_path(const ScChange *change);
/* Exists where the latter is there: asked for a container that had none. */
bool sc_move_tmpfiles_are_free(const ScChange *change, GError **error);
