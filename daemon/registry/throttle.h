/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A limit of bytes a second, shared by all threads that fetch. */

#include <glib.h>

typedef struct ScThrottle ScThrottle;
/* rate 0: no limit. */
ScThrottle *sc_throttle_new(guint64 rate);
void sc_throttle_free(ScThrottle *throttle);

/* How much of `wanted` to read at a time, so that no pause gets long. */
gsize sc_throttle_portion(const ScThrottle *throttle, gsize wanted);
/* Bytes have come in. Microseconds that whoever got them has to pause before he reads on. */
gint64 sc_throttle_take(ScThrottle *throttle, gsize bytes);
