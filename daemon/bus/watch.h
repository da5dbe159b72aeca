/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Folders whose entries come, go or are written, by inotify; several changes in a row are one. */

#include <glib.h>
#include <stdbool.h>

typedef struct ScWatch ScWatch;
typedef void (*ScWatchFunc)(gpointer data);
/* Whether an entry of a folder means anything that came, was written, or is gone; tag: the folder's. name: NULL for the folder
 * itself; after a loss of events, of all of them. */
typedef bool (*ScWatchTellsFunc)(gpointer data, guint tag, const char *name, bool is_gone);

/* changed comes 100 ms after the first change that tells something. */
ScWatch *sc_watch_new(ScWatchFunc changed, ScWatchTellsFunc tells, gpointer data);
void sc_watch_free(ScWatch *watch);

/* Nothing happens for a folder that is watched, or is not there. True where it was watched before: nothing in it has been missed.
 */
bool sc_watch_folder(ScWatch *watch, guint tag, const char *path);
/* The same, but for one that is not there the nearest folder above it is watched, in which it may appear. */
bool sc_watch_path(ScWatch *watch, guint tag, const char *path);
/* Forgets changes of which `changed` has not told yet: the caller looks now. */
void sc_watch_settle(ScWatch *watch);
