# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-store.a
libsc_store_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS) $(STORE_CFLAGS) $(ISAL_CFLAGS)
libsc_store_a_SOURCES = \
	daemon/store/checkout.c daemon/store/checkout.h \
	daemon/store/commit.c daemon/store/commit.h \
	daemon/store/decoder-gzip.c daemon/store/decoder-zstd.c daemon/store/decoder.h \
	daemon/store/earlier-layers.c daemon/store/earlier-layers.h \
	daemon/store/deployment.c daemon/store/deployment.h \
	daemon/store/folder-object.c daemon/store/folder-object.h \
	daemon/store/foreign.c daemon/store/foreign.h \
	daemon/store/image.c daemon/store/image.h daemon/store/image-commit.h \
	daemon/store/image-cache.c daemon/store/image-cache.h \
	daemon/store/image-list.c daemon/store/image-list.h \
	daemon/store/info.c daemon/store/info.h \
	daemon/store/intent.c daemon/store/intent.h \
	daemon/store/inflate.c daemon/store/inflate.h \
	daemon/store/layer.c daemon/store/layer.h \
	daemon/store/layer-list.c daemon/store/layer-list.h \
	daemon/store/large-file.c daemon/store/large-file.h \
	daemon/store/layer-tree.c daemon/store/layer-tree.h \
	daemon/store/merge.c daemon/store/merge.h \
	daemon/store/mount-record.c daemon/store/mount-record.h \
	daemon/store/name-claim.c daemon/store/name-claim.h \
	daemon/store/new-repository.c daemon/store/new-repository.h \
	daemon/store/node.c daemon/store/node.h \
	daemon/store/object.c daemon/store/object.h \
	daemon/store/object-check.c daemon/store/object-check.h \
	daemon/store/other-repository.c daemon/store/other-repository.h \
	daemon/store/place.c daemon/store/place.h \
	daemon/store/prune.c \
	daemon/store/publisher.c daemon/store/publisher.h \
	daemon/store/pull-intent.c daemon/store/pull-intent.h \
	daemon/store/refs.c \
	daemon/store/repository.c daemon/store/repository.h \
	daemon/store/repository-view.c daemon/store/repository-view.h \
	daemon/store/run-folder.c daemon/store/run-folder.h \
	daemon/store/spool.c daemon/store/spool.h \
	daemon/store/staging.c daemon/store/staging.h \
	daemon/store/tar.c daemon/store/tar.h \
	daemon/store/tar-hash.c daemon/store/tar-hash.h \
	daemon/store/tree-file.c daemon/store/tree-file.h \
	daemon/store/verify.c daemon/store/verify.h \
	daemon/store/writer.c daemon/store/writer.h \
	daemon/store/written-meta.c daemon/store/written-meta.h \
	daemon/store/xattrs.c

# What the store's tests share: tars made with libarchive, a repository in a scratch folder, and a check of all its objects.
STORE_TEST_CFLAGS = $(UNIT_CFLAGS) $(STORE_CFLAGS) $(ISAL_CFLAGS)
STORE_TEST_LDADD = libsc-store.a $(UNIT_LDADD) $(STORE_LIBS) $(ISAL_LIBS)

check_PROGRAMS += tests/unit/test-inflate tests/unit/test-inflate-zlib tests/unit/test-layer tests/unit/test-earlier-layers tests/unit/test-folder-object tests/unit/test-staging tests/unit/test-merge tests/unit/test-checkout tests/unit/test-image \
	tests/unit/test-pull-intent tests/unit/test-publisher tests/unit/test-spool tests/unit/test-verify tests/unit/test-bare-user tests/unit/test-repository-view tests/unit/test-space
TESTS += tests/unit/test-inflate tests/unit/test-inflate-zlib tests/unit/test-layer tests/unit/test-earlier-layers tests/unit/test-folder-object tests/unit/test-staging tests/unit/test-merge tests/unit/test-checkout tests/unit/test-image \
	tests/unit/test-pull-intent tests/unit/test-publisher tests/unit/test-spool tests/unit/test-verify tests/unit/test-bare-user tests/unit/test-repository-view tests/unit/test-space
tests_unit_test_folder_object_SOURCES = tests/unit/test-folder-object.c tests/unit/test.h
tests_unit_test_folder_object_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_folder_object_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_inflate_SOURCES = tests/unit/test-inflate.c tests/unit/test.h
tests_unit_test_inflate_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_inflate_LDADD = $(STORE_TEST_LDADD)
# The decoder for machines without ISA-L, on all of them.
tests_unit_test_inflate_zlib_SOURCES = tests/unit/test-inflate.c tests/unit/test.h \
	daemon/store/inflate.c daemon/store/decoder-gzip.c daemon/store/decoder-zstd.c
tests_unit_test_inflate_zlib_CFLAGS = $(STORE_TEST_CFLAGS) -DSC_GZIP_BY_ZLIB
tests_unit_test_inflate_zlib_LDADD = $(UNIT_LDADD) $(STORE_LIBS)
tests_unit_test_earlier_layers_SOURCES = tests/unit/test-earlier-layers.c tests/unit/store.h tests/unit/test.h
tests_unit_test_earlier_layers_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_earlier_layers_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_layer_SOURCES = tests/unit/test-layer.c tests/unit/store.h tests/unit/test.h
tests_unit_test_layer_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_layer_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_staging_SOURCES = tests/unit/test-staging.c tests/unit/store.h tests/unit/test.h
tests_unit_test_staging_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_staging_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_checkout_SOURCES = tests/unit/test-checkout.c tests/unit/layered-image.h tests/unit/store.h tests/unit/test.h
tests_unit_test_checkout_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_checkout_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_merge_SOURCES = tests/unit/test-merge.c tests/unit/layered-image.h tests/unit/store.h tests/unit/test.h
tests_unit_test_merge_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_merge_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_image_SOURCES = tests/unit/test-image.c tests/unit/store.h tests/unit/test.h
tests_unit_test_image_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_image_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_pull_intent_SOURCES = tests/unit/test-pull-intent.c tests/unit/store.h tests/unit/test.h
tests_unit_test_pull_intent_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_pull_intent_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_bare_user_SOURCES = tests/unit/test-bare-user.c tests/unit/store.h tests/unit/test.h
tests_unit_test_bare_user_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_bare_user_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_verify_SOURCES = tests/unit/test-verify.c tests/unit/store.h tests/unit/test.h
tests_unit_test_verify_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_verify_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_publisher_SOURCES = tests/unit/test-publisher.c tests/unit/store.h tests/unit/test.h
tests_unit_test_publisher_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_publisher_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_spool_SOURCES = tests/unit/test-spool.c tests/unit/store.h tests/unit/test.h
tests_unit_test_spool_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_spool_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_repository_view_SOURCES = tests/unit/test-repository-view.c tests/unit/store.h tests/unit/test.h
tests_unit_test_repository_view_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_repository_view_LDADD = $(STORE_TEST_LDADD)
tests_unit_test_space_SOURCES = tests/unit/test-space.c tests/unit/store.h tests/unit/test.h
tests_unit_test_space_CFLAGS = $(STORE_TEST_CFLAGS)
tests_unit_test_space_LDADD = $(STORE_TEST_LDADD)
