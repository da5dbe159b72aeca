/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Takes over the workers that an earlier daemon left running. */

#include "job/process.h"

/* Blocks for an answer of systemd: to be called before anybody can be waiting for the daemon. Jobs whose sockets and records were
 * kept go on as they were; of others only the unit's name and description are known, and its end will be noticed. */
bool sc_adopt_workers(ScQueue *queue, ScWorkers *workers, GError **error);
