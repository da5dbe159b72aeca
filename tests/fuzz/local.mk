# SPDX-License-Identifier: LGPL-2.1-or-later
# Each target is tests/fuzz/fuzz-NAME.c with a seed corpus in tests/fuzz/corpus/NAME. `make check` replays the corpus (by the main() of
# replay.c); configured with --enable-fuzzers CC=clang, `make` also builds tests/fuzz/libfuzzer-NAME, which looks for new inputs:
# tests/fuzz/run does both. To add a target: its line here.
#
# All are linked with all libraries of ours, of which the linker takes what a target wants; what automake's own default for a program
# is, its source and $(LDADD), does the rest. registries has C++ in it, and so sources that have to be named.
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run

FUZZ_REPLAYS = \
	tests/fuzz/fuzz-address \
	tests/fuzz/fuzz-archive \
	tests/fuzz/fuzz-archive-list \
	tests/fuzz/fuzz-auth-file \
	tests/fuzz/fuzz-challenge \
	tests/fuzz/fuzz-client-json \
	tests/fuzz/fuzz-client-text \
	tests/fuzz/fuzz-client-words \
	tests/fuzz/fuzz-commit \
	tests/fuzz/fuzz-config \
	tests/fuzz/fuzz-exports \
	tests/fuzz/fuzz-folder-object \
	tests/fuzz/fuzz-image-info \
	tests/fuzz/fuzz-image-name \
	tests/fuzz/fuzz-image-user \
	tests/fuzz/fuzz-index \
	tests/fuzz/fuzz-info \
	tests/fuzz/fuzz-intent \
	tests/fuzz/fuzz-job \
	tests/fuzz/fuzz-layer \
	tests/fuzz/fuzz-manifest \
	tests/fuzz/fuzz-object-meta \
	tests/fuzz/fuzz-options \
	tests/fuzz/fuzz-package \
	tests/fuzz/fuzz-package-answer \
	tests/fuzz/fuzz-packet \
	tests/fuzz/fuzz-policy \
	tests/fuzz/fuzz-proxy \
	tests/fuzz/fuzz-reference \
	tests/fuzz/fuzz-registries \
	tests/fuzz/fuzz-registries-d \
	tests/fuzz/fuzz-run-config \
	tests/fuzz/fuzz-runtime-config \
	tests/fuzz/fuzz-settings \
	tests/fuzz/fuzz-signature \
	tests/fuzz/fuzz-skeleton \
	tests/fuzz/fuzz-streamed-archive \
	tests/fuzz/fuzz-subid \
	tests/fuzz/fuzz-template \
	tests/fuzz/fuzz-token \
	tests/fuzz/fuzz-unit
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)

FUZZ_LIBS = libsc-client.a libsc-bus.a libsc-job.a libsc-registry.a libsc-store.a libsc-unit.a libsc-base.a \
	$(REGISTRY_LIBS) $(STORE_LIBS) $(ISAL_LIBS) $(YAML_LIBS) $(BASE_LIBS)
LDADD = tests/fuzz/libreplay.a $(FUZZ_LIBS)

check_LIBRARIES = tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz.h tests/fuzz/tar.h
tests_fuzz_fuzz_registries_SOURCES = tests/fuzz/fuzz-registries.c daemon/base/toml.cc
tests_fuzz_fuzz_registries_CXXFLAGS = $(PROJECT_CXXFLAGS) $(TOML_CFLAGS)
tests_fuzz_fuzz_registries_LDADD = $(LDADD) $(TOML_LIBS)

tests/fuzz/%.$(OBJEXT): AM_CFLAGS += $(BASE_CFLAGS) $(REGISTRY_CFLAGS) $(STORE_CFLAGS) $(ISAL_CFLAGS) -I$(top_srcdir)/client

if FUZZERS
FUZZERS_LIST = $(FUZZ_REPLAYS:tests/fuzz/fuzz-%=tests/fuzz/libfuzzer-%)
all-local: $(FUZZERS_LIST)

tests/fuzz/libfuzzer-registries: tests/fuzz/fuzz-registries.$(OBJEXT) daemon/base/tests_fuzz_fuzz_registries-toml.$(OBJEXT) libsc-base.a
	$(AM_V_CXXLD)$(CXXLINK) -fsanitize=fuzzer $^ $(FUZZ_LIBS) $(TOML_LIBS)

tests/fuzz/libfuzzer-%: tests/fuzz/fuzz-%.$(OBJEXT) $(filter %.a,$(FUZZ_LIBS))
	$(AM_V_CCLD)$(LINK) -fsanitize=fuzzer $< $(FUZZ_LIBS)

CLEANFILES += $(FUZZERS_LIST)
endif
