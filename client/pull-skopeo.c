/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull-skopeo.h"

#include "base/path.h"
#include "exit.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/* Of a folder or a file, what the shell would say; for the others skopeo knows where to look. */
static bool check_place(const char *image, GError **error)
{
        static const char *const places[] = {"dir:", "sif:"};
        for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
                const char *path = image + strlen(places[i]);
                if (g_str_has_prefix(image, places[i]) && access(path, F_OK) < 0)
                        return sc_exit_throw(error, errno == ENOENT ? SC_EXIT_NOT_FOUND : SC_EXIT_FAILED, "Cannot open %s: %s",
                                             path, g_strerror(errno));
        }
        return true;
}

static void wait_for_end(GPid process)
{
        while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
                continue;
        g_spawn_close_pid(process);
}

/* Whether the archive begins with the list of what was in front of it. The bytes stay in the pipe. */
static bool holds_nothing(int fd)
{
        static const char list[] = "manifest.json"; /* a tar's header begins with the name, up to a zero */
        char first[sizeof(list)];
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
                return false;
        bool is_list = tee(fd, ends[1], sizeof(first), 0) == sizeof(first) &&
                       read(ends[0], first, sizeof(first)) == sizeof(first) && memcmp(first, list, sizeof(list)) == 0;
        close(ends[0]);
        close(ends[1]);
        return is_list;
}

/* It begins to write when it has found the image, and where it finds none, writes an archive with nothing but an empty list, and
 * says why; sysconsd could only say that such an archive is none. */
static bool wait_for_beginning(const char *image, int fd, GPid process, GError **error)
{
        struct pollfd output = {.fd = fd, .events = POLLIN};
        int r;
        while ((r = poll(&output, 1, -1)) < 0 && errno == EINTR)
                continue;
        if (r > 0 && (output.revents & POLLIN) != 0 && !holds_nothing(fd))
                return true;
        wait_for_end(process);
        return sc_exit_throw(error, SC_EXIT_FAILED, "skopeo does not read %s; nothing was pulled", image);
}

bool sc_pull_skopeo_start(const char *image, int *ret_fd, GPid *ret_process, GError **error)
{
        /* What may be let in sysconsd decides, by its policy. */
        const char *argv[] = {"skopeo", "--insecure-policy", "copy", "--quiet", image, "docker-archive:/dev/stdout", NULL};
        int ends[2];
        if (!has_transport(image))
                return sc_exit_throw(error, SC_EXIT_USAGE, "%s: skopeo wants TRANSPORT:DETAILS, as in dir:FOLDER", image);
        if (!check_place(image, error))
                return false;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot make a pipe: %s", g_strerror(errno));
        g_autoptr(GError) problem = NULL;
        bool started = g_spawn_async_with_fds(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                              NULL, ret_process, -1, ends[1], -1, &problem);
        close(ends[1]);
        if (started && wait_for_beginning(image, ends[0], *ret_process, error)) {
                *ret_fd = ends[0];
                return true;
        }
        close(ends[0]);
        if (started) {
                *ret_process = 0;
                return false;
        }
        if (g_error_matches(problem, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
                return sc_exit_throw(error, SC_EXIT_FAILED, "%s is for skopeo, which is not installed", image);
        return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot start skopeo: %s", problem->message);
}

void sc_pull_skopeo_end(GPid process)
{
        kill(process, SIGTERM);
        wait_for_end(process);
}
