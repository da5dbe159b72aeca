/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All objects in one answer: GetManagedObjects of org.freedesktop.DBus.ObjectManager (D-Bus Specification, Standard Interfaces).
 * sd-bus looks for each object and each interface by its path, in every prefix of it; here whoever knows the objects puts them in,
 * in two thirds of the time. The signals of the object manager are sd-bus's. */

#include "bus/service.h"
#include <systemd/sd-bus.h>

/* After sd_bus_add_object_manager(), which shows the method in introspection. Negative errno. */
int sc_bus_objects_publish(ScService *service);

/* One object with its only interface: those properties of vtable that sd-bus would show, read from object as sd-bus reads them, for
 * a reply that is an open array of {oa{sa{sv}}}. The interfaces that all objects have (Properties and others) are left out.
 * Negative errno. */
int sc_bus_objects_append(sd_bus_message *reply, const char *path, const char *interface, const sd_bus_vtable *vtable,
                          void *object);
