/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/atomicfile.h"
#include "base/config.h"
#include "base/digest.h"
#include "base/home.h"
#include "base/image-info.h"
#include "base/image-name.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/reference.h"
#include "base/report.h"
#include "small-disk.h"
#include "test.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

START_TEST(error_words_round_trip)
{
        for (int code = SC_ERROR_NOT_FOUND; code <= SC_ERROR_FAILED; code++) {
                ScError back;
                ck_assert(sc_error_from_string(sc_error_to_string((ScError)code), &back));
                ck_assert_int_eq((int)back, code);
        }
        ScError untouched = SC_ERROR_BUSY;
        ck_assert(!sc_error_from_string("Nonsense", &untouched));
        ck_assert_int_eq(untouched, SC_ERROR_BUSY);
}
END_TEST

START_TEST(errors_are_translated_and_prefixed)
{
        g_autoptr(GError) error = NULL;
        errno = ENOSPC;
        ck_assert(!sc_throw_errno(&error, "Cannot write %s", "x"));
        ck_assert_error(error, SC_ERROR_NO_SPACE, "Cannot write x: ");
        ck_assert(!sc_prefix(&error, "Layer %d", 3));
        ck_assert_error(error, SC_ERROR_NO_SPACE, "Layer 3: Cannot write x");
        ck_assert(!sc_error_is_passing(error));
        g_clear_error(&error);
        errno = EMFILE;
        ck_assert(!sc_throw_errno(&error, "Cannot open x"));
        ck_assert(!sc_prefix(&error, "Layer 3"));
        ck_assert(sc_error_is_passing(error));
        g_autoptr(GError) copy = g_error_copy(error);
        ck_assert(sc_error_is_passing(copy));

        g_autoptr(GError) foreign = g_error_new_literal(G_IO_ERROR, G_IO_ERROR_CANCELLED, "stop");
        ck_assert(!sc_error_is_passing(foreign));
        sc_prefix(&foreign, "Pull");
        ck_assert(!sc_error_is_passing(foreign));
        ck_assert_error(foreign, SC_ERROR_CANCELLED, "Pull: stop");
}
END_TEST

START_TEST(references_are_split)
{
        static const struct {
                const char *text, *host, *path, *tag, *name;
                ScSource source;
        } good[] = {
                {"busybox", NULL, "busybox", "latest", "busybox:latest", SC_SOURCE_REGISTRY},
                {"docker.io/library/busybox:1.36", "docker.io", "library/busybox", "1.36", "docker.io/library/busybox:1.36",
                 SC_SOURCE_REGISTRY},
                {"oci:localhost:5000/etcd", "localhost:5000", "etcd", "latest", "localhost:5000/etcd:latest", SC_SOURCE_REGISTRY},
                {"docker://Quay.IO/a/b_c/d--e", "quay.io", "a/b_c/d--e", "latest", "quay.io/a/b_c/d--e:latest", SC_SOURCE_REGISTRY},
                {"http:reg:80/x", "reg:80", "x", "latest", "reg:80/x:latest", SC_SOURCE_REGISTRY_INSECURE},
                {"[::1]:5000/x:Y_z.1-2", "[::1]:5000", "x", "Y_z.1-2", "[::1]:5000/x:Y_z.1-2", SC_SOURCE_REGISTRY},
                {"a/b", NULL, "a/b", "latest", "a/b:latest", SC_SOURCE_REGISTRY},
        };
        for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(ScReference) reference = sc_reference_parse(good[i].text, &error);
                ck_assert_no_error(error);
                ck_assert_pstr_eq(reference->host, good[i].host);
                ck_assert_str_eq(reference->path, good[i].path);
                ck_assert_pstr_eq(reference->tag, good[i].tag);
                ck_assert_str_eq(reference->name, good[i].name);
                ck_assert_int_eq(reference->source, good[i].source);
        }
        g_autoptr(GError) error = NULL;
        g_autofree char *text = g_strdup_printf("h.example/x@sha256:%064d", 7);
        g_autoptr(ScReference) pinned = sc_reference_parse(text, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_null(pinned->tag);
        ck_assert_str_eq(pinned->name, text);
}
END_TEST

