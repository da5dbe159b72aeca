/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A library for LD_PRELOAD under which nothing is synced: what `run --without-sync` shows is what the syncs are good for, and that
 * the method finds it when one is missing. */

#include <sys/mman.h>
#include <unistd.h>

int fsync(int fd)
{
        return fd < 0 ? -1 : 0;
}

int fdatasync(int fd)
{
        return fd < 0 ? -1 : 0;
}

int syncfs(int fd)
{
        return fd < 0 ? -1 : 0;
}

void sync(void)
{
}

int msync(void *start, size_t length, int flags)
{
        (void)start, (void)length, (void)flags;
        return 0;
}
