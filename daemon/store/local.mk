# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-store.a
libsc_store_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS) $(STORE_CFLAGS) $(ISAL_CFLAGS)
libsc_store_a_SOURCES = \
	daemon/store/checkout.c daemon/store/checkout.h \
	daemon/store/commit.c daemon/store/commit.h \
	daemon/store/decoder-gzip.c daemon/store/decoder-zstd.c daemon/store/decoder.h \
	daemon/store/deployment.c daemon/store/deployment.h \
	daemon/store/image.c daemon/store/image.h \
	daemon/store/info.c daemon/store/info.h \
	daemon/store/intent.c daemon/store/intent.h \
	daemon/store/inflate.c daemon/store/inflate.h \
	daemon/store/layer.c daemon/store/layer.h \
	daemon/store/layer-tree.c daemon/store/layer-tree.h \
	daemon/store/merge.c daemon/store/merge.h \
	daemon/store/node.c daemon/store/node.h \
	daemon/store/object.c daemon/store/object.h \
	daemon/store/publisher.c daemon/store/publisher.h \
	daemon/store/refs.c \
	daemon/store/repository.c daemon/store/repository.h \
	daemon/store/staging.c daemon/store/staging.h \
	daemon/store/tar.c daemon/store/tar.h \
	daemon/store/writer.c daemon/store/writer.h \
	daemon/store/xattrs.c
