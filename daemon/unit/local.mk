# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-unit.a
libsc_unit_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
libsc_unit_a_SOURCES = \
	daemon/unit/capabilities.c daemon/unit/capabilities.h \
	daemon/unit/command.c daemon/unit/command.h \
	daemon/unit/exports.c daemon/unit/exports.h \
	daemon/unit/host-copy.c daemon/unit/host-copy.h \
	daemon/unit/host-path.c daemon/unit/host-path.h \
	daemon/unit/host-place.c daemon/unit/host-place.h \
	daemon/unit/hostfiles.c daemon/unit/hostfiles.h \
	daemon/unit/hostfiles-plan.c \
	daemon/unit/hostfiles-preview.c \
	daemon/unit/image-user.c daemon/unit/image-user.h \
	daemon/unit/package.c daemon/unit/package.h \
	daemon/unit/package-deb.c daemon/unit/package-deb-depends.c daemon/unit/package-driver.h \
	daemon/unit/package-facts.c \
	daemon/unit/package-links.c \
	daemon/unit/package-rpm.c \
	daemon/unit/runtime-config.c daemon/unit/runtime-config.h \
	daemon/unit/runtime-json.c daemon/unit/runtime-json.h \
	daemon/unit/run-config.c daemon/unit/run-config.h \
	daemon/unit/run-service.c daemon/unit/run-service.h \
	daemon/unit/service.c daemon/unit/service.h \
	daemon/unit/subid.c daemon/unit/subid.h \
	daemon/unit/systemd.c daemon/unit/systemd.h \
	daemon/unit/systemd-bus.c daemon/unit/systemd-bus.h \
	daemon/unit/systemd-job.c \
	daemon/unit/systemd-mount.c \
	daemon/unit/systemd-run.c \
	daemon/unit/template.c daemon/unit/template.h \
	daemon/unit/tmpfiles.c \
	daemon/unit/user-namespace.c daemon/unit/user-namespace.h \
	daemon/unit/variables.c daemon/unit/variables.h

# In a container's ExecStart, for as long as it takes to start the runtime: no library but libc.
libexec_PROGRAMS += sysconsd-exec
sysconsd_exec_SOURCES = daemon/exec.c
sysconsd_exec_CFLAGS = $(AM_CFLAGS)
sysconsd_exec_LDADD =

unit_tests = \
	tests/unit/test-exec \
	tests/unit/test-exports \
	tests/unit/test-hostfiles \
	tests/unit/test-package \
	tests/unit/test-runtime-config \
	tests/unit/test-service \
	tests/unit/test-template \
	tests/unit/test-user-namespace \
	tests/unit/test-variables
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)

tests_unit_test_exec_SOURCES = tests/unit/test-exec.c tests/unit/test.h
tests_unit_test_exec_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_exec_LDADD = $(UNIT_LDADD)

tests_unit_test_exports_SOURCES = tests/unit/test-exports.c tests/unit/test-unit.h tests/unit/test.h
tests_unit_test_exports_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_exports_LDADD = libsc-unit.a $(UNIT_LDADD)

tests_unit_test_hostfiles_SOURCES = tests/unit/test-hostfiles.c tests/unit/small-disk.h tests/unit/test-unit.h tests/unit/test.h
tests_unit_test_hostfiles_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_hostfiles_LDADD = libsc-unit.a $(UNIT_LDADD)

tests_unit_test_package_SOURCES = tests/unit/test-package.c tests/unit/test-unit.h tests/unit/test.h
tests_unit_test_package_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_package_LDADD = libsc-unit.a $(UNIT_LDADD)

tests_unit_test_runtime_config_SOURCES = tests/unit/test-runtime-config.c tests/unit/test-unit.h tests/unit/test.h
tests_unit_test_runtime_config_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_runtime_config_LDADD = libsc-unit.a $(UNIT_LDADD)

tests_unit_test_service_SOURCES = tests/unit/test-service.c tests/unit/test-unit.h tests/unit/test.h
tests_unit_test_service_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_service_LDADD = libsc-unit.a $(UNIT_LDADD)

tests_unit_test_template_SOURCES = tests/unit/test-template.c tests/unit/test-unit.h tests/unit/test.h
tests_unit_test_template_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_template_LDADD = libsc-unit.a $(UNIT_LDADD)

tests_unit_test_variables_SOURCES = tests/unit/test-variables.c tests/unit/test-unit.h tests/unit/test.h
tests_unit_test_variables_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_variables_LDADD = libsc-unit.a $(UNIT_LDADD)

tests_unit_test_user_namespace_SOURCES = tests/unit/test-user-namespace.c tests/unit/test.h
tests_unit_test_user_namespace_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_user_namespace_LDADD = libsc-unit.a $(UNIT_LDADD)
