/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "streams.h"
#include "base/path.h"
#include "exit.h"
#include "relay.h"
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* A command that does not end when it is asked to so often is ended. */
#define PATIENCE 3
/* Everybody has let go of the terminal by the time that the job ends; should somebody not have, he is not waited for for ever. */
#define FINISH_MS 2000

struct ScStreams {
        bool has_terminal;
        int master;
        int signals;                         /* our end */
        int give[4];                         /* for the call, in the order of keys[]; -1: none */
        ScRelay *relays[SC_STREAMS_MAX_FDS]; /* in, out, err; NULL: none */
        struct termios before;
        bool is_raw, is_started;
        unsigned asked; /* to end */
};

enum { GIVE_IN, GIVE_OUT, GIVE_ERR, GIVE_SIGNALS };

static ScRelay *relay_new(int from, int to)
{
        ScRelay *relay = g_new0(ScRelay, 1);
        relay->from = from;
        relay->to = to;
        return relay;
}

static bool throw_errno(GError **error, const char *what)
{
        return sc_exit_throw(error, SC_EXIT_FAILED, "Cannot make a %s for the command: %s", what, g_strerror(errno));
}

/* ---- with a terminal ---- */

static bool make_terminal(ScStreams *streams, GError **error)
{
        struct termios settings;
        struct winsize size;
        bool has_settings = tcgetattr(STDIN_FILENO, &settings) == 0;
        bool has_size = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
        if (openpty(&streams->master, &streams->give[GIVE_IN], NULL, has_settings ? &settings : NULL, has_size ? &size : NULL) < 0)
                return throw_errno(error, "terminal");
        fcntl(streams->master, F_SETFD, FD_CLOEXEC);
        fcntl(streams->give[GIVE_IN], F_SETFD, FD_CLOEXEC);
        fcntl(streams->master, F_SETFL, O_NONBLOCK);
        streams->has_terminal = true;
        streams->relays[0] = relay_new(STDIN_FILENO, streams->master);
        streams->relays[0]->ends_by_byte = true;
        streams->relays[1] = relay_new(streams->master, STDOUT_FILENO);
        return true;
}

void sc_streams_started(ScStreams *streams)
{
        if (streams->is_started)
                return;
        streams->is_started = true;
        if (!streams->has_terminal || tcgetattr(STDIN_FILENO, &streams->before) < 0)
                return;
        struct termios raw = streams->before;
        cfmakeraw(&raw);
        streams->is_raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
        sc_streams_resized(streams);
}

static void restore_terminal(ScStreams *streams)
{
        if (streams->is_raw)
                tcsetattr(STDIN_FILENO, TCSADRAIN, &streams->before);
        streams->is_raw = false;
}

void sc_streams_resized(ScStreams *streams)
{
        struct winsize size;
        if (streams->has_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
                ioctl(streams->master, TIOCSWINSZ, &size);
}

/* ---- without ---- */

/* What sysconsd takes as it is. */
static bool can_be_given(int fd)
{
        struct stat st;
        return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISREG(st.st_mode));
}

/* Terminals and devices are read and written here; the command gets a pipe. */
static bool make_stream(ScStreams *streams, int fd, GError **error)
{
        if (can_be_given(fd)) {
                streams->give[fd] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
                return streams->give[fd] >= 0 || throw_errno(error, "stream");
        }
        if (fcntl(fd, F_GETFD) < 0)
                return true; /* it is closed: the command has none, either */
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0)
                return throw_errno(error, "pipe");
        bool in = fd == STDIN_FILENO;
        streams->give[fd] = ends[in ? 0 : 1];
        int own = ends[in ? 1 : 0];
        fcntl(own, F_SETFL, O_NONBLOCK);
        streams->relays[fd] = in ? relay_new(fd, own) : relay_new(own, fd);
        streams->relays[fd]->owns_to = in;
        return true;
}

static bool make_streams(ScStreams *streams, GError **error)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (!make_stream(streams, fd, error))
                        return false;
        return true;
}

/* ---- both ---- */

static bool make_signals(ScStreams *streams, GError **error)
{
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
                return throw_errno(error, "pipe");
        streams->give[GIVE_SIGNALS] = ends[0];
        streams->signals = ends[1];
        return true;
}

