/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull-skopeo.h"

#include "base/path.h"
#include "exit.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANY "skopeo:"

const char *sc_pull_skopeo_image(const char *text)
{
        static const char *const own[] = {"dir:", "sif:", "tarball:"};
        for (gsize i = 0; i < G_N_ELEMENTS(own); i++)
                if (g_str_has_prefix(text, own[i]))
                        return text;
        return g_str_has_prefix(text, ANY) ? text + strlen(ANY) : NULL;
}

/* An option of skopeo's is no transport. */
static bool has_transport(const char *image)
{
        gsize length = strcspn(image, ":");
        return g_ascii_isalpha(image[0]) && image[length] == ':' && image[length + 1] != '\0';
}

bool sc_pull_skopeo_start(const char *image, int *ret_fd, GPid *ret_process, GError **error)
{
        /* What may be let in sysconsd decides, by its policy. */
        const char *argv[] = {"skopeo", "--insecure-policy", "copy", "--quiet", image, "docker-archive:/dev/stdout", NULL};
        int ends[2];
        if (!has_transport(image))
                return sc_exit_throw(error, SC_EXIT_USAGE, "%s: skopeo wants TRANSPORT:DETAILS, as in dir:FOLDER", image);
        if (pipe2(ends, O_CLOEXEC) < 0)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot make a pipe: %s", g_strerror(errno));
        g_autoptr(GError) problem = NULL;
        bool started = g_spawn_async_with_fds(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                              NULL, ret_process, -1, ends[1], -1, &problem);
        close(ends[1]);
        if (started) {
                *ret_fd = ends[0];
                return true;
        }
        close(ends[0]);
        if (g_error_matches(problem, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
                return sc_exit_throw(error, SC_EXIT_FAILED, "%s is for skopeo, which is not installed", image);
        return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot start skopeo: %s", problem->message);
}

void sc_pull_skopeo_end(GPid process)
{
        kill(process, SIGTERM);
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
                continue;
        g_spawn_close_pid(process);
}
