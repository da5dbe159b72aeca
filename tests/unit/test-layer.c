/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "store/layer.h"
#include "store.h"
#include "store/object.h"
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>

static char *ostree_id(const ScObjectMeta *meta, const void *data, gsize size)
{
        g_autoptr(GFileInfo) info = g_file_info_new();
        g_autoptr(GInputStream) input = NULL;
        g_autofree guchar *checksum = NULL;
        g_autoptr(GError) error = NULL;

        g_file_info_set_attribute_uint32(info, "unix::uid", meta->uid);
        g_file_info_set_attribute_uint32(info, "unix::gid", meta->gid);
        g_file_info_set_attribute_uint32(info, "unix::mode", meta->mode);
        if (S_ISLNK(meta->mode)) {
                g_file_info_set_file_type(info, G_FILE_TYPE_SYMBOLIC_LINK);
                g_file_info_set_is_symlink(info, TRUE);
                g_file_info_set_symlink_target(info, meta->target);
        } else {
                g_file_info_set_file_type(info, G_FILE_TYPE_REGULAR);
                g_file_info_set_size(info, (goffset)size);
                input = g_memory_input_stream_new_from_data(data, (gssize)size, NULL);
        }
        ostree_checksum_file_from_input(info, meta->xattrs, input, OSTREE_OBJECT_TYPE_FILE, &checksum, NULL, &error);
        ck_assert_no_error(error);
        return ostree_checksum_from_bytes(checksum);
}

static void assert_same_id(const ScObjectMeta *meta, const char *text)
{
        g_autofree char *ours = object_id(meta, text, strlen(text)), *theirs = ostree_id(meta, text, strlen(text));

        ck_assert_str_eq(ours, theirs);
}

START_TEST(test_object_ids)
{
        static const ScObjectMeta plain[] = {
                {.mode = S_IFREG | 0644},
                {.mode = S_IFREG | 04755, .uid = 0x01020304, .gid = 0xfffffffe},
                {.mode = S_IFREG | 02000, .uid = 1000},
        };

        for (guint i = 0; i < G_N_ELEMENTS(plain); i++) {
                assert_same_id(&plain[i], "");
                assert_same_id(&plain[i], "some content");
        }
        /* The size of the header's framing offset changes on the way; 4095 is the longest target there is. */
        for (guint size = 1; size < 4096; size += size < 300 ? 1 : 379) {
                g_autofree char *target = g_strnfill(size, 'a');
                const ScObjectMeta symlink = {.mode = S_IFLNK | 0777, .uid = 5, .gid = 6, .target = target};
                assert_same_id(&symlink, "");
        }
}
END_TEST

START_TEST(test_object_ids_with_xattrs)
{
        for (guint size = 0; size < 3000; size += 1 + size / 4) {
                g_autofree char *value = g_strnfill(size, 'v');
                ScXattrs *xattrs = sc_xattrs_new(S_IFREG);
                sc_xattrs_add(xattrs, "user.b", value, size);
                sc_xattrs_add(xattrs, "security.capability", "\0\1\2", 3);
                sc_xattrs_add(xattrs, "user.a", "", 0);
                g_autoptr(GVariant) variant = sc_xattrs_end(xattrs);
                const ScObjectMeta meta = {.mode = S_IFREG | 0600, .xattrs = variant};
                ck_assert_uint_eq(g_variant_n_children(variant), 3);
                assert_same_id(&meta, "content");
        }
}
END_TEST

START_TEST(test_xattrs_left_out)
{
        ScXattrs *xattrs = sc_xattrs_new(S_IFREG | 0644);
        const char *name, *value;

        sc_xattrs_add(xattrs, "security.selinux", "x", 1);
        sc_xattrs_add(xattrs, "system.posix_acl_access", "x", 1);
        sc_xattrs_add(xattrs, "strange", "x", 1);
        sc_xattrs_add(xattrs, "user.a", "first", 6);
        sc_xattrs_add(xattrs, "user.a", "second", 7);
        g_autoptr(GVariant) variant = sc_xattrs_end(xattrs);
        ck_assert_uint_eq(g_variant_n_children(variant), 1);
        g_variant_get_child(variant, 0, "(^&ay^&ay)", &name, &value);
        ck_assert_str_eq(name, "user.a");
        ck_assert_str_eq(value, "second");

        xattrs = sc_xattrs_new(S_IFLNK | 0777);
        sc_xattrs_add(xattrs, "user.a", "x", 1);
        ck_assert_ptr_null(sc_xattrs_end(xattrs));
}
END_TEST

static char *root_checksums(GFile *root)
{
        g_autoptr(GError) error = NULL;

        ck_assert(ostree_repo_file_ensure_resolved(OSTREE_REPO_FILE(root), &error));
        return g_strconcat(ostree_repo_file_tree_get_contents_checksum(OSTREE_REPO_FILE(root)), " ",
                           ostree_repo_file_tree_get_metadata_checksum(OSTREE_REPO_FILE(root)), NULL);
}

START_TEST(test_same_as_libostree)
{
        g_autoptr(Store) store = store_new(), other = store_new();
        g_autoptr(GBytes) tar = ordinary_tar();
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScImport) import = import_new(store);

        import_layer(import, layer, tar, &error);
        ck_assert_no_error(error);
        store_check(store);
        g_autoptr(GFile) root = layer_root(store, layer);
        g_autofree char *ours = root_checksums(root), *theirs = libostree_commit(other, tar);
        ck_assert_str_eq(ours, theirs);
}
END_TEST

