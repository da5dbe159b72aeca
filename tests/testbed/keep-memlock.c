/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* crun raises RLIMIT_MEMLOCK for its device filter. Without CAP_SYS_RESOURCE (build machines, containers) that is refused, though
 * the limit is high enough as it is: preloaded, this lets the attempt pass. Nothing else changes. */

#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
        if (syscall(SYS_prlimit64, 0, resource, limit, NULL) == 0)
                return 0;
        return errno == EPERM && resource == RLIMIT_MEMLOCK ? 0 : -1;
}

/* The same structure on 64-bit machines, where this runs. */
int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
        return setrlimit(resource, (const struct rlimit *)limit);
}