START_TEST(bad_references_are_refused)
{
        static const char *const bad[] = {"",           "REGISTRY/x", "/",         "a//b",         "A",
                                          "-a",         "a:",         "a:b:c",     "a@sha256:12",  "a b",
                                          "a\nb",       "../x",       "a/../b",    "a/.b",         "a/b-",
                                          "a___b",      "a._b",       "h:0/x",     "h:99999/x",    "h:x/y",
                                          "-h.com/x",   "h..com/x",   "[::g]/x",   "a:-tag",       "a:.tag",
                                          "h.com/x:y@", "%s%n",       "a\xff\x62", "user@h.com/x", "h.com/x?y=z",
                                          "h.com/x#f",  "a:\\x",      "\\",        "oci:http:x",   "oci:docker:1",
                                          "oci:oci:x"};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert_msg(sc_reference_parse(bad[i], &error) == NULL, "accepted: %s", bad[i]);
                ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, "");
        }
        g_autofree char *tag = g_strnfill(129, 't');
        g_autofree char *long_tag = g_strconcat("a:", tag, NULL);
        g_autofree char *long_path = g_strnfill(256, 'p');
        g_autofree char *long_all = g_strnfill(2000, 'p');
        ck_assert_ptr_null(sc_reference_parse(long_tag, NULL));
        ck_assert_ptr_null(sc_reference_parse(long_path, NULL));
        ck_assert_ptr_null(sc_reference_parse(long_all, NULL));

        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(sc_reference_parse("dir:/tmp/x", &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "dir:");
        g_clear_error(&error);
        ck_assert_ptr_null(sc_reference_parse("oci:/tmp/x", &error));
        ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, "oci-layout:");
}
END_TEST

#define HEX "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(files_are_sources_of_pulls_only)
{
        static const struct {
                const char *text, *choice, *again;
                ScSource source;
        } good[] = {
                {"docker-archive:", NULL, "docker-archive:", SC_SOURCE_DOCKER_ARCHIVE},
                {"dockertar:", NULL, "docker-archive:", SC_SOURCE_DOCKER_ARCHIVE},
                {"dockertar:Quay.IO/a/b", "quay.io/a/b:latest", "docker-archive:quay.io/a/b:latest", SC_SOURCE_DOCKER_ARCHIVE},
                {"docker-archive:hello:1", "hello:1", "docker-archive:hello:1", SC_SOURCE_DOCKER_ARCHIVE},
                {"oci-archive:", NULL, "oci-archive:", SC_SOURCE_OCI_ARCHIVE},
                {"oci-archive:V1.0_rc/2:x@y", "V1.0_rc/2:x@y", "oci-archive:V1.0_rc/2:x@y", SC_SOURCE_OCI_ARCHIVE},
                {"oci-layout:v1", "v1", "oci-layout:v1", SC_SOURCE_OCI_LAYOUT},
        };
        for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
                g_autoptr(GError) error = NULL, refused = NULL;
                g_autoptr(ScReference) reference = sc_reference_parse_to_pull(good[i].text, &error);
                ck_assert_no_error(error);
                ck_assert_int_eq(reference->source, good[i].source);
                ck_assert_pstr_eq(reference->choice, good[i].choice);
                ck_assert_ptr_null(reference->name);
                ck_assert_ptr_null(reference->path);
                g_autofree char *again = sc_reference_to_text(reference);
                ck_assert_str_eq(again, good[i].again);
                ck_assert_ptr_null(sc_reference_parse(good[i].text, &refused));
                ck_assert_error(refused, SC_ERROR_UNSUPPORTED, "has to be pulled first (`sysconsctl pull ");
        }
        g_autofree char *long_ref = g_strnfill(256, 'r'), *too_long = g_strconcat("oci-archive:", long_ref, NULL);
        const char *const bad[] = {"docker-archive:/tmp/x.tar",
                                   "docker-archive:hello@sha256:" HEX,
                                   "dockertar://hello",
                                   "oci-archive:a b",
                                   "oci-layout:a\nb",
                                   "oci-layout:\xc3\xa4",
                                   "dockertar:docker://hello",
                                   "docker-archive:dockertar:",
                                   too_long};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert_msg(sc_reference_parse_to_pull(bad[i], &error) == NULL, "accepted: %s", bad[i]);
                ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, "");
        }
        g_autoptr(ScReference) named = sc_reference_parse_to_pull("http:reg:80/x", NULL);
        g_autofree char *text = sc_reference_to_text(named);
        ck_assert_str_eq(text, "http:reg:80/x:latest");
        ck_assert_str_eq(sc_source_facts(SC_SOURCE_OCI_LAYOUT)->provenance, "archive");
}
END_TEST

START_TEST(loopback_is_told_by_the_text_alone)
{
        static const struct {
                const char *text;
                bool loopback;
        } cases[] = {
                {"localhost:5000/x", true},
                {"localhost/x", true},
                {"127.0.0.1/x", true},
                {"127.1.2.3:80/x", true},
                {"[::1]:5000/x", true},
                {"localhost.example/x", false},
                {"127.evil.example/x", false},
                {"10.0.0.1/x", false},
                {"127.0.0.1.example.org/x", false},
                {"[::2]/x", false},
                {"busybox", false},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(ScReference) reference = sc_reference_parse(cases[i].text, NULL);
                ck_assert_msg(sc_reference_is_loopback(reference) == cases[i].loopback, "%s", cases[i].text);
        }
}
END_TEST

