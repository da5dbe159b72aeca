/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sd-bus on a GLib main context. */

#include <glib.h>
#include <systemd/sd-bus.h>

typedef void (*ScBusLostFunc)(gpointer data);

/* Attaches the bus to the default context; lost is called once when the connection ends. Returns the source, to be destroyed and
 * unref'ed by the caller. */
GSource *sc_bus_attach(sd_bus *bus, ScBusLostFunc lost, gpointer data);
