/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command.h"

#include "base/error.h"
#include <string.h>

#define STDERR_KEPT 4096

/* Reads to the end, so that a talkative program never blocks, and keeps the beginning. */
static bool drain(GInputStream *stream, GString *kept, GCancellable *cancellable, GError **error)
{
        char buffer[STDERR_KEPT];
        for (;;) {
                gssize size = g_input_stream_read(stream, buffer, sizeof(buffer), cancellable, error);
                if (size < 0)
                        return false;
                if (size == 0)
                        return true;
                g_string_append_len(kept, buffer, MIN((gsize)size, STDERR_KEPT - kept->len));
        }
}

static bool throw_end(const char *program, GSubprocess *process, const char *said, GError **error)
{
        g_autofree char *text = g_utf8_make_valid(said, -1);
        g_strstrip(text);
        const char *separator = *text != '\0' ? ": " : "";
        if (g_subprocess_get_if_signaled(process))
                return sc_throw(error, SC_ERROR_FAILED, "%s was ended by signal %d%s%s", program,
                                g_subprocess_get_term_sig(process), separator, text);
        return sc_throw(error, SC_ERROR_FAILED, "%s ended with status %d%s%s", program, g_subprocess_get_exit_status(process),
                        separator, text);
}

bool sc_command_run(const char *const *argv, int cwd_fd, GCancellable *cancellable, GError **error)
{
        g_autoptr(GSubprocessLauncher)
                launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
        if (cwd_fd >= 0) {
                g_autofree char *cwd = g_strdup_printf("/proc/self/fd/%d", cwd_fd);
                g_subprocess_launcher_set_cwd(launcher, cwd);
        }
        g_autoptr(GSubprocess) process = g_subprocess_launcher_spawnv(launcher, argv, error);
        if (process == NULL)
                return sc_prefix(error, "Cannot start %s", argv[0]);

        g_autoptr(GString) said = g_string_new(NULL);
        if (!drain(g_subprocess_get_stderr_pipe(process), said, cancellable, error) ||
            !g_subprocess_wait(process, cancellable, error)) {
                g_subprocess_force_exit(process);
                g_subprocess_wait(process, NULL, NULL);
                return sc_prefix(error, "%s was ended", argv[0]);
        }
        return g_subprocess_get_successful(process) || throw_end(argv[0], process, said->str, error);
}

/* Of nothing there is no data. */
static char *text_of(GBytes *bytes, gsize max)
{
        gsize size;
        const char *data = g_bytes_get_data(bytes, &size);
        return size > 0 ? g_utf8_make_valid(data, (gssize)MIN(size, max)) : g_strdup("");
}

bool sc_command_ask(const char *const *argv, int *ret_status, char **ret_output, GError **error)
{
        g_autoptr(GSubprocessLauncher)
                launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
        g_subprocess_launcher_setenv(launcher, "LC_ALL", "C", TRUE);
        g_autoptr(GSubprocess) process = g_subprocess_launcher_spawnv(launcher, argv, error);
        g_autoptr(GBytes) out = NULL;
        g_autoptr(GBytes) said = NULL;
        if (process == NULL || !g_subprocess_communicate(process, NULL, NULL, &out, &said, error))
                return sc_prefix(error, "Cannot run %s", argv[0]);
        if (!g_subprocess_get_if_exited(process) || (ret_status == NULL && g_subprocess_get_exit_status(process) != 0)) {
                g_autofree char *text = text_of(said, STDERR_KEPT);
                return throw_end(argv[0], process, text, error);
        }
        if (ret_status != NULL)
                *ret_status = g_subprocess_get_exit_status(process);
        *ret_output = text_of(out, G_MAXSSIZE);
        return true;
}
