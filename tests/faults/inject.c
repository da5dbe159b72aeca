/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A library for LD_PRELOAD that makes one system call of a program fail, or be the last thing that it did. Part of tests only.
 *
 * INJECT=MODE:N[:LOG]. Calls that MODE is about are counted, in all threads together and in the libraries that the program is
 * linked with, but not in programs that it starts; the Nth is hit (N 0: none is). MODE kill: SIGKILL before the call. MODE torn,
 * which is about writes of more than a byte: half of it is written, then SIGKILL. MODE ENOSPC, EIO, EROFS, EMFILE or ENOMEM: the
 * call fails so; with a "+" behind it, this one and all that follow. What was hit is written to the file LOG, a line; and at the
 * end of the program how many calls there were ("total N").
 *
 * Calls that glibc makes on its own behalf are not seen: those of the dynamic linker, of stdio, of malloc. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What a call does, as far as it decides which errors it can have. */
enum {
        WRITES = 1 << 0,  /* content or space */
        CHANGES = 1 << 1, /* names or attributes */
        GROWS = 1 << 2,   /* may need space */
        OPENS = 1 << 3,   /* makes a descriptor */
        READS = 1 << 4,
        MAPS = 1 << 5,
        REMOVES = 1 << 6,
        SYNCS = 1 << 7,
        FILES = WRITES | CHANGES | GROWS | REMOVES | SYNCS, /* what leaves a mark on a disk */
};

static const struct {
        const char *name;
        int error; /* 0: the program is killed */
        unsigned kinds;
} modes[] = {
        {"kill", 0, FILES | MAPS},
        {"torn", 0, WRITES},
        {"ENOSPC", ENOSPC, WRITES | GROWS | SYNCS},
        {"EIO", EIO, FILES | OPENS | READS},
        {"EROFS", EROFS, WRITES | CHANGES | GROWS | REMOVES},
        {"EMFILE", EMFILE, OPENS},
        {"ENOMEM", ENOMEM, MAPS | OPENS | CHANGES | GROWS | REMOVES},
};

static int mode = -1;
static bool goes_on, torn;
static long at;
static atomic_long count;
static char log_path[512];

static void note(const char *text, size_t size)
{
        int saved = errno;
        if (log_path[0] != '\0') {
                int fd = (int)syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
                if (fd >= 0) {
                        ssize_t written = syscall(SYS_write, fd, text, size);
                        (void)written;
                        close(fd);
                }
        }
        errno = saved;
}

__attribute__((constructor)) static void arm(void)
{
        const char *text = getenv("INJECT");
        char name[16];
        int used = 0;
        if (text == NULL || sscanf(text, "%15[^:]:%ld%n", name, &at, &used) < 2)
                return;
        if (text[used] == ':')
                snprintf(log_path, sizeof log_path, "%s", text + used + 1);
        size_t size = strlen(name);
        goes_on = size > 0 && name[size - 1] == '+';
        if (goes_on)
                name[size - 1] = '\0';
        torn = strcmp(name, "torn") == 0;
        int found = -1;
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
                if (strcmp(modes[i].name, name) == 0)
                        found = (int)i;
        unsetenv("INJECT");
        unsetenv("LD_PRELOAD");
        mode = found;
}

__attribute__((destructor)) static void tell_total(void)
{
        char line[64];
        if (mode < 0)
                return;
        mode = -1;
        note(line, (size_t)snprintf(line, sizeof line, "total %ld\n", atomic_load(&count)));
}

static void describe(const char *call, int fd, const char *path)
{
        char line[1200], folder[512] = "", link[64];
        int saved = errno;
        if (fd >= 0) {
                snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
                ssize_t size = syscall(SYS_readlinkat, AT_FDCWD, link, folder, sizeof folder - 1);
                folder[size > 0 ? size : 0] = '\0';
        }
        int length = snprintf(line, sizeof line, "%s %s%s%s\n", call, folder, path != NULL && fd >= 0 ? "/" : "",
                              path != NULL ? path : "");
        note(line, length < (int)sizeof line ? (size_t)length : sizeof line - 1);
        errno = saved;
}

/* True: the call is to fail, and errno says how. fd -1: none; AT_FDCWD counts as none. */
static bool strikes(const char *call, unsigned kinds, int fd, const char *path)
{
        if (mode < 0 || (modes[mode].kinds & kinds) == 0)
                return false;
        long number = atomic_fetch_add(&count, 1) + 1;
        if (at == 0 || (goes_on ? number < at : number != at))
                return false;
        if (number == at)
                describe(call, fd, path);
        if (modes[mode].error == 0 && !torn) {
                kill(getpid(), SIGKILL);
                for (;;)
                        pause();
        }
        errno = modes[mode].error;
        return true;
}

/* Pipes, sockets and event counters are how threads wake each other: libraries do not expect them to fail, and nothing is lost by
 * a kill there. */
