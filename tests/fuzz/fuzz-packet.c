/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/path.h"
#include "job/protocol.h"
#include <string.h>
#include <sys/socket.h>

/* One packet as a worker, or somebody who got hold of one, may send it. What is taken can be sent on, and comes out the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int fds[2];
        if (size == 0 || !sc_packet_socketpair(fds, NULL))
                return 0;
        sc_autofd here = fds[0], there = fds[1];
        if (send(here, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return 0;
        g_autoptr(ScPacket) packet = NULL;
        if (sc_packet_receive(there, &packet, NULL, NULL) != 1)
                return 0;
        if (!sc_packet_send(here, packet, NULL))
                return 0;
        g_autoptr(ScPacket) again = NULL;
        g_assert(sc_packet_receive(there, &again, NULL, NULL) == 1 && again->type == packet->type);
        g_assert(g_strcmp0(again->text, packet->text) == 0 && g_strcmp0(again->phase, packet->phase) == 0);
        g_assert(again->job == packet->job && again->code == packet->code);
        return 0;
}
