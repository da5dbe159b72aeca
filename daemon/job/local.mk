# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-job.a
libsc_job_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
libsc_job_a_SOURCES = \
	daemon/job/adopt.c daemon/job/adopt.h \
	daemon/job/handover.c daemon/job/handover.h \
	daemon/job/job.c daemon/job/job.h \
	daemon/job/number.c daemon/job/number.h \
	daemon/job/process.c daemon/job/process.h \
	daemon/job/protocol.c daemon/job/protocol.h \
	daemon/job/queue.c daemon/job/queue.h \
	daemon/job/running-unit.c daemon/job/running-unit.h \
	daemon/job/sandbox.c daemon/job/sandbox.h \
	daemon/job/stage.c daemon/job/stage.h \
	daemon/job/worker-unit.c daemon/job/worker-unit.h

check_PROGRAMS += tests/unit/test-handover tests/unit/test-protocol tests/unit/test-queue tests/unit/test-running-unit
TESTS += tests/unit/test-handover tests/unit/test-protocol tests/unit/test-queue tests/unit/test-running-unit
tests_unit_test_handover_SOURCES = tests/unit/test-handover.c tests/unit/test.h
tests_unit_test_handover_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_handover_LDADD = libsc-job.a $(UNIT_LDADD)
tests_unit_test_protocol_SOURCES = tests/unit/test-protocol.c tests/unit/test.h
tests_unit_test_protocol_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_protocol_LDADD = libsc-job.a $(UNIT_LDADD)
tests_unit_test_queue_SOURCES = tests/unit/test-queue.c tests/unit/test.h
tests_unit_test_queue_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_queue_LDADD = libsc-job.a $(UNIT_LDADD)
tests_unit_test_running_unit_SOURCES = tests/unit/test-running-unit.c tests/unit/test.h
tests_unit_test_running_unit_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_running_unit_LDADD = libsc-job.a $(UNIT_LDADD)
