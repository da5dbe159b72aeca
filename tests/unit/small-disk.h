/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A file system that is soon full, for the process of one test: nobody else sees it, and it needs no root where the kernel lets
 * users have namespaces. */

#include "test.h"
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

static inline void test_say_to_kernel(const char *path, const char *text)
{
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

/* inodes: with that of its own root folder. */
static inline void test_small_disk_mount(const char *path, unsigned inodes)
{
        uid_t uid = geteuid();
        gid_t gid = getegid();
        ck_assert_int_eq(unshare(CLONE_NEWNS | (uid != 0 ? CLONE_NEWUSER : 0)), 0);
        if (uid != 0) {
                g_autofree char *users = g_strdup_printf("%u %u 1", uid, uid), *groups = g_strdup_printf("%u %u 1", gid, gid);
                test_say_to_kernel("/proc/self/setgroups", "deny");
                test_say_to_kernel("/proc/self/uid_map", users);
                test_say_to_kernel("/proc/self/gid_map", groups);
        }
        g_autofree char *options = g_strdup_printf("mode=755,nr_inodes=%u", inodes);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        ck_assert_int_eq(mount("small", path, "tmpfs", 0, options), 0);
}

static inline void test_small_disk_unmount(const char *path)
{
        ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
}
