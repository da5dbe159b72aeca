/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install-package.h"

#include "base/error.h"
#include "base/path.h"
#include "options.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

enum { LOOK_INTERVAL_MS = 200 };

/* Who reads at the other end may be slow, or never come. */
static bool wait_writable(int fd, GCancellable *cancellable, GError **error)
{
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        for (;;) {
                if (sc_cancelled(cancellable, error))
                        return false;
                int r = poll(&poll_fd, 1, LOOK_INTERVAL_MS);
                if (r > 0)
                        return true;
                if (r < 0 && errno != EINTR)
                        return sc_throw_errno(error, "Cannot wait for the output");
        }
}

/* In pieces that a pipe takes at once when poll says that it takes something (pipe(7)). */
static bool hand_over(ScOpContext *context, int package, int output, GError **error)
{
        char buffer[PIPE_BUF];
        struct stat st;
        if (fstat(package, &st) < 0)
                return sc_throw_errno(error, "Cannot look at the package");
        sc_report_phase(context->report, "Writing the package", (guint64)st.st_size);
        for (;;) {
                ssize_t size = read(package, buffer, sizeof buffer);
                if (size < 0)
                        return sc_throw_errno(error, "Cannot read the package");
                if (size == 0)
                        return true;
                if (!wait_writable(output, context->cancellable, error) || !sc_write_all(output, buffer, (gsize)size, error))
                        return sc_prefix(error, "Cannot write the package");
                sc_report_advance(context->report, (guint64)size);
        }
}

bool sc_install_package(ScOpContext *context, ScRepository *repository, ScChange *change, const ScBuildInput *input, int output,
                        GError **error)
{
        g_autofree char *destination = g_build_filename(context->config->preinstalled_path, input->container, NULL);
        ScBuildInput here = *input;
        here.destination = destination;
        g_autofree char *name = NULL;
        sc_autofd package = sc_build_package(context, repository, change->systemd, change->checkout_fd, &here, &name, error);
        if (package < 0 || !hand_over(context, package, output, error))
                return false;
        sc_detail(context, "package", name);
        sc_detail(context, "changed", "no");
        return true;
}
