# SPDX-License-Identifier: LGPL-2.1-or-later
# Each target is tests/fuzz/fuzz-NAME.c with a seed corpus in tests/fuzz/corpus/NAME. `make check` replays the corpus; configured with
# --enable-fuzzers CC=clang, `make` also builds tests/fuzz/libfuzzer-NAME, which looks for new inputs: tests/fuzz/run does both. To add a
# target: five lines here, six below.
FUZZ_CFLAGS = $(AM_CFLAGS) $(BASE_CFLAGS)
REPLAY = tests/fuzz/replay.c tests/fuzz/fuzz.h
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run
REGISTRY_FUZZ_LIBS = libsc-registry.a libsc-base.a $(REGISTRY_LIBS) $(YAML_LIBS) $(BASE_LIBS)
UNIT_FUZZ_LIBS = libsc-unit.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS =
check_PROGRAMS += $(FUZZ_REPLAYS)
TESTS += $(FUZZ_REPLAYS)

FUZZ_REPLAYS += tests/fuzz/fuzz-manifest
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz-manifest.c $(REPLAY)
tests_fuzz_fuzz_manifest_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_manifest_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-index
tests_fuzz_fuzz_index_SOURCES = tests/fuzz/fuzz-index.c $(REPLAY)
tests_fuzz_fuzz_index_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_index_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-archive
tests_fuzz_fuzz_archive_SOURCES = tests/fuzz/fuzz-archive.c tests/fuzz/tar.h $(REPLAY)
tests_fuzz_fuzz_archive_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_fuzz_archive_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-archive-list
tests_fuzz_fuzz_archive_list_SOURCES = tests/fuzz/fuzz-archive-list.c $(REPLAY)
tests_fuzz_fuzz_archive_list_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_fuzz_archive_list_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c $(REPLAY)
tests_fuzz_fuzz_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_config_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-challenge
tests_fuzz_fuzz_challenge_SOURCES = tests/fuzz/fuzz-challenge.c $(REPLAY)
tests_fuzz_fuzz_challenge_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_challenge_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-token
tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz-token.c $(REPLAY)
tests_fuzz_fuzz_token_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_token_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-packet
tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz-packet.c $(REPLAY)
tests_fuzz_fuzz_packet_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_packet_LDADD = libsc-job.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-exports
tests_fuzz_fuzz_exports_SOURCES = tests/fuzz/fuzz-exports.c $(REPLAY)
tests_fuzz_fuzz_exports_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_exports_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-template
tests_fuzz_fuzz_template_SOURCES = tests/fuzz/fuzz-template.c $(REPLAY)
tests_fuzz_fuzz_template_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_template_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-package
tests_fuzz_fuzz_package_SOURCES = tests/fuzz/fuzz-package.c $(REPLAY)
tests_fuzz_fuzz_package_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_package_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-runtime-config
tests_fuzz_fuzz_runtime_config_SOURCES = tests/fuzz/fuzz-runtime-config.c $(REPLAY)
tests_fuzz_fuzz_runtime_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_runtime_config_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-layer
tests_fuzz_fuzz_layer_SOURCES = tests/fuzz/fuzz-layer.c $(REPLAY)
tests_fuzz_fuzz_layer_CFLAGS = $(FUZZ_CFLAGS) $(STORE_CFLAGS) $(ISAL_CFLAGS)
tests_fuzz_fuzz_layer_LDADD = libsc-store.a libsc-base.a $(STORE_LIBS) $(ISAL_LIBS) $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-commit
tests_fuzz_fuzz_commit_SOURCES = tests/fuzz/fuzz-commit.c $(REPLAY)
tests_fuzz_fuzz_commit_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_commit_LDADD = libsc-store.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-info
tests_fuzz_fuzz_info_SOURCES = tests/fuzz/fuzz-info.c $(REPLAY)
tests_fuzz_fuzz_info_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_info_LDADD = libsc-store.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-intent
tests_fuzz_fuzz_intent_SOURCES = tests/fuzz/fuzz-intent.c $(REPLAY)
tests_fuzz_fuzz_intent_CFLAGS = $(FUZZ_CFLAGS) $(STORE_CFLAGS)
tests_fuzz_fuzz_intent_LDADD = libsc-store.a libsc-base.a $(STORE_LIBS) $(ISAL_LIBS) $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-reference
tests_fuzz_fuzz_reference_SOURCES = tests/fuzz/fuzz-reference.c $(REPLAY)
tests_fuzz_fuzz_reference_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_reference_LDADD = libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-subid
tests_fuzz_fuzz_subid_SOURCES = tests/fuzz/fuzz-subid.c $(REPLAY)
tests_fuzz_fuzz_subid_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_subid_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-object-meta
tests_fuzz_fuzz_object_meta_SOURCES = tests/fuzz/fuzz-object-meta.c $(REPLAY)
tests_fuzz_fuzz_object_meta_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_object_meta_LDADD = libsc-store.a libsc-base.a $(STORE_LIBS) $(ISAL_LIBS) $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-registries
tests_fuzz_fuzz_registries_SOURCES = tests/fuzz/fuzz-registries.c daemon/base/toml.cc $(REPLAY)
tests_fuzz_fuzz_registries_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_registries_CXXFLAGS = $(PROJECT_CXXFLAGS) $(TOML_CFLAGS)
tests_fuzz_fuzz_registries_LDADD = libsc-base.a $(BASE_LIBS) $(TOML_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-address
tests_fuzz_fuzz_address_SOURCES = tests/fuzz/fuzz-address.c $(REPLAY)
tests_fuzz_fuzz_address_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_fuzz_address_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-image-user
tests_fuzz_fuzz_image_user_SOURCES = tests/fuzz/fuzz-image-user.c $(REPLAY)
tests_fuzz_fuzz_image_user_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_image_user_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-unit
tests_fuzz_fuzz_unit_SOURCES = tests/fuzz/fuzz-unit.c $(REPLAY)
tests_fuzz_fuzz_unit_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_unit_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-run-config
tests_fuzz_fuzz_run_config_SOURCES = tests/fuzz/fuzz-run-config.c $(REPLAY)
tests_fuzz_fuzz_run_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_run_config_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-package-answer
tests_fuzz_fuzz_package_answer_SOURCES = tests/fuzz/fuzz-package-answer.c $(REPLAY)
tests_fuzz_fuzz_package_answer_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_package_answer_LDADD = $(UNIT_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-image-info
tests_fuzz_fuzz_image_info_SOURCES = tests/fuzz/fuzz-image-info.c $(REPLAY)
tests_fuzz_fuzz_image_info_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_image_info_LDADD = libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-image-name
tests_fuzz_fuzz_image_name_SOURCES = tests/fuzz/fuzz-image-name.c $(REPLAY)
tests_fuzz_fuzz_image_name_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_image_name_LDADD = libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-settings
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz-settings.c $(REPLAY)
tests_fuzz_fuzz_settings_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_settings_LDADD = libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-job
tests_fuzz_fuzz_job_SOURCES = tests/fuzz/fuzz-job.c $(REPLAY)
tests_fuzz_fuzz_job_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_job_LDADD = libsc-job.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-client-text
tests_fuzz_fuzz_client_text_SOURCES = tests/fuzz/fuzz-client-text.c $(REPLAY)
tests_fuzz_fuzz_client_text_CFLAGS = $(FUZZ_CFLAGS) -I$(top_srcdir)/client
tests_fuzz_fuzz_client_text_LDADD = libsc-client.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-client-json
tests_fuzz_fuzz_client_json_SOURCES = tests/fuzz/fuzz-client-json.c $(REPLAY)
tests_fuzz_fuzz_client_json_CFLAGS = $(FUZZ_CFLAGS) -I$(top_srcdir)/client
tests_fuzz_fuzz_client_json_LDADD = libsc-client.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-client-words
tests_fuzz_fuzz_client_words_SOURCES = tests/fuzz/fuzz-client-words.c $(REPLAY)
tests_fuzz_fuzz_client_words_CFLAGS = $(FUZZ_CFLAGS) -I$(top_srcdir)/client
tests_fuzz_fuzz_client_words_LDADD = libsc-client.a libsc-base.a $(BASE_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-policy
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz-policy.c $(REPLAY)
tests_fuzz_fuzz_policy_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_policy_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-registries-d
tests_fuzz_fuzz_registries_d_SOURCES = tests/fuzz/fuzz-registries-d.c $(REPLAY)
tests_fuzz_fuzz_registries_d_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_registries_d_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-signature
tests_fuzz_fuzz_signature_SOURCES = tests/fuzz/fuzz-signature.c $(REPLAY)
tests_fuzz_fuzz_signature_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_signature_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-streamed-archive
tests_fuzz_fuzz_streamed_archive_SOURCES = tests/fuzz/fuzz-streamed-archive.c tests/fuzz/tar.h $(REPLAY)
tests_fuzz_fuzz_streamed_archive_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_fuzz_streamed_archive_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-proxy
tests_fuzz_fuzz_proxy_SOURCES = tests/fuzz/fuzz-proxy.c $(REPLAY)
tests_fuzz_fuzz_proxy_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_fuzz_proxy_LDADD = $(REGISTRY_FUZZ_LIBS)

FUZZ_REPLAYS += tests/fuzz/fuzz-auth-file
tests_fuzz_fuzz_auth_file_SOURCES = tests/fuzz/fuzz-auth-file.c $(REPLAY)
tests_fuzz_fuzz_auth_file_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_fuzz_auth_file_LDADD = libsc-base.a $(BASE_LIBS)

if FUZZERS
noinst_PROGRAMS =

noinst_PROGRAMS += tests/fuzz/libfuzzer-manifest
tests_fuzz_libfuzzer_manifest_SOURCES = tests/fuzz/fuzz-manifest.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_manifest_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_manifest_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_manifest_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-index
tests_fuzz_libfuzzer_index_SOURCES = tests/fuzz/fuzz-index.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_index_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_index_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_index_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-archive
tests_fuzz_libfuzzer_archive_SOURCES = tests/fuzz/fuzz-archive.c tests/fuzz/fuzz.h tests/fuzz/tar.h
tests_fuzz_libfuzzer_archive_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_libfuzzer_archive_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_archive_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-archive-list
tests_fuzz_libfuzzer_archive_list_SOURCES = tests/fuzz/fuzz-archive-list.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_archive_list_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_libfuzzer_archive_list_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_archive_list_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-config
tests_fuzz_libfuzzer_config_SOURCES = tests/fuzz/fuzz-config.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_config_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_config_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-challenge
tests_fuzz_libfuzzer_challenge_SOURCES = tests/fuzz/fuzz-challenge.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_challenge_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_challenge_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_challenge_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-token
tests_fuzz_libfuzzer_token_SOURCES = tests/fuzz/fuzz-token.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_token_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_token_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_token_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-packet
tests_fuzz_libfuzzer_packet_SOURCES = tests/fuzz/fuzz-packet.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_packet_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_packet_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_packet_LDADD = libsc-job.a libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-exports
tests_fuzz_libfuzzer_exports_SOURCES = tests/fuzz/fuzz-exports.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_exports_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_exports_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_exports_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-package
tests_fuzz_libfuzzer_package_SOURCES = tests/fuzz/fuzz-package.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_package_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_package_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_package_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-template
tests_fuzz_libfuzzer_template_SOURCES = tests/fuzz/fuzz-template.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_template_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_template_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_template_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-runtime-config
tests_fuzz_libfuzzer_runtime_config_SOURCES = tests/fuzz/fuzz-runtime-config.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_runtime_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_runtime_config_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_runtime_config_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-layer
tests_fuzz_libfuzzer_layer_SOURCES = tests/fuzz/fuzz-layer.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_layer_CFLAGS = $(FUZZ_CFLAGS) $(STORE_CFLAGS) $(ISAL_CFLAGS)
tests_fuzz_libfuzzer_layer_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_layer_LDADD = libsc-store.a libsc-base.a $(STORE_LIBS) $(ISAL_LIBS) $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-commit
tests_fuzz_libfuzzer_commit_SOURCES = tests/fuzz/fuzz-commit.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_commit_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_commit_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_commit_LDADD = libsc-store.a libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-info
tests_fuzz_libfuzzer_info_SOURCES = tests/fuzz/fuzz-info.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_info_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_info_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_info_LDADD = libsc-store.a libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-intent
tests_fuzz_libfuzzer_intent_SOURCES = tests/fuzz/fuzz-intent.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_intent_CFLAGS = $(FUZZ_CFLAGS) $(STORE_CFLAGS)
tests_fuzz_libfuzzer_intent_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_intent_LDADD = libsc-store.a libsc-base.a $(STORE_LIBS) $(ISAL_LIBS) $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-reference
tests_fuzz_libfuzzer_reference_SOURCES = tests/fuzz/fuzz-reference.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_reference_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_reference_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_reference_LDADD = libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-subid
tests_fuzz_libfuzzer_subid_SOURCES = tests/fuzz/fuzz-subid.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_subid_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_subid_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_subid_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-object-meta
tests_fuzz_libfuzzer_object_meta_SOURCES = tests/fuzz/fuzz-object-meta.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_object_meta_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_object_meta_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_object_meta_LDADD = libsc-store.a libsc-base.a $(STORE_LIBS) $(ISAL_LIBS) $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-registries
tests_fuzz_libfuzzer_registries_SOURCES = tests/fuzz/fuzz-registries.c daemon/base/toml.cc tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_registries_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_registries_CXXFLAGS = $(PROJECT_CXXFLAGS) $(TOML_CFLAGS)
tests_fuzz_libfuzzer_registries_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_registries_LDADD = libsc-base.a $(BASE_LIBS) $(TOML_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-address
tests_fuzz_libfuzzer_address_SOURCES = tests/fuzz/fuzz-address.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_address_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_libfuzzer_address_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_address_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-image-user
tests_fuzz_libfuzzer_image_user_SOURCES = tests/fuzz/fuzz-image-user.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_image_user_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_image_user_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_image_user_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-unit
tests_fuzz_libfuzzer_unit_SOURCES = tests/fuzz/fuzz-unit.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_unit_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_unit_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_unit_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-run-config
tests_fuzz_libfuzzer_run_config_SOURCES = tests/fuzz/fuzz-run-config.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_run_config_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_run_config_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_run_config_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-package-answer
tests_fuzz_libfuzzer_package_answer_SOURCES = tests/fuzz/fuzz-package-answer.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_package_answer_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_package_answer_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_package_answer_LDADD = $(UNIT_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-image-info
tests_fuzz_libfuzzer_image_info_SOURCES = tests/fuzz/fuzz-image-info.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_image_info_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_image_info_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_image_info_LDADD = libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-image-name
tests_fuzz_libfuzzer_image_name_SOURCES = tests/fuzz/fuzz-image-name.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_image_name_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_image_name_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_image_name_LDADD = libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-settings
tests_fuzz_libfuzzer_settings_SOURCES = tests/fuzz/fuzz-settings.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_settings_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_settings_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_settings_LDADD = libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-job
tests_fuzz_libfuzzer_job_SOURCES = tests/fuzz/fuzz-job.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_job_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_job_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_job_LDADD = libsc-job.a libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-client-text
tests_fuzz_libfuzzer_client_text_SOURCES = tests/fuzz/fuzz-client-text.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_client_text_CFLAGS = $(FUZZ_CFLAGS) -I$(top_srcdir)/client
tests_fuzz_libfuzzer_client_text_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_client_text_LDADD = libsc-client.a libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-client-json
tests_fuzz_libfuzzer_client_json_SOURCES = tests/fuzz/fuzz-client-json.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_client_json_CFLAGS = $(FUZZ_CFLAGS) -I$(top_srcdir)/client
tests_fuzz_libfuzzer_client_json_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_client_json_LDADD = libsc-client.a libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-client-words
tests_fuzz_libfuzzer_client_words_SOURCES = tests/fuzz/fuzz-client-words.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_client_words_CFLAGS = $(FUZZ_CFLAGS) -I$(top_srcdir)/client
tests_fuzz_libfuzzer_client_words_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_client_words_LDADD = libsc-client.a libsc-base.a $(BASE_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-policy
tests_fuzz_libfuzzer_policy_SOURCES = tests/fuzz/fuzz-policy.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_policy_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_policy_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_policy_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-registries-d
tests_fuzz_libfuzzer_registries_d_SOURCES = tests/fuzz/fuzz-registries-d.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_registries_d_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_registries_d_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_registries_d_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-signature
tests_fuzz_libfuzzer_signature_SOURCES = tests/fuzz/fuzz-signature.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_signature_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_signature_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_signature_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-streamed-archive
tests_fuzz_libfuzzer_streamed_archive_SOURCES = tests/fuzz/fuzz-streamed-archive.c tests/fuzz/fuzz.h tests/fuzz/tar.h
tests_fuzz_libfuzzer_streamed_archive_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_libfuzzer_streamed_archive_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_streamed_archive_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-proxy
tests_fuzz_libfuzzer_proxy_SOURCES = tests/fuzz/fuzz-proxy.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_proxy_CFLAGS = $(FUZZ_CFLAGS) $(REGISTRY_CFLAGS)
tests_fuzz_libfuzzer_proxy_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_proxy_LDADD = $(REGISTRY_FUZZ_LIBS)

noinst_PROGRAMS += tests/fuzz/libfuzzer-auth-file
tests_fuzz_libfuzzer_auth_file_SOURCES = tests/fuzz/fuzz-auth-file.c tests/fuzz/fuzz.h
tests_fuzz_libfuzzer_auth_file_CFLAGS = $(FUZZ_CFLAGS)
tests_fuzz_libfuzzer_auth_file_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_libfuzzer_auth_file_LDADD = libsc-base.a $(BASE_LIBS)
endif
