# SPDX-License-Identifier: LGPL-2.1-or-later
# All but main.c is a library, for the unit tests.
noinst_LIBRARIES += libsc-client.a
libsc_client_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
libsc_client_a_SOURCES = \
	client/agent.c client/agent.h \
	client/ask.c client/ask.h \
	client/atomic.c client/atomic.h \
	client/atomic-containers.c \
	client/atomic-delete.c \
	client/atomic-filter.c client/atomic-filter.h \
	client/atomic-grammar.c client/atomic-grammar.h \
	client/atomic-images.c \
	client/atomic-list.c \
	client/atomic-run.c \
	client/atomic-trust.c \
	client/atomic-verbs.c \
	client/bus.c client/bus.h \
	client/client.c client/client.h \
	client/command.c \
	client/containers.c client/verbs.h \
	client/deploy.c \
	client/diff.c client/diff.h \
	client/exit.c client/exit.h \
	client/helper.c client/helper.h \
	client/images.c \
	client/image-list.c \
	client/image-name.c client/image-name.h \
	client/image-version.c \
	client/info.c client/info.h \
	client/interrupt.c client/interrupt.h \
	client/jobs.c \
	client/layers.c client/layers.h \
	client/listing.c client/listing.h \
	client/login.c \
	client/login-file.c client/login-file.h \
	client/login-store.c client/login-store.h \
	client/logins.c client/logins.h \
	client/mount.c \
	client/object.c \
	client/options.c client/options.h \
	client/outcome.c client/outcome.h \
	client/plan.c client/plan.h \
	client/plan-print.c \
	client/package-output.c client/package-output.h \
	client/pull-file.c client/pull-file.h \
	client/pull-skopeo.c client/pull-skopeo.h \
	client/progress.c client/progress.h \
	client/relay.c client/relay.h \
	client/remote.c client/remote.h \
	client/run.c client/run.h \
	client/screen.c client/screen.h \
	client/show.c \
	client/streams.c client/streams.h \
	client/table.c client/table.h \
	client/text.c client/text.h \
	client/trust.c client/trust.h \
	client/trust-edit.c client/trust-edit.h \
	client/update-summary.c client/update-summary.h \
	client/value.c client/value.h \
	client/verify.c \
	client/wait.c client/wait.h

bin_PROGRAMS += sysconsctl
sysconsctl_SOURCES = client/main.c
sysconsctl_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
sysconsctl_LDADD = libsc-client.a libsc-base.a $(BASE_LIBS)

check_PROGRAMS += tests/unit/test-client-plan tests/unit/test-client-text tests/unit/test-progress tests/unit/test-client-options tests/unit/test-client-wait \
	tests/unit/test-atomic
TESTS += tests/unit/test-client-plan tests/unit/test-client-text tests/unit/test-progress tests/unit/test-client-options tests/unit/test-client-wait \
	tests/unit/test-atomic
CLIENT_UNIT_CFLAGS = $(UNIT_CFLAGS) -I$(top_srcdir)/client
tests_unit_test_atomic_SOURCES = tests/unit/test-atomic.c tests/unit/test.h
tests_unit_test_atomic_CFLAGS = $(CLIENT_UNIT_CFLAGS)
tests_unit_test_atomic_LDADD = libsc-client.a $(UNIT_LDADD)
tests_unit_test_client_plan_SOURCES = tests/unit/test-client-plan.c tests/unit/test.h
tests_unit_test_client_plan_CFLAGS = $(CLIENT_UNIT_CFLAGS)
tests_unit_test_client_plan_LDADD = libsc-client.a $(UNIT_LDADD)
tests_unit_test_client_text_SOURCES = tests/unit/test-client-text.c tests/unit/test.h
tests_unit_test_client_text_CFLAGS = $(CLIENT_UNIT_CFLAGS)
tests_unit_test_client_text_LDADD = libsc-client.a $(UNIT_LDADD)
tests_unit_test_progress_SOURCES = tests/unit/test-progress.c tests/unit/test.h
tests_unit_test_progress_CFLAGS = $(CLIENT_UNIT_CFLAGS)
tests_unit_test_progress_LDADD = libsc-client.a $(UNIT_LDADD)
tests_unit_test_client_options_SOURCES = tests/unit/test-client-options.c tests/unit/test.h
tests_unit_test_client_options_CFLAGS = $(CLIENT_UNIT_CFLAGS)
tests_unit_test_client_options_LDADD = libsc-client.a $(UNIT_LDADD)
tests_unit_test_client_wait_SOURCES = tests/unit/test-client-wait.c tests/unit/test.h
tests_unit_test_client_wait_CFLAGS = $(CLIENT_UNIT_CFLAGS)
tests_unit_test_client_wait_LDADD = libsc-client.a $(UNIT_LDADD)

# What --help, the manual pages and the completions say.
TESTS += tests/check-help
EXTRA_DIST += tests/check-help

man_MANS += data/man/sysconsctl.1 data/man/atomic.1
dist_bashcompletion_DATA = data/completions/sysconsctl data/completions/atomic
EXTRA_DIST += data/man/sysconsctl.1 data/man/atomic.1

# The client answers to the name of the command that it succeeds, too.
install-exec-hook:
	ln -sfn sysconsctl $(DESTDIR)$(bindir)/atomic

uninstall-hook:
	rm -f $(DESTDIR)$(bindir)/atomic
