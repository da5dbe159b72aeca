# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests on a running system need, in the tarball too.
EXTRA_DIST += \
	tests/demo \
	tests/testbed/README.md \
	tests/testbed/keep-memlock.c \
	tests/testbed/mkroot \
	tests/testbed/mkvm \
	tests/testbed/testbed \
	tests/testbed/vm \
	tests/images/README.md \
	tests/images/build \
	tests/images/ocilayout.py \
	tests/images/push \
	tests/images/etcd/exports/config.json.template \
	tests/images/etcd/exports/hostfs/etc/etcd/etcd.conf \
	tests/images/etcd/exports/hostfs/usr/local/bin/etcdctl \
	tests/images/etcd/exports/manifest.json \
	tests/images/etcd/exports/service.template \
	tests/images/etcd/exports/tmpfiles.template \
	tests/images/hello/exports/config.json.template \
	tests/images/hello/exports/manifest.json \
	tests/images/hello/exports/service.template \
	tests/images/hello/exports/tmpfiles.template \
	tests/images/hello/srv/www/cgi-bin/index.cgi \
	tests/images/hello/usr/local/bin/hello \
	tests/integration/bed.py \
	tests/integration/conftest.py \
	tests/integration/machine.py \
	tests/integration/test_testbed.py \
	tests/integration/test_vm.py
