/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "interrupt.h"
#include "base/path.h"
#include "exit.h"
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct ScInterrupt {
        int fd;
        sigset_t previous;
};

/* A blocked signal is delivered to a signalfd even when it is to be ignored: who started us in the background, or under nohup,
 * wants that. */
static bool is_ignored(int number)
{
        struct sigaction action;
        return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

ScInterrupt *sc_interrupt_new(ScInterruptSet which, GError **error)
{
        static const int numbers[] = {SIGINT, SIGTERM, SIGWINCH, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
        const gsize n_own = 3, n = which == SC_INTERRUPT_OWN ? n_own : G_N_ELEMENTS(numbers);
        sigset_t set, previous;
        sigemptyset(&set);
        for (gsize i = 0; i < n; i++)
                if (!is_ignored(numbers[i]))
                        sigaddset(&set, numbers[i]);
        int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0) {
                sc_exit_throw(error, SC_EXIT_FAILED, "Cannot listen to signals: %s", g_strerror(errno));
                return NULL;
        }
        sigprocmask(SIG_BLOCK, &set, &previous);
        ScInterrupt *interrupt = g_new0(ScInterrupt, 1);
        interrupt->fd = fd;
        interrupt->previous = previous;
        return interrupt;
}

void sc_interrupt_free(ScInterrupt *interrupt)
{
        if (interrupt == NULL)
                return;
        sc_close(&interrupt->fd);
        sigprocmask(SIG_SETMASK, &interrupt->previous, NULL);
        g_free(interrupt);
}

int sc_interrupt_fd(const ScInterrupt *interrupt)
{
        return interrupt->fd;
}

ScInterruptEvent sc_interrupt_read(ScInterrupt *interrupt, int *ret_number)
{
        struct signalfd_siginfo info;
        if (read(interrupt->fd, &info, sizeof info) != sizeof info)
                return SC_INTERRUPT_NONE;
        *ret_number = (int)info.ssi_signo;
        return info.ssi_signo == SIGWINCH ? SC_INTERRUPT_RESIZED : SC_INTERRUPT_LEAVE;
}
