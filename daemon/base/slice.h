/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long this thread, and those that it starts, would like to have a processor at a time (sched_setattr(2)). Linux from 6.12 on
 * lets whoever wakes up and has the shorter slice go first; others take no notice. */

#include <glib.h>

/* Nanoseconds. Policy and nice value stay. */
void sc_slice_set(guint64 length);
