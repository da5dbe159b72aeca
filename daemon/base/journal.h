/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Structured journal messages: MESSAGE, PRIORITY and pairs of SYSCONSD_* fields, so that
 * `journalctl SYSCONSD_CONTAINER=etcd` finds a container's history. Where no journal is there, a line on stderr. */

#include <glib.h>

/* priority as in syslog.h; then pairs of field and value, ended by NULL (a NULL value leaves its pair out). Never pass values
 * of containers or credentials. */
void sc_journal(int priority, const char *message, ...) G_GNUC_NULL_TERMINATED;

#define SC_FIELD_CONTAINER "SYSCONSD_CONTAINER"
#define SC_FIELD_IMAGE "SYSCONSD_IMAGE"
#define SC_FIELD_OPERATION "SYSCONSD_OPERATION"
#define SC_FIELD_JOB "SYSCONSD_JOB"
#define SC_FIELD_UID "SYSCONSD_UID"
#define SC_FIELD_ERROR "SYSCONSD_ERROR"
