/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/loop.h"
#include <poll.h>

/* Messages handled before other sources get their turn. */
#define PORTION 32

typedef struct {
        GSource source;
        GPollFD poll;
        sd_bus *bus;
        ScBusLostFunc lost;
        gpointer data;
} BusSource;

/* What sd-bus waits for changes with every message; the poll record is read by GLib right after this, so it is set here (adding and
 * removing descriptors from in here would wake the context up each time). */
static gboolean bus_prepare(GSource *source, int *timeout_ms)
{
        BusSource *self = (BusSource *)source;
        *timeout_ms = -1;
        int events = sd_bus_get_events(self->bus);
        uint64_t deadline;
        int r = sd_bus_get_timeout(self->bus, &deadline);
        if (events < 0 || r < 0)
                return TRUE; /* the connection is gone: dispatch says so */
        self->poll.events = (gushort)events;
        if (r == 0 || deadline == UINT64_MAX)
                return FALSE;
        gint64 now = g_get_monotonic_time();
        if (deadline <= (uint64_t)now)
                return TRUE;
        *timeout_ms = (int)MIN((deadline - (uint64_t)now + 999) / 1000, (uint64_t)G_MAXINT);
        return FALSE;
}

static gboolean bus_check(GSource *source)
{
        BusSource *self = (BusSource *)source;
        int timeout_ms;
        return self->poll.revents != 0 || bus_prepare(source, &timeout_ms);
}

static gboolean bus_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
        BusSource *self = (BusSource *)source;
        int r = 1;
        for (unsigned i = 0; i < PORTION && r > 0; i++)
                r = sd_bus_process(self->bus, NULL);
        if (r >= 0 && sd_bus_is_open(self->bus) > 0)
                return G_SOURCE_CONTINUE;
        self->lost(self->data);
        return G_SOURCE_REMOVE;
}

static void bus_finalize(GSource *source)
{
        BusSource *self = (BusSource *)source;
        sd_bus_unref(self->bus);
}

static GSourceFuncs bus_functions = {
        .prepare = bus_prepare, .check = bus_check, .dispatch = bus_dispatch, .finalize = bus_finalize};

GSource *sc_bus_attach(sd_bus *bus, ScBusLostFunc lost, gpointer data)
{
        GSource *source = g_source_new(&bus_functions, sizeof(BusSource));
        BusSource *self = (BusSource *)source;
        self->bus = sd_bus_ref(bus);
        self->lost = lost;
        self->data = data;
        self->poll.fd = sd_bus_get_fd(bus);
        g_source_add_poll(source, &self->poll);
        g_source_set_name(source, "sd-bus");
        g_source_attach(source, NULL);
        return source;
}
