# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-op.a
libsc_op_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS) $(REGISTRY_CFLAGS) $(STORE_CFLAGS)
libsc_op_a_SOURCES = \
	daemon/op/build.c daemon/op/build.h \
	daemon/op/change.c daemon/op/change.h \
	daemon/op/check-login.c \
	daemon/op/control.c \
	daemon/op/delete-image.c \
	daemon/op/describe.c daemon/op/describe.h \
	daemon/op/damage.c daemon/op/damage.h \
	daemon/op/homes.c daemon/op/homes.h \
	daemon/op/host-package.c daemon/op/host-package.h \
	daemon/op/image-exports.c daemon/op/image-exports.h \
	daemon/op/import-name.c daemon/op/import-name.h \
	daemon/op/layer-fetch.c daemon/op/layer-fetch.h \
	daemon/op/install.c \
	daemon/op/install-package.c daemon/op/install-package.h \
	daemon/op/install-request.c daemon/op/install-request.h \
	daemon/op/keyring.c \
	daemon/op/lookaside-file.c daemon/op/lookaside-file.h \
	daemon/op/made-folders.c daemon/op/made-folders.h \
	daemon/op/mount.c \
	daemon/op/mount-point.c daemon/op/mount-point.h \
	daemon/op/mounts.c daemon/op/mounts.h \
	daemon/op/move.c daemon/op/move.h \
	daemon/op/op.c daemon/op/op.h \
	daemon/op/option-image.c daemon/op/option-image.h \
	daemon/op/options.c daemon/op/options.h \
	daemon/op/packaging.c daemon/op/packaging.h \
	daemon/op/pin.c daemon/op/pin.h \
	daemon/op/plan.c daemon/op/plan.h \
	daemon/op/plan-change.c \
	daemon/op/plan-host.c \
	daemon/op/plan-image.c \
	daemon/op/plan-package.c \
	daemon/op/plan-prune.c \
	daemon/op/prune.c \
	daemon/op/prune-list.c daemon/op/prune-list.h \
	daemon/op/pull.c \
	daemon/op/recover.c \
	daemon/op/repair.c daemon/op/repair.h \
	daemon/op/render.c daemon/op/render.h \
	daemon/op/removal.c \
	daemon/op/resolve.c daemon/op/resolve.h \
	daemon/op/rollback.c daemon/op/rollback.h \
	daemon/op/rootfs.c daemon/op/rootfs.h \
	daemon/op/run.c daemon/op/run.h \
	daemon/op/session.c daemon/op/session.h \
	daemon/op/ostree-source.c daemon/op/ostree-source.h \
	daemon/op/skopeo.c daemon/op/skopeo.h \
	daemon/op/source-file.c daemon/op/source-file.h \
	daemon/op/set-policy.c \
	daemon/op/side.c daemon/op/side.h \
	daemon/op/tag-image.c \
	daemon/op/trial.c daemon/op/trial.h \
	daemon/op/trust.c daemon/op/trust.h \
	daemon/op/uninstall.c \
	daemon/op/unit-look.c daemon/op/unit-look.h \
	daemon/op/update.c \
	daemon/op/verify.c \
	daemon/op/update-request.c daemon/op/update-request.h \
	daemon/op/verbs.h

libexec_PROGRAMS += sysconsd-worker
sysconsd_worker_SOURCES = daemon/worker-main.c
sysconsd_worker_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
sysconsd_worker_LDADD = libsc-op.a libsc-job.a libsc-registry.a libsc-store.a libsc-unit.a libsc-base.a \
	$(REGISTRY_LIBS) $(STORE_LIBS) $(ISAL_LIBS) $(YAML_LIBS) $(BASE_LIBS)

check_PROGRAMS += tests/unit/test-deployment tests/unit/test-op-options
TESTS += tests/unit/test-deployment tests/unit/test-op-options
tests_unit_test_op_options_SOURCES = tests/unit/test-op-options.c tests/unit/test.h
tests_unit_test_op_options_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_op_options_LDADD = libsc-op.a libsc-unit.a $(UNIT_LDADD)
tests_unit_test_deployment_SOURCES = tests/unit/test-deployment.c
tests_unit_test_deployment_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_deployment_LDADD = libsc-store.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test-mount
TESTS += tests/unit/test-mount
tests_unit_test_mount_SOURCES = tests/unit/test-mount.c tests/unit/test.h
tests_unit_test_mount_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_mount_LDADD = libsc-store.a libsc-unit.a $(UNIT_LDADD)
