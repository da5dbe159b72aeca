# SPDX-License-Identifier: LGPL-2.1-or-later
dist_dbusinterfaces_DATA = \
	dbus/org.sysconsd1.Container.xml \
	dbus/org.sysconsd1.Image.xml \
	dbus/org.sysconsd1.Job.xml \
	dbus/org.sysconsd1.Manager.xml
dbusinterfacesdir = @dbusinterfacesdir@

dist_dbuspolicy_DATA = dbus/org.sysconsd1.conf
dbuspolicydir = @dbuspolicydir@

dbussystemservice_DATA = dbus/org.sysconsd1.service
dbussystemservicedir = @dbussystemservicedir@
EXTRA_DIST += dbus/org.sysconsd1.service.in
CLEANFILES += dbus/org.sysconsd1.service

# The same name on the buses of users.
dbussessionservice_DATA = dbus/session/org.sysconsd1.service
dbussessionservicedir = @dbussessionservicedir@
EXTRA_DIST += dbus/session/org.sysconsd1.service.in
CLEANFILES += dbus/session/org.sysconsd1.service
