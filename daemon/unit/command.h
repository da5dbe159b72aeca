/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Programs of the host that do one thing and end: systemd-tmpfiles, the OCI runtime asked for its specification. */

#include <gio/gio.h>
#include <stdbool.h>

/* Runs argv (argv[0] looked up in PATH) in the folder cwd_fd (-1: where we are), without input, its output thrown away. An exit
 * status other than 0 is Failed with the first lines of its stderr (4 KiB are kept). Cancelled: it is killed. */
bool sc_command_run(const char *const *argv, int cwd_fd, GCancellable *cancellable, GError **error);

/* Runs a program that answers a question: *ret_output is what it prints (UTF-8, bytes that are not replaced). An exit status other
 * than 0 is Failed with its stderr, unless ret_status is there to take it. LC_ALL is C. */
bool sc_command_ask(const char *const *argv, int *ret_status, char **ret_output, GError **error);