START_TEST(test_metadata)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScLayerInfo) layer = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) commit = NULL, metadata = NULL;
        g_autofree char *ref = NULL, *checksum = NULL, *diff_id = NULL;
        const char *text;

        ScLayerInfo missing = {.digest = {{1}}}, known = {.size = 0};
        ck_assert(!sc_layer_know_sizes(store->repository, &missing, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "no ref");
        g_clear_error(&error);
        ck_assert(!sc_layer_exists(store->repository, &missing.digest, &error));
        ck_assert_no_error(error);

        Tar *tar = tar_new();
        tar_file(tar, "a", 0644, "content");
        layer = store_add_layer(store, tar);
        ck_assert(sc_layer_exists(store->repository, &layer->digest, &error));
        known.digest = layer->digest;
        ck_assert(sc_layer_know_sizes(store->repository, &known, &error));
        ck_assert_uint_eq(known.size, layer->size);
        ck_assert_uint_eq(known.inflated_size, layer->size);
        ref = layer_ref(layer);
        checksum = sc_repository_resolve(store->repository, ref, &error);
        ck_assert_no_error(error);
        ck_assert(ostree_repo_load_commit(sc_repository_ostree(store->repository), checksum, &commit, NULL, &error));
        metadata = g_variant_get_child_value(commit, 0);
        diff_id = sc_digest_to_string(&layer->diff_id);
        ck_assert(g_variant_lookup(metadata, "docker.uncompressed_digest", "&s", &text));
        ck_assert_str_eq(text, diff_id);
        ck_assert(g_variant_lookup(metadata, "docker.size", "&s", &text));
        ck_assert_uint_eq(g_ascii_strtoull(text, NULL, 10), layer->size);
}
END_TEST

START_TEST(test_config)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);
        g_autoptr(GError) error = NULL;
        ScLayerInfo as_layer = {0};

        sc_digest_of("{\"a\":1}", 7, &as_layer.digest);
        ck_assert(sc_import_config(import, &as_layer.digest, "{\"a\":1}", 7, &error));
        ck_assert(sc_layer_exists(store->repository, &as_layer.digest, &error));
        g_autoptr(GFile) root = layer_root(store, &as_layer);
        g_autofree char *content = file_content(root, "content");
        ck_assert_str_eq(content, "{\"a\":1}");
        store_check(store);
}
END_TEST

START_TEST(test_last_entry_wins)
{
        g_autoptr(Store) store = store_new();
        Tar *tar = tar_new();

        tar_file(tar, "twice", 0644, "first");
        tar_file(tar, "twice", 0600, "second");
        tar_folder(tar, "folder-then-file", 0700);
        tar_file(tar, "folder-then-file/inside", 0644, "lost");
        tar_file(tar, "folder-then-file", 0644, "a file");
        tar_file(tar, "file-then-folder", 0644, "lost");
        tar_folder(tar, "file-then-folder", 0711);
        tar_file(tar, "file-then-folder/inside", 0644, "kept");
        tar_folder(tar, "again", 0700);
        tar_file(tar, "again/inside", 0644, "kept");
        tar_folder(tar, "again", 0750);
        tar_file(tar, "self", 0644, "self");
        tar_hardlink(tar, "self", "self");
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);

        g_autoptr(GFile) root = layer_root(store, layer);
        g_autofree char *twice = file_content(root, "twice"), *file = file_content(root, "folder-then-file");
        ck_assert_str_eq(twice, "second");
        ck_assert_str_eq(file, "a file");
        ck_assert_uint_eq(file_mode(root, "file-then-folder"), S_IFDIR | 0711);
        ck_assert_uint_eq(file_mode(root, "file-then-folder/inside"), S_IFREG | 0644);
        ck_assert_uint_eq(file_mode(root, "again"), S_IFDIR | 0750);
        ck_assert_uint_eq(file_mode(root, "again/inside"), S_IFREG | 0644);
        ck_assert_uint_eq(file_mode(root, "self"), S_IFREG | 0644);
        store_check(store);
}
END_TEST

START_TEST(test_paths_are_normalised)
{
        g_autoptr(Store) store = store_new();
        Tar *tar = tar_new();

        tar_folder(tar, "./", 0711);
        tar_file(tar, "/absolute", 0644, "1");
        tar_file(tar, "./dotted", 0644, "2");
        tar_file(tar, "a//b/./c", 0644, "3");
        tar_hardlink(tar, "link", "/a/b/c");
        tar_file(tar, "with\001control\tbytes", 0644, "4");
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);

        g_autoptr(GFile) root = layer_root(store, layer);
        ck_assert_uint_eq(file_mode(root, "."), S_IFDIR | 0711);
        ck_assert_uint_eq(file_mode(root, "absolute"), S_IFREG | 0644);
        ck_assert_uint_eq(file_mode(root, "dotted"), S_IFREG | 0644);
        ck_assert_uint_eq(file_mode(root, "a"), S_IFDIR | 0755);
        ck_assert(same_object(root, "a/b/c", "link"));
        ck_assert_uint_eq(file_mode(root, "with\001control\tbytes"), S_IFREG | 0644);
        store_check(store);
}
END_TEST

