# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libsc-registry.a
libsc_registry_a_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS) $(REGISTRY_CFLAGS)
libsc_registry_a_SOURCES = \
	daemon/registry/address.c daemon/registry/address.h \
	daemon/registry/attachment.c daemon/registry/attachment.h \
	daemon/registry/auth.c daemon/registry/auth.h \
	daemon/registry/blob.c \
	daemon/registry/certs.c daemon/registry/certs.h \
	daemon/registry/check.c daemon/registry/check.h \
	daemon/registry/client.c daemon/registry/client.h \
	daemon/registry/docker-archive.c daemon/registry/docker-archive.h \
	daemon/registry/docker-list.c daemon/registry/docker-list.h \
	daemon/registry/docker-name.c daemon/registry/docker-name.h \
	daemon/registry/engine.c daemon/registry/engine.h \
	daemon/registry/endpoint.c daemon/registry/endpoint.h \
	daemon/registry/extent.c daemon/registry/extent.h \
	daemon/registry/failover.c daemon/registry/failover.h \
	daemon/registry/fetch.c daemon/registry/fetch.h \
	daemon/registry/http.c daemon/registry/http.h \
	daemon/registry/image-config.c daemon/registry/image-config.h \
	daemon/registry/location.c daemon/registry/location.h \
	daemon/registry/lookaside.c daemon/registry/lookaside.h \
	daemon/registry/manifest.c daemon/registry/manifest.h \
	daemon/registry/neighbour.c daemon/registry/neighbour.h \
	daemon/registry/oci-index.c daemon/registry/oci-index.h \
	daemon/registry/oci-layout.c daemon/registry/oci-layout.h \
	daemon/registry/old-manifest.c daemon/registry/old-manifest.h \
	daemon/registry/patience.c daemon/registry/patience.h \
	daemon/registry/platform.c daemon/registry/platform.h \
	daemon/registry/policy.c daemon/registry/policy.h \
	daemon/registry/printable.c daemon/registry/printable.h \
	daemon/registry/proxy.c daemon/registry/proxy.h \
	daemon/registry/registry.h \
	daemon/registry/request.c daemon/registry/request.h \
	daemon/registry/skeleton.c daemon/registry/skeleton.h \
	daemon/registry/stream.h \
	daemon/registry/streamed-archive.c daemon/registry/streamed-archive.h \
	daemon/registry/tar-index.c daemon/registry/tar-index.h \
	daemon/registry/signature.c daemon/registry/signature.h \
	daemon/registry/signature-gpg.c daemon/registry/signature-gpg.h \
	daemon/registry/signature-sigstore.c daemon/registry/signature-sigstore.h \
	daemon/registry/signed-identity.c daemon/registry/signed-identity.h \
	daemon/registry/throttle.c daemon/registry/throttle.h \
	daemon/registry/transport.c daemon/registry/transport.h \
	daemon/registry/trust.c daemon/registry/trust.h \
	daemon/registry/tunnel.c daemon/registry/tunnel.h \
	daemon/registry/trouble.c daemon/registry/trouble.h

check_PROGRAMS += tests/unit/test-registry
TESTS += tests/unit/test-registry
tests_unit_test_registry_SOURCES = tests/unit/test-registry.c tests/unit/registry-server.h tests/unit/test.h
tests_unit_test_registry_CFLAGS = $(UNIT_CFLAGS) $(REGISTRY_CFLAGS)
tests_unit_test_registry_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS)
EXTRA_DIST += tests/unit/registry-server.py

check_PROGRAMS += tests/unit/test-streamed-archive
TESTS += tests/unit/test-streamed-archive
tests_unit_test_streamed_archive_SOURCES = tests/unit/test-streamed-archive.c tests/unit/test.h
tests_unit_test_streamed_archive_CFLAGS = $(UNIT_CFLAGS) $(REGISTRY_CFLAGS)
tests_unit_test_streamed_archive_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS)

check_PROGRAMS += tests/unit/test-neighbour
TESTS += tests/unit/test-neighbour
tests_unit_test_neighbour_SOURCES = tests/unit/test-neighbour.c tests/unit/test.h
tests_unit_test_neighbour_CFLAGS = $(UNIT_CFLAGS) $(REGISTRY_CFLAGS)
tests_unit_test_neighbour_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS)

check_PROGRAMS += tests/unit/test-mirrors
TESTS += tests/unit/test-mirrors
tests_unit_test_mirrors_SOURCES = tests/unit/test-mirrors.c tests/unit/registry-server.h tests/unit/test.h daemon/base/toml.cc
tests_unit_test_mirrors_CFLAGS = $(UNIT_CFLAGS) $(REGISTRY_CFLAGS)
tests_unit_test_mirrors_CXXFLAGS = $(PROJECT_CXXFLAGS) $(TOML_CFLAGS)
tests_unit_test_mirrors_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS) $(TOML_LIBS)

check_PROGRAMS += tests/unit/test-manifest tests/unit/test-auth
TESTS += tests/unit/test-manifest tests/unit/test-auth
tests_unit_test_manifest_SOURCES = tests/unit/test-manifest.c tests/unit/test.h
tests_unit_test_manifest_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_manifest_LDADD = libsc-registry.a $(UNIT_LDADD)
tests_unit_test_auth_SOURCES = tests/unit/test-auth.c tests/unit/test.h
tests_unit_test_auth_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_auth_LDADD = libsc-registry.a $(UNIT_LDADD)

check_PROGRAMS += tests/unit/test-archive
TESTS += tests/unit/test-archive
tests_unit_test_archive_SOURCES = tests/unit/test-archive.c tests/unit/test.h
tests_unit_test_archive_CFLAGS = $(UNIT_CFLAGS) $(REGISTRY_CFLAGS)
tests_unit_test_archive_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS) -lz

check_PROGRAMS += tests/unit/test-proxy
TESTS += tests/unit/test-proxy
tests_unit_test_proxy_SOURCES = tests/unit/test-proxy.c tests/unit/registry-server.h tests/unit/test.h
tests_unit_test_proxy_CFLAGS = $(UNIT_CFLAGS) $(REGISTRY_CFLAGS)
tests_unit_test_proxy_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS)
EXTRA_DIST += tests/unit/proxy-server.py

check_PROGRAMS += tests/unit/test-policy tests/unit/test-signature
TESTS += tests/unit/test-policy tests/unit/test-signature
tests_unit_test_policy_SOURCES = tests/unit/test-policy.c tests/unit/test.h
tests_unit_test_policy_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_policy_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS) $(YAML_LIBS)
tests_unit_test_signature_SOURCES = tests/unit/test-signature.c tests/unit/test.h
tests_unit_test_signature_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_signature_LDADD = libsc-registry.a $(UNIT_LDADD) $(REGISTRY_LIBS)
