/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The highest number that a job had since boot, kept in the service's runtime directory (RUNTIME_DIRECTORY, by systemd), so that a
 * client who asks for a job by its number after the daemon was restarted never gets another one's. */

#include <glib.h>

/* 0 where nothing is kept. */
guint64 sc_job_number_load(void);
void sc_job_number_store(guint64 number);