bool sc_streams_new(ScTerminalChoice terminal, ScStreams **ret, GError **error)
{
        g_autoptr(ScStreams) streams = g_new0(ScStreams, 1);
        streams->master = streams->signals = -1;
        for (gsize i = 0; i < G_N_ELEMENTS(streams->give); i++)
                streams->give[i] = -1;
        bool wanted = terminal == SC_TERMINAL_YES ||
                      (terminal == SC_TERMINAL_AUTO && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
        if (!make_signals(streams, error) || !(wanted ? make_terminal(streams, error) : make_streams(streams, error)))
                return false;
        /* An output that nobody reads any more is an error of a write here, and not the end. */
        signal(SIGPIPE, SIG_IGN);
        *ret = g_steal_pointer(&streams);
        return true;
}

static void close_given(ScStreams *streams)
{
        for (gsize i = 0; i < G_N_ELEMENTS(streams->give); i++)
                sc_close(&streams->give[i]);
}

void sc_streams_free(ScStreams *streams)
{
        if (streams == NULL)
                return;
        restore_terminal(streams);
        close_given(streams);
        for (gsize i = 0; i < SC_STREAMS_MAX_FDS; i++) {
                ScRelay *relay = streams->relays[i];
                if (relay == NULL)
                        continue;
                if (!streams->has_terminal && i != STDIN_FILENO)
                        sc_close(&relay->from);
                sc_relay_close(relay);
                g_free(relay);
        }
        sc_close(&streams->master);
        sc_close(&streams->signals);
        g_free(streams);
}

bool sc_streams_append(ScStreams *streams, ScClient *client, sd_bus_message *call, GError **error)
{
        static const char *const keys[] = {"stdin", "stdout", "stderr", "signals"};
        for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
                const char *key = i == GIVE_IN && streams->has_terminal ? "terminal" : keys[i];
                if (!sc_call_option_fd(client, call, key, streams->give[i], error))
                        return false;
        }
        close_given(streams);
        return true;
}

void sc_streams_poll(const ScStreams *streams, struct pollfd ret[SC_STREAMS_MAX_FDS])
{
        for (gsize i = 0; i < SC_STREAMS_MAX_FDS; i++) {
                ret[i] = (struct pollfd){.fd = -1};
                /* What is typed before the command is there is not for it: a password may be asked for. */
                if (streams->relays[i] != NULL && (i != STDIN_FILENO || streams->is_started))
                        ret[i] = sc_relay_poll(streams->relays[i]);
        }
}

void sc_streams_advance(ScStreams *streams, const struct pollfd fds[SC_STREAMS_MAX_FDS])
{
        /* Who sees that the command speaks may answer, also before sysconsd has told that it runs. */
        if (fds[STDOUT_FILENO].fd >= 0 && (fds[STDOUT_FILENO].revents & POLLIN) != 0)
                sc_streams_started(streams);
        for (gsize i = 0; i < SC_STREAMS_MAX_FDS; i++)
                if (fds[i].fd >= 0)
                        sc_relay_advance(streams->relays[i], fds[i].revents);
}

bool sc_streams_are_started(const ScStreams *streams)
{
        return streams->is_started;
}

bool sc_streams_signal(ScStreams *streams, int number)
{
        if (number == SIGINT || number == SIGTERM)
                streams->asked++;
        char byte = (char)number;
        return streams->asked < PATIENCE && write(streams->signals, &byte, 1) == 1;
}

void sc_streams_finish(ScStreams *streams)
{
        for (;;) {
                struct pollfd fds[SC_STREAMS_MAX_FDS];
                sc_streams_poll(streams, fds);
                fds[STDIN_FILENO].fd = -1;
                if (fds[STDOUT_FILENO].fd < 0 && fds[STDERR_FILENO].fd < 0)
                        return;
                /* All that was written to a pipe is there to be read; a terminal's is on its way, until its end. */
                bool must_wait = streams->has_terminal || ((fds[STDOUT_FILENO].events | fds[STDERR_FILENO].events) & POLLOUT) != 0;
                int n = poll(fds, SC_STREAMS_MAX_FDS, must_wait ? FINISH_MS : 0);
                if (n == 0 || (n < 0 && errno != EINTR))
                        return;
                if (n > 0)
                        sc_streams_advance(streams, fds);
        }
}
