# SPDX-License-Identifier: LGPL-2.1-or-later
# All but main.c is a library, for the unit tests.
noinst_LIBRARIES += libsc-bus.a
libsc_bus_a_CFLAGS = $(AM_CFLAGS) $(DAEMON_CFLAGS)
libsc_bus_a_SOURCES = \
	daemon/bus/call.c daemon/bus/call.h \
	daemon/bus/catalog.c daemon/bus/catalog.h \
	daemon/bus/catalog-entry.c daemon/bus/catalog-entry.h \
	daemon/bus/catalog-find.c \
	daemon/bus/command.c daemon/bus/command.h \
	daemon/bus/container.c daemon/bus/container.h \
	daemon/bus/image.c daemon/bus/image.h \
	daemon/bus/job.c daemon/bus/job.h \
	daemon/bus/loop.c daemon/bus/loop.h \
	daemon/bus/manager.c daemon/bus/manager.h \
	daemon/bus/mount.c daemon/bus/mount.h \
	daemon/bus/objects.c daemon/bus/objects.h \
	daemon/bus/options.c daemon/bus/options.h \
	daemon/bus/origin.c daemon/bus/origin.h \
	daemon/bus/peer.c daemon/bus/peer.h \
	daemon/bus/plan.c daemon/bus/plan.h \
	daemon/bus/policy.c daemon/bus/policy.h \
	daemon/bus/polkit.c daemon/bus/polkit.h \
	daemon/bus/reply.c daemon/bus/reply.h \
	daemon/bus/service.c daemon/bus/service.h \
	daemon/bus/settings.c daemon/bus/settings.h \
	daemon/bus/short-name.c daemon/bus/short-name.h \
	daemon/bus/units.c daemon/bus/units.h \
	daemon/bus/verbs.c \
	daemon/bus/watch.c daemon/bus/watch.h

libexec_PROGRAMS += sysconsd
sysconsd_SOURCES = daemon/main.c
sysconsd_CFLAGS = $(AM_CFLAGS) $(DAEMON_CFLAGS)
# Neither $(STORE_LIBS) nor libcrypto: what the daemon uses of store/ and base/ needs none of them, and this is what keeps it so.
sysconsd_LDADD = libsc-bus.a libsc-job.a libsc-store.a libsc-base.a $(YAML_LIBS) $(DAEMON_LIBS)

BUS_UNIT_LDADD = $(sysconsd_LDADD) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/test-catalog tests/unit/test-options tests/unit/test-verbs
TESTS += tests/unit/test-catalog tests/unit/test-options tests/unit/test-verbs
tests_unit_test_catalog_SOURCES = tests/unit/test-catalog.c tests/unit/store.h tests/unit/test.h
tests_unit_test_catalog_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_catalog_LDADD = libsc-bus.a libsc-job.a $(STORE_TEST_LDADD)
tests_unit_test_options_SOURCES = tests/unit/test-options.c tests/unit/test.h
tests_unit_test_options_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_options_LDADD = $(BUS_UNIT_LDADD)
tests_unit_test_verbs_SOURCES = tests/unit/test-verbs.c tests/unit/test.h
tests_unit_test_verbs_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_verbs_LDADD = $(BUS_UNIT_LDADD)

EXTRA_DIST += tests/integration/sysconsbus.py tests/integration/test_authorization.py tests/integration/test_bus.py \
	tests/integration/test_hostile_worker.py
