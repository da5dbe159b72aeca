/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How sysconsctl ends. The client's errors carry their exit code: a GError of the domain SC_EXIT has a code of ScExit. */

#include <glib.h>
#include <stdbool.h>

/* A contract with scripts, documented in sysconsctl(1). */
typedef enum {
        SC_EXIT_OK = 0,
        SC_EXIT_FAILED = 1,        /* it was tried, and failed */
        SC_EXIT_USAGE = 2,         /* the command line is wrong; nothing was tried */
        SC_EXIT_NOT_FOUND = 3,     /* there is no such container, image, job ... */
        SC_EXIT_REFUSED = 4,       /* not authorized */
        SC_EXIT_GONE = 5,          /* the bus or the daemon cannot be reached, or went away */
        SC_EXIT_INTERRUPTED = 130, /* the job was cancelled, or the client was told to leave before its end */
} ScExit;

#define SC_EXIT (sc_exit_quark())
GQuark sc_exit_quark(void);

/* Sets *error and returns false. */
bool sc_exit_throw(GError **error, ScExit code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The code of an error, SC_EXIT_FAILED for one of another domain. */
ScExit sc_exit_code(const GError *error);
