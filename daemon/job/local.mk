# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-job.a
libsc_job_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
libsc_job_a_SOURCES = \
	daemon/job/adopt.c daemon/job/adopt.h \
	daemon/job/handover.c daemon/job/handover.h \
	daemon/job/job.c daemon/job/job.h \
	daemon/job/process.c daemon/job/process.h \
	daemon/job/protocol.c daemon/job/protocol.h \
	daemon/job/queue.c daemon/job/queue.h \
	daemon/job/sandbox.c daemon/job/sandbox.h
