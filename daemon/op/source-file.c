/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source-file.h"

#include "base/error.h"
#include "base/path.h"
#include "options.h"
#include "store/spool.h"
#include <sys/stat.h>
#include <unistd.h>

static bool write_down(const ScOpContext *context, ScRepository *repository, int *fd, GError **error)
{
        if (isatty(*fd))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "An archive does not come from a terminal");
        if (repository == NULL)
                return sc_throw(error, SC_ERROR_UNSUPPORTED,
                                "What comes through a pipe can be read once only, and not for a plan: give the archive's file");
        const ScSpoolLimits limits = {.max = context->config->max_archive_size,
                                      .stall_seconds = SC_FILE_PATIENCE * context->config->stall_timeout};
        sc_autofd whole = sc_spool(repository, *fd, &limits, context->report, context->cancellable, error);
        if (whole < 0)
                return false;
        sc_close(fd);
        *fd = sc_steal_fd(&whole);
        return true;
}

bool sc_source_file_open(const ScOpContext *context, const ScReference *reference, ScRepository *repository, int *ret,
                         GError **error)
{
        struct stat st;
        sc_autofd fd = -1;
        *ret = -1;
        if (!sc_source_is_file(reference->source))
                return true;
        if (!sc_option_fd(context, "file", &fd, error))
                return false;
        if (fd < 0)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "A pull from %s needs the file, as the option `file`",
                                sc_source_facts(reference->source)->prefix);
        if (fstat(fd, &st) < 0)
                return sc_throw_errno(error, "Cannot look at the file that was handed over");
        bool is_archive = reference->source != SC_SOURCE_OCI_LAYOUT;
        if (is_archive && !S_ISREG(st.st_mode) && !write_down(context, repository, &fd, error))
                return false;
        *ret = sc_steal_fd(&fd);
        return true;
}
