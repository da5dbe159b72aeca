/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slice.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* SCHED_FLAG_KEEP_POLICY */
#define KEEP_POLICY 0x08u

/* sched_attr of the kernel, its first version: the C library has none, and the kernel's header does not go with the C library's. */
typedef struct {
        guint32 size, policy;
        guint64 flags;
        gint32 nice;
        guint32 priority;
        guint64 slice, deadline, period;
} Attributes;

void sc_slice_set(guint64 length)
{
        const Attributes attributes = {
                .size = sizeof attributes, .flags = KEEP_POLICY, .nice = getpriority(PRIO_PROCESS, 0), .slice = length};
        syscall(SYS_sched_setattr, 0, &attributes, 0);
}
