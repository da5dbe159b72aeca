/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Folders whose entries come, go or are written, by inotify; several changes in a row are one. */

#include <glib.h>

typedef struct ScWatch ScWatch;
typedef void (*ScWatchFunc)(gpointer data);

/* changed comes 100 ms after the first change. */
ScWatch *sc_watch_new(ScWatchFunc changed, gpointer data);
void sc_watch_free(ScWatch *watch);

/* Nothing happens for a folder that is watched, or is not there. */
void sc_watch_folder(ScWatch *watch, const char *path);
/* The same, but for one that is not there the nearest folder above it is watched, in which it may appear. */
void sc_watch_path(ScWatch *watch, const char *path);
/* Forgets changes of which `changed` has not told yet: the caller looks now. */
void sc_watch_settle(ScWatch *watch);
