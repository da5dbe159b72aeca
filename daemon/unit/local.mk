# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-unit.a
libsc_unit_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
libsc_unit_a_SOURCES = \
	daemon/unit/capabilities.c daemon/unit/capabilities.h \
	daemon/unit/command.c daemon/unit/command.h \
	daemon/unit/exports.c daemon/unit/exports.h \
	daemon/unit/host-copy.c daemon/unit/host-copy.h \
	daemon/unit/host-path.c daemon/unit/host-path.h \
	daemon/unit/hostfiles.c daemon/unit/hostfiles.h \
	daemon/unit/hostfiles-plan.c \
	daemon/unit/image-user.c daemon/unit/image-user.h \
	daemon/unit/runtime-config.c daemon/unit/runtime-config.h \
	daemon/unit/service.c daemon/unit/service.h \
	daemon/unit/systemd.c daemon/unit/systemd.h \
	daemon/unit/template.c daemon/unit/template.h \
	daemon/unit/tmpfiles.c \
	daemon/unit/variables.c daemon/unit/variables.h

# In a container's ExecStart, for as long as it takes to start the runtime: no library but libc.
libexec_PROGRAMS += sysconsd-exec
sysconsd_exec_SOURCES = daemon/exec.c
sysconsd_exec_CFLAGS = $(AM_CFLAGS)
