/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities.h"

#include "base/error.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>

#define MAX_FILE (1024u * 1024)

static const char *const names[] = {
        [CAP_CHOWN] = "CAP_CHOWN",
        [CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
        [CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
        [CAP_FOWNER] = "CAP_FOWNER",
        [CAP_FSETID] = "CAP_FSETID",
        [CAP_KILL] = "CAP_KILL",
        [CAP_SETGID] = "CAP_SETGID",
        [CAP_SETUID] = "CAP_SETUID",
        [CAP_SETPCAP] = "CAP_SETPCAP",
        [CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
        [CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
        [CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
        [CAP_NET_ADMIN] = "CAP_NET_ADMIN",
        [CAP_NET_RAW] = "CAP_NET_RAW",
        [CAP_IPC_LOCK] = "CAP_IPC_LOCK",
        [CAP_IPC_OWNER] = "CAP_IPC_OWNER",
        [CAP_SYS_MODULE] = "CAP_SYS_MODULE",
        [CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
        [CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
        [CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
        [CAP_SYS_PACCT] = "CAP_SYS_PACCT",
        [CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
        [CAP_SYS_BOOT] = "CAP_SYS_BOOT",
        [CAP_SYS_NICE] = "CAP_SYS_NICE",
        [CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
        [CAP_SYS_TIME] = "CAP_SYS_TIME",
        [CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
        [CAP_MKNOD] = "CAP_MKNOD",
        [CAP_LEASE] = "CAP_LEASE",
        [CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
        [CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
        [CAP_SETFCAP] = "CAP_SETFCAP",
        [CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
        [CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
        [CAP_SYSLOG] = "CAP_SYSLOG",
        [CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
        [CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
        [CAP_AUDIT_READ] = "CAP_AUDIT_READ",
        [CAP_PERFMON] = "CAP_PERFMON",
        [CAP_BPF] = "CAP_BPF",
        [CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};

char *sc_capabilities_list(guint last, guint64 bounding)
{
        GString *out = g_string_new(NULL);
        for (guint i = 0; i < G_N_ELEMENTS(names) && i <= last; i++) {
                if (!(bounding & (G_GUINT64_CONSTANT(1) << i)))
                        continue;
                g_string_append_printf(out, "%s\"%s\"", out->len > 0 ? ",\n" : "", names[i]);
        }
        return g_string_free(out, FALSE);
}

/* *ret NULL: there is no such file, or it is not for this user: then nothing is narrowed down. */
static bool read_what_is_shown(const char *path, char **ret, GError **error)
{
        *ret = NULL;
        sc_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && (errno == ENOENT || errno == EACCES || errno == EPERM))
                return true;
        bool ok = fd >= 0 ? sc_read_fd(fd, path, MAX_FILE, ret, NULL, error) : sc_throw_errno(error, "Cannot open %s", path);
        return ok || sc_prefix(error, "Cannot tell which capabilities there are");
}

char *sc_capabilities_read(const char *last_path, const char *status_path, GError **error)
{
        static const char mark[] = "\nCapBnd:";
        g_autofree char *last = NULL;
        g_autofree char *status = NULL;
        if (!read_what_is_shown(last_path, &last, error) || !read_what_is_shown(status_path, &status, error))
                return NULL;
        const char *bounding = status != NULL ? strstr(status, mark) : NULL;
        return sc_capabilities_list(last != NULL ? (guint)g_ascii_strtoull(last, NULL, 10) : G_N_ELEMENTS(names) - 1,
                                    bounding != NULL ? g_ascii_strtoull(bounding + strlen(mark), NULL, 16) : G_MAXUINT64);
}

char *sc_capabilities_of_host(GError **error)
{
        return sc_capabilities_read("/proc/sys/kernel/cap_last_cap", "/proc/1/status", error);
}