START_TEST(refs_encode_as_atomic_did)
{
        g_autofree char *ref = sc_ref_encode("docker.io/busybox:latest");
        ck_assert_str_eq(ref, "ociimage/docker.io_2Fbusybox_3Alatest");
        g_autofree char *odd = sc_ref_encode("a_b@c");
        ck_assert_str_eq(odd, "ociimage/a_5Fb_40c");
        g_autofree char *back = sc_ref_decode(odd);
        ck_assert_str_eq(back, "a_b@c");
        ck_assert_ptr_null(sc_ref_decode("ociimage/a_5"));
        ck_assert_ptr_null(sc_ref_decode("ociimage/a_00"));
        ck_assert_ptr_null(sc_ref_decode("ociimage/a/b"));
        ck_assert_ptr_null(sc_ref_decode("ociimage/"));

        g_autofree char *hex = g_strdup_printf("ociimage/%064d", 1);
        ck_assert(sc_ref_is_blob(hex));
        ck_assert(!sc_ref_is_blob("ociimage/cafe_3A1"));
        hex[strlen(hex) - 1] = '\0';
        ck_assert(!sc_ref_is_blob(hex));
}
END_TEST

START_TEST(container_names)
{
        static const char *const good[] = {"etcd", "a", "0", "a.b-c_D9", "x.0"};
        static const char *const bad[] = {"",   ".a",        "-a",  "_a",  "a/b",     "a b",     "a\n",
                                          "..", "a.service", "a%b", "a@b", "a.timer", "\xc3\xa4"};
        for (guint i = 0; i < G_N_ELEMENTS(good); i++)
                ck_assert_msg(sc_container_name_check(good[i], NULL), "%s", good[i]);
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert_msg(!sc_container_name_check(bad[i], &error), "%s", bad[i]);
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "container name");
        }
        g_autofree char *longest = g_strnfill(200, 'a');
        g_autofree char *longer = g_strnfill(201, 'a');
        ck_assert(sc_container_name_check(longest, NULL));
        ck_assert(!sc_container_name_check(longer, NULL));

        g_autoptr(ScReference) reference = sc_reference_parse("quay.io/coreos/etcd:v3", NULL);
        g_autofree char *name = sc_container_name_from_reference(reference, NULL);
        ck_assert_str_eq(name, "etcd-v3");
        g_autoptr(ScReference) latest = sc_reference_parse("localhost:5000/hello", NULL);
        g_autofree char *plain = sc_container_name_from_reference(latest, NULL);
        ck_assert_str_eq(plain, "hello");
}
END_TEST

