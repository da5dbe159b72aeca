/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "store/folder-object.h"
#include "test.h"
#include <string.h>

#define FILES "a(say)"
#define FOLDERS "a(sayay)"

static GVariant *digest(guint number, gsize size)
{
        guint8 bytes[64] = {0};

        memcpy(bytes, &number, MIN(size, sizeof number));
        return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1);
}

static void is_digest(const ScDigest *found, guint number)
{
        ScDigest wanted = {0};

        memcpy(wanted.bytes, &number, sizeof number);
        ck_assert(sc_digest_equal(found, &wanted));
}

static GBytes *serialised(GVariantBuilder *files, GVariantBuilder *folders)
{
        g_autoptr(GVariant) object = g_variant_ref_sink(
                g_variant_new("(@" FILES "@" FOLDERS ")", g_variant_builder_end(files), g_variant_builder_end(folders)));
        return g_variant_get_data_as_bytes(object);
}

/* So many files and folders, with names of this length. */
static GBytes *make_folder(guint n_files, guint n_folders, int length)
{
        g_auto(GVariantBuilder) files = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(FILES)),
                                folders = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(FOLDERS));

        for (guint i = 0; i < n_files + n_folders; i++) {
                g_autofree char *name = g_strdup_printf("%0*u", length, i);
                if (i < n_files)
                        g_variant_builder_add(&files, "(s@ay)", name, digest(i, sizeof(ScDigest)));
                else
                        g_variant_builder_add(&folders, "(s@ay@ay)", name, digest(i, sizeof(ScDigest)),
                                              digest(i + 1, sizeof(ScDigest)));
        }
        return serialised(&files, &folders);
}

static ScFolderObject parse(GBytes *bytes)
{
        g_autoptr(GError) error = NULL;
        ScFolderObject parsed;
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);

        ck_assert_msg(sc_folder_object_parse(data, size, &parsed, &error), "%s", error != NULL ? error->message : "");
        return parsed;
}

static void has_entry(const ScFolderEntries *entries, guint index, guint number, int length, bool is_folder)
{
        g_autofree char *name = g_strdup_printf("%0*u", length, number);
        g_autoptr(GError) error = NULL;
        ScFolderEntry entry;

        ck_assert_msg(sc_folder_entry(entries, index, &entry, &error), "%s", error != NULL ? error->message : "");
        ck_assert_str_eq(entry.name, name);
        is_digest(entry.object, number);
        ck_assert((entry.meta != NULL) == is_folder);
        if (is_folder)
                is_digest(entry.meta, number + 1);
}

static void is_written_so(const ScFolderObject *parsed, GBytes *wanted)
{
        g_autoptr(ScFolderWriter) writer = sc_folder_writer_new();
        ScFolderEntry entry;
        gsize size;

        for (gsize i = 0; i < parsed->files.n; i++) {
                ck_assert(sc_folder_entry(&parsed->files, i, &entry, NULL));
                sc_folder_writer_add_file(writer, entry.name, entry.object);
        }
        for (gsize i = 0; i < parsed->folders.n; i++) {
                ck_assert(sc_folder_entry(&parsed->folders, i, &entry, NULL));
                sc_folder_writer_add_folder(writer, entry.name, entry.object, entry.meta);
        }
        const void *data = sc_folder_writer_end(writer, &size);
        ck_assert_uint_eq(size, g_bytes_get_size(wanted));
        ck_assert_mem_eq(data, g_bytes_get_data(wanted, NULL), size);
}

