/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "relay.h"
#include "base/path.h"
#include <errno.h>
#include <unistd.h>

/* A pipe that poll() says can be written to takes so much without blocking: standard output may be somebody else's, too, so that it
 * cannot be told not to block. */
#define PORTION 4096

#define END_OF_TRANSMISSION "\004"

static bool has_bytes(const ScRelay *relay)
{
        return relay->start < relay->end;
}

bool sc_relay_is_over(const ScRelay *relay)
{
        return relay->to < 0 || (relay->from < 0 && !has_bytes(relay));
}

struct pollfd sc_relay_poll(const ScRelay *relay)
{
        if (sc_relay_is_over(relay))
                return (struct pollfd){.fd = -1};
        if (has_bytes(relay))
                return (struct pollfd){.fd = relay->to, .events = POLLOUT};
        return (struct pollfd){.fd = relay->from, .events = POLLIN};
}

static void close_to(ScRelay *relay)
{
        if (relay->owns_to)
                sc_close(&relay->to);
        relay->to = -1;
}

void sc_relay_close(ScRelay *relay)
{
        relay->from = -1;
        relay->start = relay->end = 0;
        close_to(relay);
}

static bool is_later(int error)
{
        return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void read_more(ScRelay *relay)
{
        ssize_t size = read(relay->from, relay->buffer, sizeof relay->buffer);
        if (size < 0 && is_later(errno))
                return;
        relay->start = 0;
        relay->end = size > 0 ? (size_t)size : 0;
        if (size > 0)
                return;
        /* A terminal whose other end is closed everywhere says EIO. */
        relay->from = -1;
        if (relay->ends_by_byte) {
                relay->buffer[0] = END_OF_TRANSMISSION[0];
                relay->end = 1;
        } else {
                close_to(relay);
        }
}

static void write_some(ScRelay *relay)
{
        size_t size = relay->end - relay->start;
        ssize_t written = write(relay->to, relay->buffer + relay->start, size < PORTION ? size : PORTION);
        if (written >= 0)
                relay->start += (size_t)written;
        else if (!is_later(errno))
                sc_relay_close(relay); /* nobody reads: what comes is of no use */
}

void sc_relay_advance(ScRelay *relay, short revents)
{
        if (revents == 0 || sc_relay_is_over(relay))
                return;
        if (has_bytes(relay))
                write_some(relay);
        else
                read_more(relay);
}
