/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysconsd.conf. Whatever it says, there is a configuration or an error. */

#include "fuzz.h"

#include "base/config.h"
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int fd = memfd_create("settings", MFD_CLOEXEC);
        g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
        g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
        g_autoptr(GError) error = NULL;
        g_autoptr(ScConfig) config = sc_config_load(path, &error);
        g_assert((config == NULL) == (error != NULL));
        close(fd);
        return 0;
}