START_TEST(test_what_is_left_out)
{
        g_autoptr(Store) store = store_new();
        Tar *tar = tar_new();
        const guint types[] = {AE_IFCHR, AE_IFBLK, AE_IFIFO};

        for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
                g_autofree char *path = g_strdup_printf("dev/node%u", i);
                struct archive_entry *entry = tar_entry(path, types[i], 0666);
                archive_entry_set_rdevmajor(entry, 1);
                archive_entry_set_rdevminor(entry, 3);
                tar_add(tar, entry, NULL, 0);
        }
        tar_hardlink(tar, "dev/link", "dev/node0");
        tar_file(tar, ".wh.whiteout", 0, "");
        tar_file(tar, "dev/.wh..wh..opq", 0, "");
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);

        g_autoptr(GFile) root = layer_root(store, layer);
        for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
                g_autofree char *path = g_strdup_printf("dev/node%u", i);
                g_autoptr(GFileInfo) info = file_info(root, path);
                ck_assert_ptr_null(info);
        }
        g_autoptr(GFileInfo) link = file_info(root, "dev/link");
        ck_assert_ptr_null(link);
        ck_assert_uint_eq(file_mode(root, ".wh.whiteout"), S_IFREG);
        ck_assert_uint_eq(file_mode(root, "dev/.wh..wh..opq"), S_IFREG);
}
END_TEST

/* A capability as setcap writes it: version 2, effective, cap_net_bind_service. */
static const guint8 capability[] = {0x01, 0, 0, 0x02, 0, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

START_TEST(test_xattrs)
{
        g_autoptr(Store) store = store_new();
        Tar *tar = tar_new();
        struct archive_entry *entry = tar_entry("ping", AE_IFREG, 0755);
        guint8 value[64];

        archive_entry_set_uid(entry, 12);
        archive_entry_xattr_add_entry(entry, "security.capability", capability, sizeof capability);
        archive_entry_xattr_add_entry(entry, "user.note", "a\0b", 3);
        archive_entry_xattr_add_entry(entry, "security.selinux", "label", 6);
        archive_entry_xattr_add_entry(entry, "security.ima", "signed", 6);
        archive_entry_xattr_add_entry(entry, "trusted.overlay.opaque", "y", 1);
        tar_add(tar, entry, "ping", 4);
        entry = tar_entry("folder", AE_IFDIR, 0755);
        archive_entry_xattr_add_entry(entry, "user.folder", "yes", 3);
        tar_add(tar, entry, NULL, 0);
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);
        store_check(store);

        g_autoptr(GFile) root = layer_root(store, layer);
        g_autofree char *object = object_path(store, root, "ping");
        ck_assert_int_eq(getxattr(object, "security.capability", value, sizeof value), sizeof capability);
        ck_assert(memcmp(value, capability, sizeof capability) == 0);
        ck_assert_int_eq(getxattr(object, "user.note", value, sizeof value), 3);
        static const char *const left_out[] = {"security.selinux", "security.ima", "trusted.overlay.opaque"};
        for (guint i = 0; i < G_N_ELEMENTS(left_out); i++)
                ck_assert_msg(getxattr(object, left_out[i], value, sizeof value) < 0, "%s was kept", left_out[i]);

        g_autoptr(GPtrArray) layers = g_ptr_array_new();
        g_autoptr(GError) error = NULL;
        g_ptr_array_add(layers, layer);
        g_autoptr(ScTree) tree = sc_tree_merge(store->repository, layers, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_nonnull(sc_node_child(sc_tree_root(tree), "folder")->meta.xattrs);
}
END_TEST

/* Larger than what is held in memory, with and without a twin. */
START_TEST(test_large_files)
{
        enum { SIZE = 20 * 1024 * 1024 + 7 };
        g_autoptr(Store) store = store_new();
        g_autofree char *data = g_malloc(SIZE);
        Tar *tar = tar_new();

        for (guint i = 0; i < SIZE; i++)
                data[i] = (char)(i * 7 + i / 4096);
        for (int i = 0; i < 3; i++) {
                g_autofree char *path = g_strdup_printf("large%d", i);
                struct archive_entry *entry = tar_entry(path, AE_IFREG, 0750);
                archive_entry_set_uid(entry, 9);
                data[0] = i == 2;
                tar_add(tar, entry, data, SIZE);
        }
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);
        g_autoptr(GFile) root = layer_root(store, layer);
        ck_assert(same_object(root, "large0", "large1"));
        ck_assert(!same_object(root, "large0", "large2"));
        const ScObjectMeta meta = {.uid = 9, .mode = S_IFREG | 0750};
        g_autofree char *id = object_id(&meta, data, SIZE);
        g_autofree char *found = file_checksum(root, "large2");
        ck_assert_str_eq(found, id);
        store_check(store);
        g_autoptr(GPtrArray) left = store_staging_folders(store);
        ck_assert_uint_eq(left->len, 0);
}
END_TEST

