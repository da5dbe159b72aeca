/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sysroot.h"

#include "error.h"
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYSROOT "/sysroot"

/* A remount sets all flags of the mount anew. */
static unsigned long flags_to_keep(unsigned long flags)
{
        static const struct {
                unsigned long vfs, mount;
        } table[] = {{ST_NOSUID, MS_NOSUID},   {ST_NODEV, MS_NODEV},           {ST_NOEXEC, MS_NOEXEC},
                     {ST_NOATIME, MS_NOATIME}, {ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME}};
        unsigned long keep = 0;
        for (guint i = 0; i < G_N_ELEMENTS(table); i++)
                if ((flags & table[i].vfs) != 0)
                        keep |= table[i].mount;
        return keep;
}

static bool make_writable(const struct statvfs *look, GError **error)
{
        if (unshare(CLONE_NEWNS) < 0)
                return sc_throw_errno(error, "Cannot have mounts of its own");
        /* What the host mounts later shows here, and nothing of this there. */
        if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
                return sc_throw_errno(error, "Cannot part its mounts from the host's");
        if (mount(NULL, SYSROOT, NULL, MS_REMOUNT | MS_BIND | flags_to_keep(look->f_flag), NULL) < 0)
                return sc_throw_errno(error, "Cannot make " SYSROOT " writable");
        return true;
}

static bool give_up_privileges(GError **error)
{
        static const unsigned capabilities[] = {CAP_SYS_ADMIN, CAP_SETPCAP};
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
        if (syscall(SYS_capget, &header, data) < 0)
                return sc_throw_errno(error, "Cannot look at its capabilities");
        for (guint i = 0; i < G_N_ELEMENTS(capabilities); i++) {
                if (prctl(PR_CAPBSET_DROP, (unsigned long)capabilities[i], 0, 0, 0) < 0)
                        return sc_throw_errno(error, "Cannot give up a capability");
                data[CAP_TO_INDEX(capabilities[i])].effective &= ~CAP_TO_MASK(capabilities[i]);
                data[CAP_TO_INDEX(capabilities[i])].permitted &= ~CAP_TO_MASK(capabilities[i]);
                data[CAP_TO_INDEX(capabilities[i])].inheritable &= ~CAP_TO_MASK(capabilities[i]);
        }
        return syscall(SYS_capset, &header, data) == 0 || sc_throw_errno(error, "Cannot give up capabilities");
}

bool sc_sysroot_open(GError **error)
{
        struct statvfs look;
        if (statvfs(SYSROOT, &look) == 0 && (look.f_flag & ST_RDONLY) != 0 && !make_writable(&look, error))
                return false;
        return give_up_privileges(error);
}
