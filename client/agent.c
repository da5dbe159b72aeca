/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "agent.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the agent finds the end of the pipe that it closes when it is ready. */
#define NOTIFY_FD 3
#define READY_TIMEOUT_MS 10000

struct ScAgent {
        GPid pid;
};

/* Runs in the child between fork and exec. */
static void die_with_parent(gpointer data)
{
        prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static void wait_for_close(int fd)
{
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        while (poll(&poll_fd, 1, READY_TIMEOUT_MS) < 0 && errno == EINTR)
                continue;
}

ScAgent *sc_agent_start(void)
{
        const char *const argv[] = {"pkttyagent", "--notify-fd", G_STRINGIFY(NOTIFY_FD), "--fallback", NULL};
        int ends[2];
        if (!g_unix_open_pipe(ends, FD_CLOEXEC, NULL))
                return NULL;
        sc_autofd here = ends[0];
        GPid pid;
        /* It talks to the terminal itself; what it says elsewhere is that there is no polkit, which the call's error tells better.
         */
        gboolean started = g_spawn_async_with_pipes_and_fds(
                NULL, argv, NULL,
                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                die_with_parent, NULL, -1, -1, -1, &ends[1], (const int[]){NOTIFY_FD}, 1, &pid, NULL, NULL, NULL, NULL);
        sc_close(&ends[1]);
        if (!started)
                return NULL;
        wait_for_close(here);
        ScAgent *agent = g_new0(ScAgent, 1);
        agent->pid = pid;
        return agent;
}

void sc_agent_free(ScAgent *agent)
{
        if (agent == NULL)
                return;
        kill(agent->pid, SIGTERM);
        /* It may be stopped by a terminal that it may not read from. */
        kill(agent->pid, SIGCONT);
        while (waitpid(agent->pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        g_free(agent);
}