static bool is_file(int fd)
{
        struct stat st;
        int saved = errno;
        bool ok = mode >= 0 && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
        errno = saved;
        return ok;
}

#define NEXT(name)                     \
        static __typeof__(name) *next; \
        if (next == NULL)              \
        next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* ---- content ---- */

/* The half of it that a torn write gets through; the whole otherwise. */
static size_t part(const char *call, int fd, size_t size)
{
        if (!torn || size < 2 || !is_file(fd) || !strikes(call, WRITES, fd, NULL))
                return size;
        return size / 2;
}

static ssize_t end_torn(ssize_t written, size_t part, size_t size)
{
        if (part == size)
                return written;
        kill(getpid(), SIGKILL);
        for (;;)
                pause();
}

#define WRITE(name, params, args)                                                        \
        ssize_t name params                                                              \
        {                                                                                \
                NEXT(name);                                                              \
                if (torn) {                                                              \
                        const size_t size = n;                                           \
                        n = part(#name, fd, n);                                          \
                        return end_torn(next args, n, size);                             \
                }                                                                        \
                return is_file(fd) && strikes(#name, WRITES, fd, NULL) ? -1 : next args; \
        }
WRITE(write, (int fd, const void *data, size_t n), (fd, data, n))
WRITE(pwrite, (int fd, const void *data, size_t n, off_t offset), (fd, data, n, offset))
WRITE(pwrite64, (int fd, const void *data, size_t n, off_t offset), (fd, data, n, offset))

#define ON_FILE(type, name, kinds, params, args)                                                   \
        type name params                                                                           \
        {                                                                                          \
                NEXT(name);                                                                        \
                return is_file(fd) && strikes(#name, torn ? 0 : kinds, fd, NULL) ? -1 : next args; \
        }
ON_FILE(ssize_t, writev, WRITES, (int fd, const struct iovec *parts, int n), (fd, parts, n))
ON_FILE(ssize_t, read, READS, (int fd, void *data, size_t n), (fd, data, n))
ON_FILE(ssize_t, pread, READS, (int fd, void *data, size_t n, off_t offset), (fd, data, n, offset))
ON_FILE(ssize_t, pread64, READS, (int fd, void *data, size_t n, off_t offset), (fd, data, n, offset))
ON_FILE(int, ftruncate, WRITES, (int fd, off_t size), (fd, size))
ON_FILE(int, ftruncate64, WRITES, (int fd, off_t size), (fd, size))
ON_FILE(int, fallocate, WRITES, (int fd, int how, off_t offset, off_t size), (fd, how, offset, size))
ON_FILE(int, fallocate64, WRITES, (int fd, int how, off_t offset, off_t size), (fd, how, offset, size))
ON_FILE(int, fsync, SYNCS, (int fd), (fd))
ON_FILE(int, fdatasync, SYNCS, (int fd), (fd))
ON_FILE(int, syncfs, SYNCS, (int fd), (fd))

/* ---- names and attributes ---- */

#define CALL(type, fail, name, kinds, fd, path, params, args)                \
        type name params                                                     \
        {                                                                    \
                NEXT(name);                                                  \
                return strikes(#name, kinds, fd, path) ? (fail) : next args; \
        }
CALL(int, -1, rename, GROWS | CHANGES, -1, to, (const char *from, const char *to), (from, to))
CALL(int, -1, renameat, GROWS | CHANGES, to_fd, to, (int from_fd, const char *from, int to_fd, const char *to),
     (from_fd, from, to_fd, to))
CALL(int, -1, renameat2, GROWS | CHANGES, to_fd, to, (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
     (from_fd, from, to_fd, to, flags))
CALL(int, -1, link, GROWS | CHANGES, -1, to, (const char *from, const char *to), (from, to))
CALL(int, -1, linkat, GROWS | CHANGES, to_fd, to, (int from_fd, const char *from, int to_fd, const char *to, int flags),
     (from_fd, from, to_fd, to, flags))
CALL(int, -1, symlink, GROWS | CHANGES, -1, path, (const char *target, const char *path), (target, path))
CALL(int, -1, symlinkat, GROWS | CHANGES, fd, path, (const char *target, int fd, const char *path), (target, fd, path))
CALL(int, -1, mkdir, GROWS | CHANGES, -1, path, (const char *path, mode_t access_mode), (path, access_mode))
CALL(int, -1, mkdirat, GROWS | CHANGES, fd, path, (int fd, const char *path, mode_t access_mode), (fd, path, access_mode))
CALL(int, -1, unlink, REMOVES, -1, path, (const char *path), (path))
CALL(int, -1, unlinkat, REMOVES, fd, path, (int fd, const char *path, int flags), (fd, path, flags))
CALL(int, -1, rmdir, REMOVES, -1, path, (const char *path), (path))
CALL(int, -1, remove, REMOVES, -1, path, (const char *path), (path))
CALL(int, -1, chmod, CHANGES, -1, path, (const char *path, mode_t access_mode), (path, access_mode))
CALL(int, -1, fchmod, CHANGES, fd, NULL, (int fd, mode_t access_mode), (fd, access_mode))
CALL(int, -1, fchmodat, CHANGES, fd, path, (int fd, const char *path, mode_t access_mode, int flags),
     (fd, path, access_mode, flags))
CALL(int, -1, fchown, CHANGES, fd, NULL, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
CALL(int, -1, fchownat, CHANGES, fd, path, (int fd, const char *path, uid_t uid, gid_t gid, int flags), (fd, path, uid, gid, flags))
CALL(int, -1, fsetxattr, GROWS | CHANGES, fd, NULL, (int fd, const char *name, const void *value, size_t size, int flags),
     (fd, name, value, size, flags))
CALL(int, -1, lsetxattr, GROWS | CHANGES, -1, path, (const char *path, const char *name, const void *value, size_t size, int flags),
     (path, name, value, size, flags))
CALL(int, -1, setxattr, GROWS | CHANGES, -1, path, (const char *path, const char *name, const void *value, size_t size, int flags),
     (path, name, value, size, flags))
CALL(int, -1, utimensat, CHANGES, fd, path, (int fd, const char *path, const struct timespec times[2], int flags),
     (fd, path, times, flags))
CALL(int, -1, futimens, CHANGES, fd, NULL, (int fd, const struct timespec times[2]), (fd, times))

/* ---- descriptors ---- */

static unsigned kinds_of_open(int flags)
{
        unsigned kinds = OPENS;
        if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)
                kinds |= GROWS | CHANGES;
        else if ((flags & O_ACCMODE) != O_RDONLY)
                kinds |= CHANGES;
        return kinds;
}

static mode_t mode_argument(int flags, va_list more)
{
        return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
}

#define OPEN(name, fd, params, args)                                                    \
        int name params                                                                 \
        {                                                                               \
                NEXT(name);                                                             \
                va_list more;                                                           \
                va_start(more, flags);                                                  \
                mode_t access_mode = mode_argument(flags, more);                        \
                va_end(more);                                                           \
                return strikes(#name, kinds_of_open(flags), fd, path) ? -1 : next args; \
        }
OPEN(open, -1, (const char *path, int flags, ...), (path, flags, access_mode))
OPEN(open64, -1, (const char *path, int flags, ...), (path, flags, access_mode))
OPEN(openat, fd, (int fd, const char *path, int flags, ...), (fd, path, flags, access_mode))
OPEN(openat64, fd, (int fd, const char *path, int flags, ...), (fd, path, flags, access_mode))

/* What open() becomes under _FORTIFY_SOURCE where no mode is given. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int fd, const char *path, int flags);
int __openat64_2(int fd, const char *path, int flags);
CALL(int, -1, __open_2, kinds_of_open(flags), -1, path, (const char *path, int flags), (path, flags))
CALL(int, -1, __open64_2, kinds_of_open(flags), -1, path, (const char *path, int flags), (path, flags))
CALL(int, -1, __openat_2, kinds_of_open(flags), fd, path, (int fd, const char *path, int flags), (fd, path, flags))
CALL(int, -1, __openat64_2, kinds_of_open(flags), fd, path, (int fd, const char *path, int flags), (fd, path, flags))
CALL(DIR *, NULL, opendir, OPENS, -1, path, (const char *path), (path))
CALL(int, -1, memfd_create, OPENS, -1, name, (const char *name, unsigned flags), (name, flags))
CALL(int, -1, socket, OPENS, -1, "a socket", (int domain, int type, int protocol), (domain, type, protocol))

/* The one call that programs make by number: openat2 has no function of its own. */
long syscall(long number, ...)
{
        static long (*next)(long, ...);
        if (next == NULL)
                next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
        va_list more;
        va_start(more, number);
        long a = va_arg(more, long), b = va_arg(more, long), c = va_arg(more, long), d = va_arg(more, long), e = va_arg(more, long),
             f = va_arg(more, long);
        va_end(more);
        if (number == SYS_openat2 && mode >= 0) {
                const struct open_how *how = (const struct open_how *)c;
                if (strikes("openat2", kinds_of_open((int)how->flags), (int)a, (const char *)b))
                        return -1;
        }
        return next(number, a, b, c, d, e, f);
}

/* ---- memory ---- */

#define MAP(name)                                                                                                      \
        void *name(void *address, size_t size, int protection, int flags, int fd, off_t offset)                        \
        {                                                                                                              \
                NEXT(name);                                                                                            \
                return fd >= 0 && strikes(#name, MAPS, fd, NULL) ? MAP_FAILED                                          \
                                                                 : next(address, size, protection, flags, fd, offset); \
        }
MAP(mmap)
MAP(mmap64)