START_TEST(digests)
{
        ScDigest digest, again;
        sc_digest_of("abc", 3, &digest);
        g_autofree char *text = sc_digest_to_string(&digest);
        ck_assert_str_eq(text, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        ck_assert(sc_digest_parse(text, &again, NULL));
        ck_assert(sc_digest_equal(&digest, &again));

        g_autoptr(ScHasher) hasher = sc_hasher_new();
        for (int round = 0; round < 2; round++) { /* a finished hasher starts anew */
                sc_hasher_update(hasher, "a", 1);
                sc_hasher_update(hasher, "bc", 2);
                sc_hasher_finish(hasher, &again);
                ck_assert(sc_digest_equal(&digest, &again));
        }

        g_autoptr(GError) error = NULL;
        ck_assert(!sc_digest_parse("sha512:abc", &again, &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "sha512");
        ck_assert(!sc_digest_parse("sha256:BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", &again, NULL));
        ck_assert(!sc_digest_parse("sha256:ba78", &again, NULL));
        text[strlen(text) - 1] = 'g';
        ck_assert(!sc_digest_parse(text, &again, NULL));
}
END_TEST

START_TEST(paths)
{
        static const char *const clean[] = {"/a", "/a/b", "/a/..b", "/.a"};
        static const char *const dirty[] = {"", "/", "a", "/a/", "/a//b", "/a/../b", "/./a", "/a/.."};
        for (guint i = 0; i < G_N_ELEMENTS(clean); i++)
                ck_assert_msg(sc_path_is_clean_absolute(clean[i]), "%s", clean[i]);
        for (guint i = 0; i < G_N_ELEMENTS(dirty); i++)
                ck_assert_msg(!sc_path_is_clean_absolute(dirty[i]), "%s", dirty[i]);
}
END_TEST

/* What is there already needs no space, and what goes back makes room. */
START_TEST(a_full_disk)
{
        char *folder = test_folder_new();
        g_autoptr(GError) error = NULL;
        test_small_disk_mount(folder, 3);
        sc_autofd dir = sc_open_dir(folder, NULL);
        ck_assert(sc_write_file(dir, "file", "old", -1, 0644, SC_WRITE_REPLACE, NULL));
        ck_assert(sc_write_symlink(dir, "old", "link", SC_WRITE_REPLACE, NULL));

        ck_assert(!sc_write_changed(dir, "file", "new", 0644, SC_WRITE_REPLACE, &error));
        ck_assert_error(error, SC_ERROR_NO_SPACE, "file");
        g_clear_error(&error);
        ck_assert(!sc_write_symlink(dir, "new", "link", SC_WRITE_REPLACE, &error));
        ck_assert_error(error, SC_ERROR_NO_SPACE, "link");
        ck_assert(sc_write_changed(dir, "file", "old", 0644, SC_WRITE_REPLACE, NULL));
        ck_assert(sc_write_symlink(dir, "old", "link", SC_WRITE_REPLACE, NULL));
        ck_assert(!sc_write_changed(dir, "file", "old", 0600, SC_WRITE_REPLACE, NULL));

        ck_assert(sc_write_changed(dir, "file", "new", 0644, SC_WRITE_MAKE_ROOM, NULL));
        ck_assert(sc_write_symlink(dir, "new", "link", SC_WRITE_MAKE_ROOM, NULL));
        g_autofree char *text = NULL, *link = g_build_filename(folder, "link", NULL), *target = g_file_read_link(link, NULL);
        gsize size;
        ck_assert(sc_read_file(dir, "file", 100, &text, &size, NULL));
        ck_assert_str_eq(text, "new");
        ck_assert_str_eq(target, "new");
        test_small_disk_unmount(folder);
        test_folder_remove(folder);
}
END_TEST

START_TEST(files_stay_beneath_and_trees_go)
{
        char *folder = test_folder_new();
        g_autoptr(GError) error = NULL;
        sc_autofd dir = sc_open_dir(folder, &error);
        ck_assert_no_error(error);
        sc_autofd deep = sc_make_dirs(dir, "a/b/c", 0755, &error);
        ck_assert_no_error(error);
        ck_assert(sc_write_file(deep, "f", "text", -1, 0640, SC_WRITE_NEW, &error));
        ck_assert(!sc_write_file(deep, "f", "other", -1, 0640, SC_WRITE_NEW, &error));
        ck_assert_error(error, SC_ERROR_EXISTS, "f");
        g_clear_error(&error);

        char *text = NULL;
        gsize size;
        ck_assert(sc_read_file(dir, "a/b/c/f", 100, &text, &size, &error));
        ck_assert_str_eq(text, "text");
        ck_assert_uint_eq(size, 4);
        g_free(text);
        ck_assert(!sc_read_file(dir, "a/b/c/f", 3, &text, &size, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "larger than 3");
        g_clear_error(&error);

        ck_assert(sc_write_symlink(dir, "a/b", "link", SC_WRITE_REPLACE, &error));
        ck_assert(!sc_read_file(dir, "link/c/f", 100, &text, &size, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "symbolic link");
        g_clear_error(&error);
        ck_assert_int_lt(sc_open_beneath(dir, "../x", O_RDONLY, 0, NULL), 0);
        ck_assert_int_lt(sc_make_dirs(dir, "link/new", 0755, NULL), 0);

        /* Removing a link leaves what it points to. */
        ck_assert(sc_remove_tree(dir, "link", &error));
        ck_assert_int_eq(sc_lstat(dir, "a/b/c/f", NULL, NULL), 1);
        ck_assert(sc_remove_tree(dir, "a", &error));
        ck_assert(sc_remove_tree(dir, "a", &error));
        ck_assert_int_eq(sc_lstat(dir, "a", NULL, NULL), 0);
        ck_assert_int_eq(mknodat(dir, "fifo", S_IFIFO | 0600, 0), 0);
        ck_assert(!sc_read_file(dir, "fifo", 100, &text, &size, NULL));
        test_folder_remove(folder);
}
END_TEST

/* As deep as a path of an image may be; and with files on every level, and two ways down. */
START_TEST(deep_trees_are_removed)
{
        char *folder = test_folder_new();
        sc_autofd dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const struct rlimit limit = {.rlim_cur = 300, .rlim_max = 300};
        g_autoptr(GError) error = NULL;
        for (unsigned way = 0; way < 2; way++) {
                sc_autofd at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                ck_assert(mkdirat(dir, "tree", 0755) == 0 || errno == EEXIST);
                for (unsigned level = 0; level < 2100; level++) {
                        const char *name = level == 0 ? "tree" : level == 150 && way == 1 ? "b" : "a";
                        ck_assert(mkdirat(at, name, 0755) == 0 || errno == EEXIST);
                        int below = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                        ck_assert_int_ge(below, 0);
                        sc_close(&at);
                        at = below;
                        sc_autofd file = openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                        ck_assert_int_ge(file, 0);
                }
        }
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert(sc_remove_tree(dir, "tree", &error));
        ck_assert_no_error(error);
        ck_assert_int_eq(sc_lstat(dir, "tree", NULL, NULL), 0);
        test_folder_remove(folder);
}
END_TEST

START_TEST(renames)
{
        char *folder = test_folder_new();
        g_autoptr(GError) error = NULL;
        sc_autofd dir = sc_open_dir(folder, &error);
        ck_assert(sc_write_file(dir, "one", "1", -1, 0600, SC_WRITE_REPLACE, NULL));
        ck_assert(sc_write_file(dir, "two", "2", -1, 0600, SC_WRITE_REPLACE, NULL));
        ck_assert(!sc_rename_new(dir, "one", "two", &error));
        ck_assert_error(error, SC_ERROR_EXISTS, "one");
        ck_assert(sc_rename_exchange(dir, "one", "two", NULL));
        g_autofree char *text = NULL;
        ck_assert(sc_read_file(dir, "one", 10, &text, NULL, NULL));
        ck_assert_str_eq(text, "2");
        test_folder_remove(folder);
}
END_TEST

START_TEST(locks_exclude)
{
        char *folder = test_folder_new();
        g_autoptr(GError) error = NULL;
        sc_autofd dir = sc_open_dir(folder, NULL);
        sc_autofd one = sc_lock_try(dir, "l", SC_LOCK_SHARED, &error);
        sc_autofd two = sc_lock_try(dir, "l", SC_LOCK_SHARED, &error);
        ck_assert_no_error(error);
        ck_assert_int_ge(two, 0);
        ck_assert_int_lt(sc_lock_try(dir, "l", SC_LOCK_EXCLUSIVE, &error), 0);
        ck_assert_error(error, SC_ERROR_BUSY, "l is in use");
        g_clear_error(&error);

        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_cancellable_cancel(cancellable);
        ck_assert_int_lt(sc_lock_wait(dir, "l", SC_LOCK_EXCLUSIVE, cancellable, &error), 0);
        ck_assert_error(error, SC_ERROR_CANCELLED, "");
        sc_close(&one);
        sc_close(&two);
        sc_autofd three = sc_lock_wait(dir, "l", SC_LOCK_EXCLUSIVE, NULL, NULL);
        ck_assert_int_ge(three, 0);
        test_folder_remove(folder);
}
END_TEST

START_TEST(json_is_bounded_and_typed)
{
        g_autoptr(GError) error = NULL;
        g_autoptr(JsonObject) object = sc_json_parse_object(
                "{\"s\":\"x\",\"n\":5,\"b\":true,\"m\":{\"k\":1,\"l\":\"v\"},\"a\":[\"p\",\"q\"],\"z\":null}", -1, 1000, "text",
                &error);
        ck_assert_no_error(error);
        const char *string;
        ck_assert(sc_json_get_string(object, "s", SC_JSON_REQUIRED, &string, NULL));
        ck_assert_str_eq(string, "x");
        ck_assert(sc_json_get_string(object, "z", SC_JSON_OPTIONAL, &string, NULL));
        ck_assert_ptr_null(string);
        ck_assert(!sc_json_get_string(object, "z", SC_JSON_REQUIRED, &string, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "'z' is missing");
        g_clear_error(&error);
        ck_assert(!sc_json_get_string(object, "n", SC_JSON_OPTIONAL, &string, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "'n' is not a string");
        g_clear_error(&error);
        g_autoptr(GHashTable) map = NULL;
        ck_assert(sc_json_get_string_map(object, "m", SC_JSON_REQUIRED, &map, NULL));
        ck_assert_str_eq(g_hash_table_lookup(map, "k"), "1");
        ck_assert_str_eq(g_hash_table_lookup(map, "l"), "v");
        g_auto(GStrv) strv = NULL;
        ck_assert(sc_json_get_strv(object, "a", SC_JSON_REQUIRED, &strv, NULL));
        ck_assert_uint_eq(g_strv_length(strv), 2);

        static const char *const bad[] = {"",     "[]",         "1",        "{",       "{\"a\":}",
                                          "{} x", "{/* \" */}", "// x\n{}", "{'a':1}", "{\"a\":\xff}"};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
                ck_assert_msg(sc_json_parse_object(bad[i], -1, 1000, "text", NULL) == NULL, "accepted: %s", bad[i]);
        g_autoptr(GString) deep = g_string_new("{\"a\":");
        for (int i = 0; i < 10000; i++)
                g_string_append(deep, "[");
        ck_assert_ptr_null(sc_json_parse_object(deep->str, -1, G_MAXSIZE, "bomb", &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "nested deeper");
        g_clear_error(&error);
        ck_assert_ptr_null(sc_json_parse_object("{\"long\":1}", -1, 5, "text", &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "larger than 5");
}
END_TEST

/* Each test has a process, and with it an environment, of its own. */
START_TEST(scopes)
{
        char *folder = test_folder_new();
        g_autofree char *home = realpath(folder, NULL);
        g_autofree char *link = g_build_filename(home, "link", NULL);
        g_autofree char *config = g_build_filename(home, "config", NULL);
        ck_assert_int_eq(symlink(home, link), 0);
        g_setenv("HOME", link, TRUE);
        g_setenv("XDG_CONFIG_HOME", config, TRUE);
        g_setenv("XDG_DATA_HOME", "relative/is/void", TRUE);
        g_unsetenv("XDG_RUNTIME_DIR");
        g_autoptr(GError) error = NULL;
        ck_assert_ptr_null(sc_scope_new(SC_SCOPE_USER, &error));
        ck_assert_error(error, SC_ERROR_FAILED, "XDG_RUNTIME_DIR");
        g_clear_error(&error);

        g_setenv("XDG_RUNTIME_DIR", "/run/user/1", TRUE);
        g_autofree char *checkout = g_build_filename(home, ".local/share/containers/atomic", NULL);
        g_autofree char *repository = g_build_filename(checkout, "repo", NULL);
        g_autofree char *units = g_build_filename(config, "systemd/user", NULL);
        g_autoptr(ScConfig) user = sc_config_load_for(SC_SCOPE_USER, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(user->checkout_path, checkout);
        ck_assert_str_eq(user->repository, repository);
        ck_assert_str_eq(user->scope->unit_dir, units);
        ck_assert_str_eq(user->scope->run_directory, "/run/user/1");

        g_autofree char *file = g_strconcat(config, "/sysconsd.conf", NULL);
        ck_assert_int_eq(g_mkdir_with_parents(config, 0700), 0);
        ck_assert(g_file_set_contents(file, "[Storage]\nRepository=/x\n", -1, NULL));
        g_autoptr(ScConfig) changed = sc_config_load_for(SC_SCOPE_USER, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(changed->repository, "/x");

        g_autoptr(ScConfig) system = sc_config_load("/nonexistent", &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(system->scope->unit_dir, "/etc/systemd/system");
        ck_assert_ptr_null(system->repository);
        const char *const arguments[] = {"start", "x y", NULL};
        g_auto(GStrv) argv = sc_scope_command(user->scope->systemctl, arguments);
        g_autofree char *line = g_strjoinv("|", argv);
        ck_assert_str_eq(line, "systemctl|--user|start|x y");
        test_folder_remove(folder);
}
END_TEST

START_TEST(configuration)
{
        char *folder = test_folder_new();
        g_autofree char *path = g_build_filename(folder, "c.conf", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScConfig) defaults = sc_config_load(path, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(defaults->checkout_path, "/var/lib/containers/atomic");
        ck_assert_uint_eq(defaults->attempts, 4);

        ck_assert(g_file_set_contents(path,
                                      "[Storage]\nCheckoutPath=/x/"
                                      "y\n[Container]\nHostFilesInHomes=yes\n[Pull]\nMaxLayerSize=3M\nInsecureRegistries=a:1 b\n",
                                      -1, NULL));
        g_autoptr(ScConfig) config = sc_config_load(path, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(config->checkout_path, "/x/y");
        ck_assert(config->files_in_homes && !defaults->files_in_homes);
        ck_assert_uint_eq(config->max_layer_size, 3 << 20);
        ck_assert_str_eq(config->insecure_registries[1], "b");

        static const char *const bad[] = {"[Storage]\nCheckoutPath=x\n",
                                          "[Pull]\nAttempts=0\n",
                                          "[Pull]\nAttempts=4x\n",
                                          "[Pull]\nMaxLayerSize=9999999999T\n",
                                          "[Container]\nRuntime=\n",
                                          "no group=1\n",
                                          "[Container]\nHostFilesInHomes=perhaps\n"};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) local = NULL;
                ck_assert(g_file_set_contents(path, bad[i], -1, NULL));
                ck_assert_msg(sc_config_load(path, &local) == NULL, "accepted: %s", bad[i]);
                ck_assert_error(local, SC_ERROR_INVALID_ARGUMENT, path);
        }
        test_folder_remove(folder);
}
END_TEST

START_TEST(image_info_round_trip)
{
        g_autoptr(ScImageInfo) info = sc_image_info_new();
        sc_digest_of("m", 1, &info->digest);
        sc_digest_of("c", 1, &info->config);
        info->config_size = 10;
        info->created = 1700000000;
        info->entrypoint = g_strdupv((char *[]){"/bin/x", NULL});
        info->source = g_strdup("registry");
        g_hash_table_insert(info->labels, g_strdup("k"), g_strdup("v"));
        ScLayerInfo *layer = sc_layer_info_new();
        layer->size = 100;
        layer->inflated_size = 300;
        sc_digest_of("l", 1, &layer->digest);
        g_ptr_array_add(info->layers, layer);

        g_autoptr(JsonObject) object = sc_image_info_to_json(info);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScImageInfo) back = sc_image_info_from_json(object, &error);
        ck_assert_no_error(error);
        g_autoptr(JsonObject) again = sc_image_info_to_json(back);
        g_autofree char *one = sc_json_to_string(object, true);
        g_autofree char *two = sc_json_to_string(again, true);
        ck_assert_str_eq(one, two);
        ck_assert_str_eq(back->entrypoint[0], "/bin/x");
        ck_assert_ptr_null(back->cmd);
        ck_assert_uint_eq(sc_image_info_size(back), 110);
        ck_assert_uint_eq(sc_image_info_virtual_size(back), 300);
        json_object_remove_member(object, "digest");
        ck_assert_ptr_null(sc_image_info_from_json(object, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "digest");
}
END_TEST

static void count_progress(gpointer data, const char *phase, guint64 done, guint64 total)
{
        guint64 *seen = data;
        seen[0]++;
        seen[1] = done;
}

#define D "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

START_TEST(homes)
{
        char *folder = test_folder_new();
        g_autofree char *link = g_build_filename(folder, "link", NULL);
        g_autofree char *loop = g_build_filename(folder, "loop", NULL);
        g_autofree char *below = g_build_filename(link, "x/y", NULL);
        g_autofree char *there = g_build_filename(folder, "x", NULL);
        /* what it leads to is not there, as in a worker that does not see it */
        ck_assert(symlink("/home/nobody-of-this-name/x", link) == 0 && symlink(loop, loop) == 0);
        ck_assert(sc_home_has("/home") && sc_home_has("/home/") && sc_home_has("/root/x") && sc_home_has("/run/user/1000/x"));
        ck_assert(!sc_home_has("/") && !sc_home_has("/homes") && !sc_home_has("/run") && !sc_home_has("/run/user2/x"));
        ck_assert(sc_home_has(link) && sc_home_has(below) && !sc_home_has(there) && !sc_home_has(loop));
        ck_assert(sc_home_is_below("/") && sc_home_is_below("/run") && sc_home_is_below("/run/"));
        ck_assert(!sc_home_is_below("/home") && !sc_home_is_below("/ro") && !sc_home_is_below("/etc"));
        test_folder_remove(folder);
}
END_TEST

START_TEST(images_are_meant_by_name_or_digest)
{
        static const struct {
                const char *text, *name;
                bool meant;
        } cases[] = {
                {"localhost:5000/hello:1", "localhost:5000/hello:1", true},
                {"localhost:5000/hello", "localhost:5000/hello:latest", true},
                {"localhost:5000/hello", "localhost:5000/hello:1", false},
                {"localhost", "localhost:5000/hello:latest", false},
                {"", "hello:latest", false},
                {D, "hello:latest", true},
                {"sha256:" ID, "hello:latest", true},
                {ID, "hello:latest", false}, /* an id is looked for by its beginning, elsewhere */
                {"localhost:5000/hello@" D, "localhost:5000/hello:1", true},
                {"localhost:5000/hello:1@" D, "localhost:5000/hello:1", true},
                {"localhost:5000/hello:2@" D, "localhost:5000/hello:1", false},
                {"localhost:5000/hello@" D, "localhost:5000/hello@" D, true},
                {"hello@" D, "localhost:5000/hello:1", false},
                {"localhost:5000/hello@sha256:" ID, "localhost:5000/hello:1", false},
                {"@" D, "hello:latest", false},
        };
        for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
                ck_assert_msg(sc_image_is_meant(cases[i].text, cases[i].name, D, ID) == cases[i].meant, "%s %s", cases[i].text,
                              cases[i].name);
        /* of an image without a known digest nothing is said */
        ck_assert(!sc_image_is_meant("hello@", "hello:latest", "", ID) && !sc_image_is_meant("", "hello:latest", "", ID));
        g_autofree char *with_port = sc_image_repository("localhost:5000/hello"), *plain = sc_image_repository("hello:1@" D);
        ck_assert_str_eq(with_port, "localhost:5000/hello");
        ck_assert_str_eq(plain, "hello");
}
END_TEST

START_TEST(tags_have_no_source)
{
        static const char *const bad[] = {"http:localhost:5000/hello", "hello@" D};
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(ScReference) reference = sc_reference_parse(bad[i], NULL);
                ck_assert(!sc_reference_is_tag(reference, &error));
                ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "without a source");
        }
        g_autoptr(ScReference) good = sc_reference_parse("localhost:5000/hello", NULL);
        ck_assert(sc_reference_is_tag(good, NULL));
}
END_TEST

START_TEST(progress_is_thinned_but_complete)
{
        guint64 seen[2] = {0};
        ScReportSink sink = {.progress = count_progress};
        g_autoptr(ScReport) report = sc_report_new(&sink, seen);
        sc_report_phase(report, "Pulling", 1000);
        for (int i = 0; i < 1000; i++)
                sc_report_advance(report, 1);
        ck_assert_uint_eq(seen[1], 1000);
        ck_assert_uint_lt(seen[0], 500);
        sc_report_advance(NULL, 1);
}
END_TEST

START_TEST(interrupted_writes_are_swept)
{
        static const char *const names[] = {".unit.service.Ab0Cd1Ef", ".unit.service.Ab0Cd1E-", ".unit.service.Ab0Cd1Efg",
                                            ".unit.Ab0Cd1Ef", "unit.service"};
        char *folder = test_folder_new();
        g_autoptr(GError) error = NULL;
        sc_autofd dir = open(folder, O_RDONLY | O_DIRECTORY);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                ck_assert(sc_write_file(dir, names[i], "", -1, 0600, SC_WRITE_NEW, &error));
        ck_assert(sc_write_sweep(dir, "unit.service", &error));
        ck_assert_no_error(error);
        for (guint i = 0; i < G_N_ELEMENTS(names); i++)
                ck_assert_int_eq(faccessat(dir, names[i], F_OK, 0), i == 0 ? -1 : 0);
        test_folder_remove(folder);
}
END_TEST

START_TEST(references_at_a_place)
{
        static const struct {
                const char *text, *name, *place, *again;
                ScSource source;
        } good[] = {
                {"ostree:app@/srv/repo", "app:latest", "/srv/repo", "ostree:app:latest@/srv/repo", SC_SOURCE_OSTREE},
                {"ostree:h.io/app:1@/a@/b", "h.io/app:1", "/a@/b", "ostree:h.io/app:1@/a@/b", SC_SOURCE_OSTREE},
                {"docker:app:1", "app:1", NULL, "docker:app:1", SC_SOURCE_ENGINE},
                {"docker-daemon:h.io/app", "h.io/app:latest", NULL, "docker:h.io/app:latest", SC_SOURCE_ENGINE},
                {"docker://h.io/app", "h.io/app:latest", NULL, "h.io/app:latest", SC_SOURCE_REGISTRY},
                {"containers-storage:app", "app:latest", NULL, "containers-storage:app:latest", SC_SOURCE_STORAGE},
        };
        static const char *const bad[] = {"ostree:app",         "ostree:app@srv",  "ostree:@/srv",    "ostree:app@/srv/../etc",
                                          "ostree:app@/srv//x", "docker:app@/srv", "ostree:app@/a\nb"};
        for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
                g_autoptr(GError) error = NULL;
                g_autoptr(ScReference) reference = sc_reference_parse(good[i].text, &error);
                ck_assert_no_error(error);
                ck_assert_str_eq(reference->name, good[i].name);
                ck_assert_pstr_eq(reference->place, good[i].place);
                ck_assert_int_eq(reference->source, good[i].source);
                g_autofree char *again = sc_reference_to_text(reference);
                ck_assert_str_eq(again, good[i].again);
        }
        for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                ck_assert_msg(sc_reference_parse(bad[i], &error) == NULL, "%s", bad[i]);
                ck_assert_error(error, SC_ERROR_INVALID_REFERENCE, "");
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("base");
        TCase *tcase = tcase_create("base");
        tcase_add_test(tcase, references_at_a_place);
        tcase_add_test(tcase, error_words_round_trip);
        tcase_add_test(tcase, errors_are_translated_and_prefixed);
        tcase_add_test(tcase, interrupted_writes_are_swept);
        tcase_add_test(tcase, references_are_split);
        tcase_add_test(tcase, bad_references_are_refused);
        tcase_add_test(tcase, files_are_sources_of_pulls_only);
        tcase_add_test(tcase, loopback_is_told_by_the_text_alone);
        tcase_add_test(tcase, refs_encode_as_atomic_did);
        tcase_add_test(tcase, container_names);
        tcase_add_test(tcase, digests);
        tcase_add_test(tcase, paths);
        tcase_add_test(tcase, a_full_disk);
        tcase_add_test(tcase, files_stay_beneath_and_trees_go);
        tcase_add_test(tcase, deep_trees_are_removed);
        tcase_add_test(tcase, renames);
        tcase_add_test(tcase, locks_exclude);
        tcase_add_test(tcase, json_is_bounded_and_typed);
        tcase_add_test(tcase, scopes);
        tcase_add_test(tcase, configuration);
        tcase_add_test(tcase, homes);
        tcase_add_test(tcase, image_info_round_trip);
        tcase_add_test(tcase, images_are_meant_by_name_or_digest);
        tcase_add_test(tcase, tags_have_no_source);
        tcase_add_test(tcase, progress_is_thinned_but_complete);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