/* As GLib writes it. The offsets of arrays and of the whole have one, two and four bytes, those of entries one and two. */
START_TEST(test_sizes)
{
        static const struct {
                guint files, folders;
                int length;
        } cases[] = {{0, 0, 1},   {1, 0, 1},    {0, 1, 1},     {3, 2, 8},      {5, 5, 200},
                     {9, 9, 255}, {1500, 1, 3}, {1, 900, 255}, {400, 400, 222}};

        for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(GBytes) bytes = make_folder(cases[i].files, cases[i].folders, cases[i].length);
                ScFolderObject parsed = parse(bytes);
                ck_assert_uint_eq(parsed.files.n, cases[i].files);
                ck_assert_uint_eq(parsed.folders.n, cases[i].folders);
                for (guint file = 0; file < cases[i].files; file++)
                        has_entry(&parsed.files, file, file, cases[i].length, false);
                for (guint folder = 0; folder < cases[i].folders; folder++)
                        has_entry(&parsed.folders, folder, cases[i].files + folder, cases[i].length, true);
                is_written_so(&parsed, bytes);
        }
}
END_TEST

/* Where an offset gets another byte, for an entry, for an array and for the whole: one file more, one letter more. */
START_TEST(test_borders)
{
        for (int length = 180; length <= 255; length++) {
                g_autoptr(GBytes) file = make_folder(1, 0, length), folder = make_folder(0, 1, length);
                ScFolderObject one = parse(file), other = parse(folder);
                is_written_so(&one, file);
                is_written_so(&other, folder);
        }
        for (guint n = 1; n < 12; n++) {
                for (int length = 1; length < 60; length++) {
                        g_autoptr(GBytes) bytes = make_folder(n, n / 2, length);
                        ScFolderObject parsed = parse(bytes);
                        is_written_so(&parsed, bytes);
                }
        }
        for (guint n = 1600; n < 1700; n++) {
                g_autoptr(GBytes) bytes = make_folder(n, 0, 4);
                ScFolderObject parsed = parse(bytes);
                is_written_so(&parsed, bytes);
        }
}
END_TEST

static void is_refused(const ScFolderEntries *entries, gsize index, const char *message)
{
        g_autoptr(GError) error = NULL;
        ScFolderEntry entry;

        ck_assert(!sc_folder_entry(entries, index, &entry, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, message);
}

START_TEST(test_checksums_of_another_length)
{
        static const gsize lengths[][2] = {{0, 32}, {31, 32}, {33, 32}, {32, 0}, {32, 31}, {32, 33}, {64, 0}, {0, 64}};

        for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
                g_auto(GVariantBuilder) files = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(FILES)),
                                        folders = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(FOLDERS));
                if (lengths[i][0] != 32)
                        g_variant_builder_add(&files, "(s@ay)", "file", digest(i, lengths[i][0]));
                g_variant_builder_add(&folders, "(s@ay@ay)", "folder", digest(i, lengths[i][0]), digest(i, lengths[i][1]));
                g_autoptr(GBytes) bytes = serialised(&files, &folders);
                ScFolderObject parsed = parse(bytes);
                if (lengths[i][0] != 32)
                        is_refused(&parsed.files, 0, "The entry 'file' has no valid checksum");
                is_refused(&parsed.folders, 0, "The entry 'folder' has no valid checksum");
        }
}
END_TEST

/* OSTree has no such names; somebody who writes an object by hand may. */
START_TEST(test_names_that_are_no_text)
{
        static const char *const names[] = {"\xff\xfe", "a\xc3"};

        for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(GBytes) bytes = make_folder(1, 0, (int)strlen(names[i]));
                g_autofree char *data = g_memdup2(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
                ScFolderObject parsed;
                memcpy(data, names[i], strlen(names[i]));
                ck_assert(sc_folder_object_parse(data, g_bytes_get_size(bytes), &parsed, NULL));
                is_refused(&parsed.files, 0, "damaged");
        }
}
END_TEST

/* Bytes of the heap, so that the address sanitizer knows where they end. */
#define IS_NO_FOLDER(...)                                    \
        do {                                                 \
                static const guint8 bytes[] = {__VA_ARGS__}; \
                is_no_folder(bytes, sizeof bytes);           \
        } while (0)

