/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capabilities.h"

#include <linux/capability.h>
#include <string.h>

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

/* Where the file cannot be read, what the kernel knows is not narrowed down. */
static guint kernel_last(void)
{
        g_autofree char *text = NULL;
        if (!g_file_get_contents("/proc/sys/kernel/cap_last_cap", &text, NULL, NULL))
                return G_N_ELEMENTS(names) - 1;
        return (guint)g_ascii_strtoull(text, NULL, 10);
}

static guint64 init_bounding_set(void)
{
        g_autofree char *text = NULL;
        if (!g_file_get_contents("/proc/1/status", &text, NULL, NULL))
                return G_MAXUINT64;
        const char *line = strstr(text, "\nCapBnd:");
        return line != NULL ? g_ascii_strtoull(line + strlen("\nCapBnd:"), NULL, 16) : G_MAXUINT64;
}

char *sc_capabilities_of_host(void)
{
        return sc_capabilities_list(kernel_last(), init_bounding_set());
}