START_TEST(test_sparse_files)
{
        const guint64 sizes[] = {65536, 30 * 1024 * 1024};
        g_autoptr(Store) store = store_new();
        Tar *tar = tar_new();

        sparse_file(tar, "small", sizes[0]);
        sparse_file(tar, "large", sizes[1]);
        /* The tar is smaller than what it holds. */
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);
        ck_assert_uint_lt(layer->size, 100000);
        g_autoptr(GFile) root = layer_root(store, layer);
        for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
                g_autofree char *data = g_malloc0(sizes[i]);
                const ScObjectMeta meta = {.mode = S_IFREG | 0644};
                memset(data + 8192, 'x', 4096);
                memset(data + sizes[i] / 2, 'y', 100);
                g_autofree char *id = object_id(&meta, data, sizes[i]);
                g_autofree char *found = file_checksum(root, i == 0 ? "small" : "large");
                ck_assert_str_eq(found, id);
        }
        store_check(store);
}
END_TEST

typedef void (*Fill)(Tar *tar);

static void fill_dotdot(Tar *tar)
{
        tar_file(tar, "a/../../etc/passwd", 0644, "evil");
}

static void fill_dotdot_link(Tar *tar)
{
        tar_file(tar, "a", 0644, "a");
        tar_hardlink(tar, "b", "../a");
}

static void fill_below_symlink(Tar *tar)
{
        tar_symlink(tar, "etc", "/etc");
        tar_file(tar, "etc/passwd", 0644, "evil");
}

static void fill_below_file(Tar *tar)
{
        tar_file(tar, "etc", 0644, "a file");
        tar_folder(tar, "etc/sub", 0755);
}

static void fill_missing_target(Tar *tar)
{
        tar_hardlink(tar, "b", "etc/shadow");
}

static void fill_folder_target(Tar *tar)
{
        tar_folder(tar, "a", 0755);
        tar_hardlink(tar, "b", "a");
}

static void fill_long_name(Tar *tar)
{
        g_autofree char *name = g_strnfill(256, 'n');
        tar_file(tar, name, 0644, "x");
}

static void fill_long_path(Tar *tar)
{
        g_autoptr(GString) path = g_string_new("p");
        while (path->len < 4096)
                g_string_append(path, "/0123456789");
        tar_file(tar, path->str, 0644, "x");
}

static void fill_root_file(Tar *tar)
{
        tar_file(tar, ".", 0644, "x");
}

static void fill_root_symlink(Tar *tar)
{
        tar_symlink(tar, ".", "/etc");
}

static void fill_large_owner(Tar *tar)
{
        struct archive_entry *entry = tar_entry("owned", AE_IFREG, 0644);
        archive_entry_set_uid(entry, 0x100000001);
        tar_add(tar, entry, "x", 1);
}

static void fill_no_owner(Tar *tar)
{
        struct archive_entry *entry = tar_entry("owned", AE_IFREG, 0644);
        archive_entry_set_gid(entry, 0xffffffff);
        tar_add(tar, entry, "x", 1);
}

/* A block of a tar that libarchive would not write; link: the target of a symlink, as much of it as there is room for; the whole
 * may come in a pax attribute before it, which libarchive passes over where the header has no target at all. */
static void raw_block(Tar *tar, const char *name, char type, const char *link, const void *data, gsize size)
{
        guint8 header[512] = {0}, padding[512] = {0};
        guint sum = 0;

        (void)g_strlcpy((char *)header, name, 100);
        memcpy(header + 100, "0000644\0000000000\0000000000", 23);
        (void)g_snprintf((char *)header + 124, 12, "%011o", (guint)size);
        memcpy(header + 136, "00000000000\0        ", 20);
        header[156] = (guint8)type;
        (void)g_strlcpy((char *)header + 157, link, 100);
        memcpy(header + 257, "ustar\00000", 8);
        for (guint i = 0; i < sizeof header; i++)
                sum += header[i];
        (void)g_snprintf((char *)header + 148, 8, "%06o", sum);
        g_byte_array_append(tar->bytes, header, sizeof header);
        g_byte_array_append(tar->bytes, data, (guint)size);
        g_byte_array_append(tar->bytes, padding, (guint)(-size % 512));
}

static void raw_entry(Tar *tar, const char *name, char type, const void *data, gsize size)
{
        raw_block(tar, name, type, "", data, size);
}

static void raw_symlink(Tar *tar, const char *link)
{
        raw_block(tar, "link", '2', link, "", 0);
}

static void append_pax_record(GByteArray *records, const char *key, const void *value, gsize size)
{
        gsize length = strlen(key) + size + 4;

        /* The number counts its own digits. */
        for (gsize limit = 10; length >= limit; limit *= 10)
                length++;
        g_autofree char *start = g_strdup_printf("%" G_GSIZE_FORMAT " %s=", length, key);
        g_byte_array_append(records, (const guint8 *)start, (guint)strlen(start));
        g_byte_array_append(records, value, (guint)size);
        g_byte_array_append(records, (const guint8 *)"\n", 1);
}

/* A pax attribute for the entry behind it. */
static void raw_pax(Tar *tar, const char *key, const void *value, gsize size)
{
        g_autoptr(GByteArray) records = g_byte_array_new();

        append_pax_record(records, key, value, size);
        raw_entry(tar, "pax", 'x', records->data, records->len);
}

/* Several of them: keys and values in turn, NULL at the end. */
static void raw_pax_strings(Tar *tar, const char *const *strings)
{
        g_autoptr(GByteArray) records = g_byte_array_new();

        for (; *strings != NULL; strings += 2)
                append_pax_record(records, strings[0], strings[1], strlen(strings[1]));
        raw_entry(tar, "pax", 'x', records->data, records->len);
}

