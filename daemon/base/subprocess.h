/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

/* Waits for a process of which standard output and standard error are pipes (G_SUBPROCESS_FLAGS_*_PIPE), and takes what it has said
 * as UTF-8; how it has ended the process can be asked. One that is cancelled is killed: Cancelled. It must have
 * handed its pipes to nobody who lives on.
 *
 * Instead of g_subprocess_communicate_utf8() with a GCancellable. That makes a source for it in a main context of its own, and
 * destroys it when it has let go of the context; where the thread that read the output is the last who has that, it is freed
 * in the same moment (GLib 2.74; a lock in freed memory: an abort later, or a wait without an end). */
bool sc_subprocess_communicate(GSubprocess *process, GCancellable *cancellable /* may be NULL */, char **ret_output,
                               char **ret_complaint, GError **error);
