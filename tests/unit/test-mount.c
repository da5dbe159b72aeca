/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/mount-record.h"
#include "test.h"
#include "unit/systemd.h"
#include <fcntl.h>
#include <unistd.h>

#define ck_assert_unit(path, expected)                                                   \
        do {                                                                             \
                g_autofree char *unit_ = sc_systemd_mount_unit(path);                    \
                ck_assert_msg(g_strcmp0(unit_, expected) == 0, "%s is %s", path, unit_); \
        } while (0)

/* What `systemd-escape --path --suffix=mount` says. */
START_TEST(a_path_as_a_unit)
{
        ck_assert_unit("/srv", "srv.mount");
        ck_assert_unit("/srv/a-b/c_d:e.f", "srv-a\\x2db-c_d:e.f.mount");
        ck_assert_unit("/.hidden/.too", "\\x2ehidden-.too.mount");
        ck_assert_unit("/a b/\xc3\xa4%", "a\\x20b-\\xc3\\xa4\\x25.mount");
        g_autofree char *name = g_strnfill(260, 'x');
        g_autofree char *path = g_strconcat("/", name, NULL);
        ck_assert_unit(path, NULL);
}
END_TEST

static const ScMountRecord *find(GPtrArray *records, const char *id)
{
        for (guint i = 0; i < records->len; i++) {
                const ScMountRecord *record = records->pdata[i];
                if (strcmp(record->id, id) == 0)
                        return record;
        }
        return NULL;
}

START_TEST(records_come_and_go)
{
        char *folder = test_folder_new();
        g_autofree char *image = NULL, *container = NULL;
        g_autoptr(GError) error = NULL;
        int checkout = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        g_autoptr(GPtrArray) none = sc_mount_record_list(checkout, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(none->len, 0);

        int one = sc_mount_record_new(checkout, "/srv/a b", NULL, &image, &error);
        int two = sc_mount_record_new(checkout, "/srv/c", "hello.1", &container, &error);
        ck_assert_no_error(error);
        ck_assert_int_eq(mkdirat(one, "rootfs", 0755), 0);
        ck_assert_int_eq(mkdirat(checkout, SC_MOUNT_DIR "/unfinished", 0700), 0);
        close(one);
        close(two);
        g_autoptr(GPtrArray) all = sc_mount_record_list(checkout, &error);
        ck_assert_no_error(error);
        ck_assert_uint_eq(all->len, 3);
        ck_assert_str_eq(find(all, image)->where, "/srv/a b");
        ck_assert_ptr_null(find(all, image)->deployment);
        ck_assert_str_eq(find(all, container)->deployment, "hello.1");
        ck_assert_ptr_null(find(all, "unfinished")->where);

        for (guint i = 0; i < all->len; i++)
                ck_assert(sc_mount_record_remove(checkout, ((const ScMountRecord *)all->pdata[i])->id, &error));
        g_autoptr(GPtrArray) left = sc_mount_record_list(checkout, &error);
        ck_assert_uint_eq(left->len, 0);
        close(checkout);
        test_folder_remove(folder);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("mount");
        TCase *cases = tcase_create("mount");
        tcase_add_test(cases, a_path_as_a_unit);
        tcase_add_test(cases, records_come_and_go);
        suite_add_tcase(suite, cases);
        return test_run(suite);
}