static void fill_not_utf8(Tar *tar)
{
        raw_entry(tar, "latin-\xe4", '0', "x", 1);
}

static void fill_pax_not_utf8(Tar *tar)
{
        raw_pax(tar, "path", "latin-\xe4", 7);
        raw_entry(tar, "short", '0', "x", 1);
}

static void fill_pax_binary(Tar *tar)
{
        raw_pax(tar, "hdrcharset", "BINARY", 6);
        raw_entry(tar, "latin-\xe4", '0', "x", 1);
}

static void fill_pax_malformed(Tar *tar)
{
        raw_entry(tar, "pax", 'x', "99 mtime=1\n", 11);
        raw_entry(tar, "file", '0', "x", 1);
}

static void fill_pax_negative_size(Tar *tar)
{
        raw_pax(tar, "size", "-5", 2);
        raw_entry(tar, "file", '0', "x", 1);
}

static void fill_pax_xattr(Tar *tar)
{
        g_autofree char *value = g_strnfill(70000, 'v');
        raw_pax(tar, "SCHILY.xattr.user.note", value, 70000);
        raw_entry(tar, "file", '0', "x", 1);
}

static void fill_pax_huge(Tar *tar)
{
        g_autofree char *value = g_strnfill(2u << 20, 'v');
        raw_pax(tar, "comment", value, 2u << 20);
        raw_entry(tar, "file", '0', "x", 1);
}

static void fill_pax_chain(Tar *tar)
{
        for (guint i = 0; i < 5000; i++)
                raw_pax(tar, "mtime", "1", 1);
        raw_entry(tar, "file", '0', "x", 1);
}

/* The map of a sparse file of format 1.0 stands in front of its content; libarchive reads it whole. */
static void fill_sparse_map(Tar *tar)
{
        enum { HOLES = 3000000 };
        g_autoptr(GString) map = g_string_new(NULL);

        g_string_append_printf(map, "%d\n", HOLES);
        for (guint i = 0; i < HOLES; i++)
                g_string_append(map, "0\n0\n");
        raw_pax_strings(tar, (const char *const[]){"GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.name", "sparse",
                                                   "GNU.sparse.realsize", "1000", NULL});
        raw_entry(tar, "file", '0', map->str, map->len);
}

/* Data outside the file. */
static void fill_sparse_outside(Tar *tar)
{
        raw_pax_strings(
                tar, (const char *const[]){"GNU.sparse.size", "10", "GNU.sparse.numblocks", "1", "GNU.sparse.map", "1000,5", NULL});
        raw_entry(tar, "file", '0', "xxxxx", 5);
}

static void fill_pax_symlink_loop(Tar *tar)
{
        tar_symlink(tar, "a", "b");
        tar_symlink(tar, "b", "a");
        tar_file(tar, "a/x", 0644, "evil");
}

static void fill_link_through_symlink(Tar *tar)
{
        tar_symlink(tar, "etc", "/etc");
        tar_hardlink(tar, "b", "etc/shadow");
}

static void fill_through_hardlink(Tar *tar)
{
        tar_symlink(tar, "out", "/etc");
        tar_hardlink(tar, "same", "out");
        tar_file(tar, "same/evil", 0644, "evil");
}

static void fill_below_device(Tar *tar)
{
        raw_entry(tar, "dev", '3', "", 0);
        tar_file(tar, "dev/evil", 0644, "evil");
}

static void fill_link_out(Tar *tar)
{
        tar_hardlink(tar, "evil", "/etc/shadow");
}

static void fill_long_target(Tar *tar)
{
        g_autofree char *target = g_strnfill(4096, 't');
        raw_pax(tar, "linkpath", target, 4096);
        raw_symlink(tar, "ttt");
}

static void fill_empty_target(Tar *tar)
{
        raw_symlink(tar, "");
}

static void fill_target_binary(Tar *tar)
{
        raw_pax_strings(tar, (const char *const[]){"hdrcharset", "BINARY", "linkpath", "latin-\xe4", NULL});
        raw_symlink(tar, "latin");
}

static void fill_negative_owner(Tar *tar)
{
        raw_pax(tar, "uid", "-1", 2);
        raw_entry(tar, "owned", '0', "x", 1);
}

static void fill_target_not_utf8(Tar *tar)
{
        raw_pax(tar, "linkpath", "latin-\xe4", 7);
        raw_symlink(tar, "latin");
}

