# SPDX-License-Identifier: LGPL-2.1-or-later
include tests/testbed/local.mk
include tests/faults/local.mk
include tests/fuzz/local.mk

LOG_COMPILER = $(top_srcdir)/tests/run-test

TESTS += tests/check-mutants
EXTRA_DIST += tests/check-mutants tests/mutants/run tests/mutants/table.py

EXTRA_DIST += tests/integration/test_atomic.py docs/from-atomic.md
EXTRA_DIST += .ci/run tests/all tests/run-test tests/bench/common.py tests/bench/compare tests/bench/daemon tests/bench/figures tests/bench/images.py tests/bench/inside.py tests/bench/many-objects.py tests/bench/timeline.py \
	tests/bench/limits.c \
	tests/check-format tests/check-includes tests/check-static tests/cppcheck-suppressions .clang-tidy tests/coverage tests/demo tests/packages \
	tests/setup tests/stage tests/threads tests/tsan-suppressions \
	tests/attackers/call.py tests/attackers/dbuswire.py tests/attackers/fuzz.py tests/attackers/load.py \
	tests/integration/attackers.py tests/integration/test_actions.py tests/integration/test_attackers.py \
	tests/integration/fakeworker.py tests/integration/test_sandbox.py \
	tests/integration/standin.py tests/integration/test_strings.py tests/integration/test_swaps.py \
	tests/integration/test_archives.py \
	tests/integration/test_change.py \
	tests/integration/test_client.py \
	tests/integration/test_collection.py \
	tests/integration/test_credentials.py \
	tests/integration/test_engine.py \
	tests/integration/test_faults.py tests/integration/test_features.py \
	tests/integration/test_hostile_image.py tests/integration/hostile.py tests/integration/test_resume.py tests/integration/test_resume_here.py \
	tests/integration/test_images.py \
	tests/integration/test_leaks.py \
	tests/integration/test_main_job.py \
	tests/integration/test_mount.py \
	tests/integration/test_plan.py tests/integration/test_powercuts.py \
	tests/integration/test_package.py \
	tests/integration/test_provenance.py \
	tests/integration/test_ostree_host.py \
	tests/integration/test_pull.py tests/integration/test_registries.py \
	tests/integration/test_recovery.py tests/integration/test_run.py \
	tests/integration/test_systemd.py tests/integration/test_takeover.py tests/integration/atomichost.py tests/integration/derived.py \
	tests/integration/test_trust.py tests/integration/test_user.py \
	docs/architecture.md docs/performance.md docs/reliability.md docs/svc.svg
EXTRA_DIST += tests/powercuts/README.md tests/powercuts/check.py tests/powercuts/disk.py tests/powercuts/images.py tests/powercuts/inside.py \
	tests/powercuts/nosync.c tests/powercuts/recording.py tests/powercuts/run tests/powercuts/systems.py