static void is_no_folder(const guint8 *bytes, gsize size)
{
        g_autofree guint8 *copy = g_memdup2(bytes, size);
        g_autoptr(GError) error = NULL;
        ScFolderObject parsed;

        ck_assert(!sc_folder_object_parse(copy, size, &parsed, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "The object of a folder is damaged");
}

START_TEST(test_damaged_arrays)
{
        g_autoptr(GError) error = NULL;
        ScFolderObject parsed;

        ck_assert(!sc_folder_object_parse("", 0, &parsed, &error));
        ck_assert_error(error, SC_ERROR_CORRUPT, "damaged");
        /* The files end behind the object, or where their end is written. */
        IS_NO_FOLDER(1);
        IS_NO_FOLDER(0xff);
        IS_NO_FOLDER('a', 0, 3);
        /* The entries of an array end behind it, or where their end is written. */
        IS_NO_FOLDER('a', 0, 3, 3);
        IS_NO_FOLDER('a', 0, 0xff, 3);
        IS_NO_FOLDER('a', 0, 4, 0);
        g_autofree guint8 *large = g_malloc0(300);
        /* Offsets of two bytes: the array's last one leaves an odd rest, or says that all are entries. */
        large[298] = 298 & 0xff;
        large[299] = 298 >> 8;
        large[296] = 295 & 0xff;
        large[297] = 295 >> 8;
        is_no_folder(large, 300);
        large[296] = 297 & 0xff;
        is_no_folder(large, 300);
        large[296] = 296 & 0xff;
        ck_assert(sc_folder_object_parse(large, 300, &parsed, NULL));
        ck_assert_uint_eq(parsed.files.n, 1);
}
END_TEST

/* Of two files, or of two folders, one byte is another. */
static void is_damaged_at(GBytes *bytes, gsize at, guint8 value, bool folders, gsize index, const char *message)
{
        gsize size;
        const void *data = g_bytes_get_data(bytes, &size);
        g_autofree guint8 *changed = g_memdup2(data, size);
        ScFolderObject parsed;

        changed[at] = value;
        ck_assert(sc_folder_object_parse(changed, size, &parsed, NULL));
        is_refused(folders ? &parsed.folders : &parsed.files, index, message);
}

START_TEST(test_damaged_entries)
{
        /* "0" 0 digest 2, "1" 0 digest 2, then where the two end, and the files: 35, 70; 72. */
        g_autoptr(GBytes) files = make_folder(2, 0, 1);
        /* "0" 0 digest digest 34 2, twice, then 68, 136, and where the files end: 0. */
        g_autoptr(GBytes) folders = make_folder(0, 2, 1);
        static const char damaged[] = "damaged", checksum[] = "no valid checksum";

        ck_assert_uint_eq(g_bytes_get_size(files), 73);
        ck_assert_uint_eq(g_bytes_get_size(folders), 139);
        /* The first ends behind the second, or behind all entries, or has no place for its own offset. */
        is_damaged_at(files, 70, 71, false, 1, damaged);
        is_damaged_at(files, 70, 71, false, 0, damaged);
        is_damaged_at(files, 70, 0, false, 0, damaged);
        is_damaged_at(folders, 136, 1, true, 0, damaged);
        /* The name has no end, ends before its end, is empty of even that, or ends behind the entry. */
        is_damaged_at(files, 1, 'x', false, 0, damaged);
        is_damaged_at(files, 0, 0, false, 0, damaged);
        is_damaged_at(files, 34, 0, false, 0, damaged);
        is_damaged_at(files, 34, 35, false, 0, damaged);
        is_damaged_at(folders, 67, 67, true, 0, damaged);
        /* The first checksum ends before it begins, too early, too late, or behind the entry. */
        is_damaged_at(folders, 66, 1, true, 0, checksum);
        is_damaged_at(folders, 66, 33, true, 0, checksum);
        is_damaged_at(folders, 66, 35, true, 0, checksum);
        is_damaged_at(folders, 66, 67, true, 0, checksum);
        is_damaged_at(folders, 66, 0xff, true, 0, checksum);
}
END_TEST

/* The name of the first of two files goes on through its own checksum and offset, to where the second one's ends. */
START_TEST(test_a_name_that_leaves_its_entry)
{
        g_autoptr(GBytes) bytes = make_folder(2, 0, 1);
        g_autofree guint8 *changed = g_memdup2(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        ScFolderObject parsed;

        memset(changed, 'x', 34);
        changed[34] = 37;
        ck_assert(sc_folder_object_parse(changed, g_bytes_get_size(bytes), &parsed, NULL));
        is_refused(&parsed.files, 0, "damaged");
}
END_TEST

static void same_as_variant(const ScFolderEntries *entries, GVariant *object, gsize kind)
{
        g_autoptr(GVariant) wanted = g_variant_get_child_value(object, kind);

        ck_assert_uint_eq(entries->n, g_variant_n_children(wanted));
        for (gsize i = 0; i < entries->n; i++) {
                g_autoptr(GVariant) entry = g_variant_get_child_value(wanted, i), bytes = g_variant_get_child_value(entry, 1);
                const char *name;
                ScFolderEntry found;
                g_variant_get_child(entry, 0, "&s", &name);
                bool is_whole = g_variant_get_size(bytes) == sizeof(ScDigest);
                if (kind == 1) {
                        g_autoptr(GVariant) meta = g_variant_get_child_value(entry, 2);
                        is_whole = is_whole && g_variant_get_size(meta) == sizeof(ScDigest);
                }
                ck_assert(sc_folder_entry(entries, i, &found, NULL) == is_whole);
                if (!is_whole)
                        continue;
                ck_assert_str_eq(found.name, name);
                ck_assert_mem_eq(found.object, g_variant_get_data(bytes), sizeof(ScDigest));
        }
}

/* Reads all that there is; what GLib says is right must be what GLib reads. */
static bool read_all(const guint8 *data, gsize size)
{
        g_autoptr(GVariant) object = g_variant_ref_sink(
                g_variant_new_from_data(G_VARIANT_TYPE("(" FILES FOLDERS ")"), data, size, FALSE, NULL, NULL));
        bool is_normal = g_variant_is_normal_form(object);
        ScFolderObject parsed;
        ScFolderEntry entry;

        if (!sc_folder_object_parse(data, size, &parsed, NULL)) {
                ck_assert(!is_normal);
                return false;
        }
        for (gsize i = 0; i < parsed.files.n; i++)
                (void)sc_folder_entry(&parsed.files, i, &entry, NULL);
        for (gsize i = 0; i < parsed.folders.n; i++)
                (void)sc_folder_entry(&parsed.folders, i, &entry, NULL);
        if (is_normal) {
                same_as_variant(&parsed.files, object, 0);
                same_as_variant(&parsed.folders, object, 1);
        }
        return is_normal;
}

/* Nothing outside of the bytes is looked at (the address sanitizer knows), and there is an end. */
START_TEST(test_each_byte_changed)
{
        g_autoptr(GBytes) small = make_folder(2, 2, 3), large = make_folder(3, 1, 200);
        GBytes *const objects[] = {small, large};
        guint normal = 0;

        for (guint i = 0; i < G_N_ELEMENTS(objects); i++) {
                gsize size;
                const guint8 *data = g_bytes_get_data(objects[i], &size);
                for (gsize at = 1; at < size; at++) {
                        g_autofree guint8 *changed = g_memdup2(data, size), *cut = g_memdup2(data, at);
                        for (guint value = 0; value < 256; value++) {
                                changed[at] = (guint8)value;
                                normal += read_all(changed, size);
                        }
                        (void)read_all(cut, at);
                }
        }
        ck_assert_uint_gt(normal, 1000);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("folder-object");
        TCase *tcase = tcase_create("folder-object");

        tcase_add_test(tcase, test_sizes);
        tcase_add_test(tcase, test_borders);
        tcase_add_test(tcase, test_checksums_of_another_length);
        tcase_add_test(tcase, test_names_that_are_no_text);
        tcase_add_test(tcase, test_damaged_arrays);
        tcase_add_test(tcase, test_damaged_entries);
        tcase_add_test(tcase, test_a_name_that_leaves_its_entry);
        tcase_add_test(tcase, test_each_byte_changed);
        suite_add_tcase(suite, tcase);
        return test_run(suite);
}