static const struct {
        Fill fill;
        const char *message;
} hostile[] = {
        {fill_dotdot, "a/../../etc/passwd has '..'"},
        {fill_dotdot_link, "../a has '..'"},
        {fill_below_symlink, "etc/passwd lies below the symlink"},
        {fill_below_file, "etc/sub lies below the file"},
        {fill_missing_target, "b is a hardlink to what the layer does not hold: etc/shadow"},
        {fill_folder_target, "b is a hardlink to the folder a"},
        {fill_long_name, "more than 255 bytes"},
        {fill_long_path, "more than 4095 bytes"},
        {fill_root_file, "root is not a folder"},
        {fill_root_symlink, "root is not a folder"},
        {fill_large_owner, "owned has an owner"},
        {fill_no_owner, "owned has an owner"},
        {fill_not_utf8, "latin-\\344 has a name that is not UTF-8"},
        {fill_pax_not_utf8, "Pathname can't be converted"},
        {fill_pax_binary, "latin-\\344 has a name that is not UTF-8"},
        {fill_pax_malformed, "malformed"},
        {fill_pax_negative_size, "negative"},
        {fill_target_not_utf8, "Linkname can't be converted"},
        {fill_pax_xattr, "file has more than 65536 bytes of extended attributes"},
        {fill_pax_huge, "tar is damaged"},
        {fill_pax_chain, "tar is damaged"},
        {fill_sparse_map, "headers of more than"},
        {fill_sparse_outside, "has data outside its size"},
        {fill_pax_symlink_loop, "a/x lies below the symlink"},
        {fill_through_hardlink, "same/evil lies below the symlink"},
        {fill_below_device, "dev/evil lies below"},
        {fill_link_out, "evil is a hardlink to what the layer does not hold: etc/shadow"},
        {fill_long_target, "link is a symlink whose target is empty, too long"},
        {fill_empty_target, "link is a symlink whose target is empty"},
        {fill_target_binary, "link is a symlink whose target is empty, too long or not UTF-8"},
        {fill_negative_owner, "owned has an owner"},
        {fill_link_through_symlink, "b is a hardlink to what the layer does not hold: etc/shadow"},
};

START_TEST(test_hostile)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);
        Tar *tar = tar_new();
        g_autoptr(GError) error = NULL;

        tar_file(tar, "good", 0644, "good");
        hostile[_i].fill(tar);
        g_autoptr(GBytes) bytes = tar_end(tar);
        g_autoptr(ScLayerInfo) layer = layer_info(bytes);
        ck_assert(!import_layer(import, layer, bytes, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, hostile[_i].message);
        g_clear_error(&error);
        ck_assert(!sc_layer_exists(store->repository, &layer->digest, &error));
        ck_assert_no_error(error);
        store_check(store);
}
END_TEST

START_TEST(test_wrong_diff_id)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);
        g_autoptr(GBytes) tar = ordinary_tar();
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        g_autoptr(GError) error = NULL;

        layer->diff_id.bytes[3] ^= 1;
        ck_assert(!import_layer(import, layer, tar, &error));
        ck_assert_error(error, SC_ERROR_VERIFY_FAILED, "configuration says");
        g_clear_error(&error);
        ck_assert(!sc_layer_exists(store->repository, &layer->digest, &error));
        ck_assert_no_error(error);

        layer->diff_id.bytes[3] ^= 1;
        import_layer(import, layer, tar, &error);
        ck_assert_no_error(error);
        ck_assert(sc_layer_exists(store->repository, &layer->digest, &error));
        store_check(store);
}
END_TEST

START_TEST(test_damaged)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);
        g_autoptr(GBytes) tar = ordinary_tar();
        g_autofree guint8 *data = g_memdup2(g_bytes_get_data(tar, NULL), g_bytes_get_size(tar));
        g_autoptr(GError) error = NULL;

        /* Cut in the middle of the first file's content, and a header with a wrong checksum. */
        for (int i = 0; i < 2; i++) {
                if (i == 1)
                        data[512] ^= 1;
                g_autoptr(GBytes) broken = g_bytes_new(data, i == 0 ? 4 * 512 + 5 : g_bytes_get_size(tar));
                g_autoptr(ScLayerInfo) layer = layer_info(broken);
                ck_assert_msg(!import_layer(import, layer, broken, &error), "variant %d", i);
                ck_assert_error(error, SC_ERROR_CORRUPT, "tar is damaged");
                g_clear_error(&error);
        }
        g_autoptr(GBytes) no_tar = g_bytes_new_static("this is no tar at all, but long enough to look at, is it not?", 60);
        g_autoptr(ScLayerInfo) layer = layer_info(no_tar);
        ck_assert(!import_layer(import, layer, no_tar, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "no tar");
}
END_TEST

