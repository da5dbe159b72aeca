/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ask.h"
#include "base/login.h"
#include "base/path.h"
#include "exit.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, RUBOUT = 127 };

static int open_terminal(const char *instead, GError **error)
{
        int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                sc_exit_throw(error, SC_EXIT_USAGE, "There is no terminal to ask on: %s", instead);
        return fd;
}

static void drop_last(char *text, gsize *size)
{
        while (*size > 0 && ((guchar)text[*size - 1] & 0xc0) == 0x80)
                text[--*size] = '\0';
        if (*size > 0)
                text[--*size] = '\0';
}

/* A line, byte by byte: the terminal does nothing for us. */
static bool read_typed(int fd, char *text, GError **error)
{
        gsize size = 0;
        for (;;) {
                char c;
                ssize_t n = read(fd, &c, 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0 || c == '\n' || c == '\r' || (c == CTRL_D && size == 0))
                        return true;
                if (c == CTRL_C)
                        return sc_exit_throw(error, SC_EXIT_INTERRUPTED, "Interrupted");
                if (c == BACKSPACE || c == RUBOUT)
                        drop_last(text, &size);
                else if (c == CTRL_U)
                        while (size > 0)
                                text[--size] = '\0';
                else if (size < SC_LOGIN_MAX_SIZE)
                        text[size++] = c;
        }
}

static void put(int fd, const char *text)
{
        (void)sc_write_all(fd, text, strlen(text), NULL);
}

bool sc_ask_line(const char *question, const char *instead, char **ret, GError **error)
{
        sc_autofd fd = open_terminal(instead, error);
        if (fd < 0)
                return false;
        put(fd, question);
        char line[256] = "";
        ssize_t n = read(fd, line, sizeof(line) - 1);
        *ret = g_strndup(line, n > 0 ? strcspn(line, "\r\n") : 0);
        return true;
}

bool sc_ask_secret(const char *question, const char *instead, char **ret, GError **error)
{
        sc_autofd fd = open_terminal(instead, error);
        struct termios before = {0};
        if (fd < 0)
                return false;
        bool is_terminal = tcgetattr(fd, &before) == 0;
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
        if (is_terminal)
                tcsetattr(fd, TCSAFLUSH, &silent);
        /* Only now: who answers at once is not to be seen. */
        put(fd, question);
        sc_autosecret char *text = g_malloc0(SC_LOGIN_MAX_SIZE + 1);
        bool ok = read_typed(fd, text, error);
        if (is_terminal)
                tcsetattr(fd, TCSAFLUSH, &before);
        put(fd, "\n");
        if (ok)
                *ret = g_strdup(text);
        return ok;
}

bool sc_ask_stdin(char **ret, GError **error)
{
        sc_autosecret char *text = g_malloc0(SC_LOGIN_MAX_SIZE + 1);
        gsize size = 0;
        ssize_t n = 1;
        while (size < SC_LOGIN_MAX_SIZE &&
               ((n = read(STDIN_FILENO, text + size, SC_LOGIN_MAX_SIZE - size)) > 0 || (n < 0 && errno == EINTR)))
                size += n > 0 ? (gsize)n : 0;
        if (n < 0 || size == SC_LOGIN_MAX_SIZE || strlen(text) != size)
                return sc_exit_throw(error, SC_EXIT_USAGE, "Standard input is no password");
        while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
                text[--size] = '\0';
        *ret = g_strdup(text);
        return true;
}
