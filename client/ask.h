/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What somebody is asked for. */

#include <glib.h>
#include <stdbool.h>

/* A line from the terminal, whatever standard input is. SC_EXIT_USAGE where there is none: `instead` says what else can be done. */
bool sc_ask_line(const char *question, const char *instead, char **ret, GError **error);
/* The same, and nobody sees what is typed; a secret. SC_EXIT_INTERRUPTED for Ctrl-C. */
bool sc_ask_secret(const char *question, const char *instead, char **ret, GError **error);
/* All of standard input but the line's end behind it; a secret. */
bool sc_ask_stdin(char **ret, GError **error);