START_TEST(test_limits)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GBytes) tar = ordinary_tar();
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        const ScImportLimits few = {.max_layer_size = 1u << 30, .max_entries = 5}, small = {.max_layer_size = 9000};
        g_autoptr(GError) error = NULL;

        g_autoptr(ScImport) import = sc_import_new(store->repository, &few, &error);
        ck_assert(!import_layer(import, layer, tar, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "more than 5 entries");
        g_clear_error(&error);
        g_autoptr(ScImport) other = sc_import_new(store->repository, &small, &error);
        ck_assert(!import_layer(other, layer, tar, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "MaxLayerSize=");
        g_clear_error(&error);

        /* Folders that a path names without an entry cost as much as others. */
        const ScImportLimits little = {.max_layer_size = 1u << 30, .max_memory = 1u << 20};
        g_autoptr(ScImport) fourth = sc_import_new(store->repository, &little, &error);
        Tar *deep = tar_new();
        for (guint i = 0; i < 3; i++) {
                g_autoptr(GString) path = g_string_new(NULL);
                g_string_printf(path, "%u", i);
                while (path->len < 4000)
                        g_string_append(path, "/a");
                tar_file(deep, path->str, 0644, "x");
        }
        g_autoptr(GBytes) deep_bytes = tar_end(deep);
        g_autoptr(ScLayerInfo) deep_layer = layer_info(deep_bytes);
        ck_assert(!import_layer(fourth, deep_layer, deep_bytes, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "too much memory");
        g_clear_error(&error);

        /* So do attributes, of folders: those of files are written at once. */
        g_autoptr(ScImport) fifth = sc_import_new(store->repository, &little, &error);
        g_autofree char *note = g_strnfill(3000, 'n');
        Tar *noted = tar_new();
        for (guint i = 0; i < 400; i++) {
                g_autofree char *path = g_strdup_printf("noted%u", i);
                struct archive_entry *noted_entry = tar_entry(path, AE_IFDIR, 0755);
                archive_entry_xattr_add_entry(noted_entry, "user.note", note, 3000);
                tar_add(noted, noted_entry, NULL, 0);
        }
        g_autoptr(GBytes) noted_bytes = tar_end(noted);
        g_autoptr(ScLayerInfo) noted_layer = layer_info(noted_bytes);
        ck_assert(!import_layer(fifth, noted_layer, noted_bytes, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "too much memory");
        g_clear_error(&error);

        /* What is said to be too large is not even looked at. */
        ScLayerInfo said = {.digest = layer->digest, .size = (1u << 30) + 1};
        LayerSource source = {0};
        guint64 inflated;
        ck_assert(!sc_import_layer(import, &said, layer_source_read, &source, &inflated, NULL, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "1073741825 bytes; MaxLayerSize=");
        g_clear_error(&error);

        /* A hole of a terabyte: small to inflate, long to hash. */
        Tar *sparse = tar_new();
        struct archive_entry *entry = tar_entry("hole", AE_IFREG, 0644);
        archive_entry_set_size(entry, (la_int64_t)1 << 40);
        archive_entry_sparse_add_entry(entry, 0, 1);
        ck_assert_int_eq(archive_write_header(sparse->archive, entry), ARCHIVE_OK);
        archive_entry_free(entry);
        ck_assert_int_eq(archive_write_data(sparse->archive, "x", 1), 1);
        g_autoptr(GBytes) bytes = tar_end(sparse);
        g_autoptr(ScLayerInfo) sparse_layer = layer_info(bytes);
        g_autoptr(ScImport) third = import_new(store);
        ck_assert(!import_layer(third, sparse_layer, bytes, &error));
        ck_assert_error(error, SC_ERROR_INVALID_ARGUMENT, "MaxLayerSize=");
}
END_TEST

START_TEST(test_cancelled)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(ScImport) import = import_new(store);
        g_autoptr(GBytes) tar = ordinary_tar();
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GError) error = NULL;
        LayerSource source = {.data = g_bytes_get_data(tar, NULL), .size = g_bytes_get_size(tar), .chunk = 100};
        guint64 inflated;

        g_cancellable_cancel(cancellable);
        ck_assert(!sc_import_layer(import, layer, layer_source_read, &source, &inflated, cancellable, &error));
        ck_assert_error(error, SC_ERROR_CANCELLED, "ancel");
}
END_TEST

/* What a power cut makes of an object that somebody did not sync. */
START_TEST(test_damaged_object_is_replaced)
{
        g_autoptr(Store) store = store_new();
        const ScObjectMeta meta = {.mode = S_IFREG | 0644};
        g_autofree char *id = object_id(&meta, "content", 7);
        g_autofree char *folder = g_strdup_printf("%s/objects/%.2s", sc_repository_path(store->repository), id);
        g_autofree char *path = g_strdup_printf("%s/%s.file", folder, id + 2);
        Tar *tar = tar_new();

        ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
        ck_assert(g_file_set_contents(path, "", 0, NULL));
        tar_file(tar, "a", 0644, "content");
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);
        store_check(store);
        g_autoptr(GFile) root = layer_root(store, layer);
        g_autofree char *content = file_content(root, "a");
        ck_assert_str_eq(content, "content");
}
END_TEST

START_TEST(test_present_object_stays)
{
        g_autoptr(Store) store = store_new();
        Tar *tar = tar_new();

        tar_file(tar, "a", 0644, "content");
        g_autoptr(ScLayerInfo) layer = store_add_layer(store, tar);
        g_autoptr(GFile) root = layer_root(store, layer);
        g_autofree char *object = object_path(store, root, "a");
        ino_t before = inode(object);
        tar = tar_new();
        tar_file(tar, "b", 0644, "content");
        g_autoptr(ScLayerInfo) other = store_add_layer(store, tar);
        ck_assert_uint_eq(inode(object), before);
        g_autoptr(GFile) other_root = layer_root(store, other);
        g_autofree char *same = object_path(store, other_root, "b");
        ck_assert_str_eq(same, object);
        store_check(store);
}
END_TEST

START_TEST(test_reserved_space)
{
        g_autoptr(Store) store = store_new();
        OstreeRepo *ostree = sc_repository_ostree(store->repository);
        g_autoptr(GKeyFile) config = ostree_repo_copy_config(ostree);
        g_autoptr(GBytes) tar = ordinary_tar();
        g_autoptr(ScLayerInfo) layer = layer_info(tar);
        g_autoptr(GError) error = NULL;

        g_key_file_set_string(config, "core", "min-free-space-percent", "99");
        ck_assert(ostree_repo_write_config(ostree, config, &error));
        store_reopen(store);
        g_autoptr(ScImport) import = import_new(store);
        ck_assert(!import_layer(import, layer, tar, &error));
        ck_assert_error(error, SC_ERROR_NO_SPACE, "min-free-space");
        /* What was written so far is not kept for the next try: it would take the little that is left. */
        sc_import_free(g_steal_pointer(&import));
        g_autoptr(GPtrArray) left = store_staging_folders(store);
        ck_assert_uint_eq(left->len, 0);
}
END_TEST

START_TEST(test_repository)
{
        g_autofree char *folder = test_folder_new();
        g_autoptr(ScScope) scope = sc_scope_new(SC_SCOPE_SYSTEM, NULL);
        ScConfig config = {.scope = scope, .checkout_path = g_build_filename(folder, "checkout", NULL)};
        g_autofree char *host = g_build_filename(folder, "host", NULL),
                        *own = g_build_filename(folder, "checkout/.storage/ostree", NULL);
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(sc_repository_open(&config, SC_REPOSITORY_READ, &error));
        ck_assert_error(error, SC_ERROR_NOT_FOUND, "first pull");
        g_clear_error(&error);

        /* The host's repository serves if it can be linked from; /proc stands for one that cannot. */
        g_autoptr(OstreeRepo) made = ostree_repo_create_at(AT_FDCWD, host, OSTREE_REPO_MODE_BARE, NULL, NULL, &error);
        ck_assert_no_error(error);
        ck_assert_ptr_nonnull(made);
        g_autofree char *linkable = sc_repository_find(&config, host, SC_REPOSITORY_CREATE, &error);
        ck_assert_str_eq(linkable, host);
        g_autofree char *shm = g_strdup_printf("/dev/shm/sysconsd-test-%d", (int)getpid()),
                        *shm_config = g_build_filename(shm, "config", NULL);
        ck_assert_int_eq(g_mkdir(shm, 0755), 0);
        ck_assert(g_file_set_contents(shm_config, "", 0, NULL));
        g_autofree char *other = sc_repository_find(&config, shm, SC_REPOSITORY_CREATE, &error);
        ck_assert_str_eq(other, own);
        ck_assert_int_eq(unlink(shm_config), 0);
        ck_assert_int_eq(rmdir(shm), 0);

        /* Once its own was made it stays with that. */
        g_autoptr(ScRepository) repository = sc_repository_open(&config, SC_REPOSITORY_CREATE, &error);
        ck_assert_no_error(error);
        ck_assert_str_eq(sc_repository_path(repository), own);
        g_autofree char *again = sc_repository_find(&config, host, SC_REPOSITORY_CREATE, &error);
        ck_assert_str_eq(again, own);

        config.repository = g_build_filename(folder, "archive", NULL);
        g_autoptr(OstreeRepo)
                archive = ostree_repo_create_at(AT_FDCWD, config.repository, OSTREE_REPO_MODE_ARCHIVE, NULL, NULL, &error);
        ck_assert_ptr_nonnull(archive);
        ck_assert_no_error(error);
        ck_assert_ptr_null(sc_repository_open(&config, SC_REPOSITORY_CREATE, &error));
        ck_assert_error(error, SC_ERROR_UNSUPPORTED, "mode archive");
        g_free(config.repository);
        g_free(config.checkout_path);
        test_folder_remove(g_steal_pointer(&folder));
}
END_TEST

START_TEST(test_lock)
{
        g_autoptr(Store) store = store_new();
        g_autoptr(GCancellable) cancellable = g_cancellable_new();
        g_autoptr(GError) error = NULL;
        int first = sc_repository_lock(store->repository, false, NULL, &error);
        int second = sc_repository_lock(store->repository, false, NULL, &error);

        ck_assert_int_ge(first, 0);
        ck_assert_int_ge(second, 0);
        close(first);
        g_cancellable_cancel(cancellable);
        ck_assert_int_lt(sc_repository_lock(store->repository, true, cancellable, &error), 0);
        ck_assert_error(error, SC_ERROR_CANCELLED, "ancel");
        g_clear_error(&error);
        close(second);
        int exclusive = sc_repository_lock(store->repository, true, NULL, &error);
        ck_assert_int_ge(exclusive, 0);
        close(exclusive);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("layer");
        TCase *tcase = tcase_create("layer");

        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, test_object_ids);
        tcase_add_test(tcase, test_object_ids_with_xattrs);
        tcase_add_test(tcase, test_xattrs_left_out);
        tcase_add_test(tcase, test_same_as_libostree);
        tcase_add_test(tcase, test_metadata);
        tcase_add_test(tcase, test_config);
        tcase_add_test(tcase, test_last_entry_wins);
        tcase_add_test(tcase, test_paths_are_normalised);
        tcase_add_test(tcase, test_what_is_left_out);
        tcase_add_test(tcase, test_xattrs);
        tcase_add_test(tcase, test_large_files);
        tcase_add_test(tcase, test_sparse_files);
        tcase_add_loop_test(tcase, test_hostile, 0, G_N_ELEMENTS(hostile));
        tcase_add_test(tcase, test_wrong_diff_id);
        tcase_add_test(tcase, test_damaged);
        tcase_add_test(tcase, test_limits);
        tcase_add_test(tcase, test_cancelled);
        tcase_add_test(tcase, test_damaged_object_is_replaced);
        tcase_add_test(tcase, test_present_object_stays);
        tcase_add_test(tcase, test_reserved_space);
        tcase_add_test(tcase, test_repository);
        tcase_add_test(tcase, test_lock);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
