# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-base.a
libsc_base_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS) $(YAML_CFLAGS)
libsc_base_a_SOURCES = \
	daemon/base/atomicfile.c daemon/base/atomicfile.h \
	daemon/base/auth-file.c daemon/base/auth-file.h \
	daemon/base/config.c daemon/base/config.h \
	daemon/base/containers-conf.c daemon/base/containers-conf.h \
	daemon/base/digest.c daemon/base/hasher.c daemon/base/digest.h \
	daemon/base/door.c daemon/base/door.h \
	daemon/base/error.c daemon/base/error.h \
	daemon/base/failpoint.c daemon/base/failpoint.h \
	daemon/base/fds.c daemon/base/fds.h \
	daemon/base/home.c daemon/base/home.h \
	daemon/base/image-info.c daemon/base/image-info.h \
	daemon/base/image-name.c daemon/base/image-name.h \
	daemon/base/journal.c daemon/base/journal.h \
	daemon/base/json.c daemon/base/json.h \
	daemon/base/keyring.c daemon/base/keyring.h \
	daemon/base/lock.c daemon/base/lock.h \
	daemon/base/login.c daemon/base/login.h \
	daemon/base/path.c daemon/base/path.h \
	daemon/base/ready.c daemon/base/ready.h \
	daemon/base/reference.c daemon/base/reference.h \
	daemon/base/proxy-variables.h \
	daemon/base/registries.c daemon/base/registries.h daemon/base/registries-rule.h \
	daemon/base/registries-d.c daemon/base/registries-d.h \
	daemon/base/registries-files.c daemon/base/registries-files.h \
	daemon/base/registries-parse.c \
	daemon/base/report.c daemon/base/report.h \
	daemon/base/scope.c daemon/base/scope.h \
	daemon/base/slice.c daemon/base/slice.h \
	daemon/base/source.c daemon/base/source.h \
	daemon/base/subprocess.c daemon/base/subprocess.h \
	daemon/base/sysroot.c daemon/base/sysroot.h

EXTRA_DIST += tests/unit/tsan-locks.c
if THREAD_SANITIZER
libsc_base_a_SOURCES += tests/unit/tsan-locks.c
endif

# The one program with C++ in it; docs/architecture.md says why it is one of its own.
libexec_PROGRAMS += sysconsd-toml
sysconsd_toml_SOURCES = daemon/toml-main.c daemon/base/toml.cc daemon/base/toml.h
sysconsd_toml_CFLAGS = $(AM_CFLAGS)
sysconsd_toml_CXXFLAGS = $(PROJECT_CXXFLAGS) $(TOML_CFLAGS)
sysconsd_toml_LDADD = $(TOML_LIBS)

# One libcheck program a module: tests/unit/test-NAME.c. test.h holds what they share.
UNIT_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS) $(CHECK_CFLAGS)
UNIT_LDADD = libsc-base.a $(BASE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test-base
TESTS += tests/unit/test-base
tests_unit_test_base_SOURCES = tests/unit/test-base.c tests/unit/small-disk.h tests/unit/test.h
tests_unit_test_base_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_base_LDADD = $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test-subprocess
TESTS += tests/unit/test-subprocess
tests_unit_test_subprocess_SOURCES = tests/unit/test-subprocess.c tests/unit/test.h
tests_unit_test_subprocess_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_subprocess_LDADD = $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test-registries
TESTS += tests/unit/test-registries
tests_unit_test_registries_SOURCES = tests/unit/test-registries.c tests/unit/test.h daemon/base/toml.cc
tests_unit_test_registries_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_registries_CXXFLAGS = $(PROJECT_CXXFLAGS) $(TOML_CFLAGS)
tests_unit_test_registries_LDADD = $(UNIT_LDADD) $(TOML_LIBS)

check_PROGRAMS += tests/unit/test-auth-file
TESTS += tests/unit/test-auth-file
tests_unit_test_auth_file_SOURCES = tests/unit/test-auth-file.c tests/unit/test.h
tests_unit_test_auth_file_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_auth_file_LDADD = $(UNIT_LDADD)
