/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "interrupt.h"
#include "exit.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* Those of SC_INTERRUPT_OWN come first. */
static const int numbers[] = {SIGINT, SIGTERM, SIGWINCH, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
#define N_OWN 3

struct ScInterrupt {
        gsize n;
        struct sigaction previous[G_N_ELEMENTS(numbers)];
};

/* The pipe between handler and reader. It is kept: a handler that runs in another thread may be about to write. */
static int ends[2] = {-1, -1};
static bool is_in_use;

/* A handler, and no signalfd: that gets only what every thread blocks, and GIO has threads of its own. */
static void handle(int number)
{
        int saved = errno;
        unsigned char byte = (unsigned char)number;
        /* A full pipe is one that is full of signals already. */
        G_GNUC_UNUSED ssize_t n = write(ends[1], &byte, 1);
        errno = saved;
}

/* Who started us in the background, or under nohup, wants it to stay so. */
static void install(ScInterrupt *interrupt)
{
        struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
        sigfillset(&action.sa_mask);
        for (gsize i = 0; i < interrupt->n; i++) {
                sigaction(numbers[i], NULL, &interrupt->previous[i]);
                if (interrupt->previous[i].sa_handler != SIG_IGN)
                        sigaction(numbers[i], &action, NULL);
        }
}

ScInterrupt *sc_interrupt_new(ScInterruptSet which, GError **error)
{
        g_assert(!is_in_use);
        if (ends[0] < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
                sc_exit_throw(error, SC_EXIT_FAILED, "Cannot listen to signals: %s", g_strerror(errno));
                return NULL;
        }
        ScInterrupt *interrupt = g_new0(ScInterrupt, 1);
        interrupt->n = which == SC_INTERRUPT_OWN ? N_OWN : G_N_ELEMENTS(numbers);
        is_in_use = true;
        install(interrupt);
        return interrupt;
}

void sc_interrupt_free(ScInterrupt *interrupt)
{
        if (interrupt == NULL)
                return;
        for (gsize i = 0; i < interrupt->n; i++)
                sigaction(numbers[i], &interrupt->previous[i], NULL);
        is_in_use = false;
        /* What nobody has read does what it does without us. */
        unsigned char byte;
        while (read(ends[0], &byte, 1) == 1)
                raise(byte);
        g_free(interrupt);
}

int sc_interrupt_fd(const ScInterrupt *interrupt)
{
        return ends[0];
}

ScInterruptEvent sc_interrupt_read(ScInterrupt *interrupt, int *ret_number)
{
        unsigned char byte;
        if (read(ends[0], &byte, 1) != 1)
                return SC_INTERRUPT_NONE;
        *ret_number = byte;
        return byte == SIGWINCH ? SC_INTERRUPT_RESIZED : SC_INTERRUPT_LEAVE;
}
