/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's package system brought from the package of one deployment to that of another. A side without a package, or no side
 * (NULL), is none. */

#include "move.h"

/* Before a change is begun: takes the package system's lock, for as long as the change lives (Busy), and finds out whether the new
 * side's package can come. Whatever lies where it has a file, and is of no package of this name, is Exists naming it. */
bool sc_host_package_prepare(ScChange *change, const ScSide *old, const ScSide *new, GError **error);
/* What stands in the way of the package `new` without its file's being looked into, for who must not wait for locks: NULL `old`
 * is none; file NULL: it is not built yet. *ret_ours (may be NULL): paths that the installed package of that name has. */
bool sc_host_package_look(const ScPackage *old, const ScPackage *new, const char *file, char *const *files, GHashTable **ret_ours,
                          GError **error);
/* The same before a container is removed. */
bool sc_host_package_prepare_removal(ScChange *change, const ScSide *old, const ScSide *new, GError **error);
/* Takes the lock alone: for going back and for recovery. */
bool sc_host_package_lock(ScChange *change, const ScSide *old, const ScSide *new, GError **error);

/* Steps: the package of `from` goes unless that of `to` takes its place; that of `to` comes. */
bool sc_host_package_leave(ScMove *move, GError **error);
bool sc_host_package_take(ScMove *move, GError **error);
/* Where there is no such package system any more, it is told, and no hindrance. */
bool sc_host_package_remove(ScChange *change, const ScSide *side, GError **error);
