/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/atomicfile.h"
#include "base/containers-conf.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "options.h"
#include "registry/policy.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define NAME "policy.json"

/* The folder, made where it is missing, and locked: two editors come one after the other. */
static int open_folder(const char *folder, GError **error)
{
        sc_autofd root = sc_open_dir("/", error);
        sc_autofd fd = -1;
        if (root < 0)
                return -1;
        g_autofree char *parent = g_path_get_dirname(folder), *name = g_path_get_basename(folder);
        /* In what leads there an administrator may have a symlink. */
        sc_autofd above = sc_open_dir(parent, NULL);
        fd = above >= 0 ? sc_make_dirs(above, name, 0755, error) : sc_make_dirs(root, folder + 1, 0755, error);
        if (fd >= 0 && flock(fd, LOCK_EX) < 0) {
                sc_throw_errno(error, "Cannot lock %s", folder);
                return -1;
        }
        return sc_steal_fd(&fd);
}

/* What is in force now, so that what somebody else has written meanwhile is not lost. */
static bool check_expected(const ScOpContext *context, const char *before, gsize size, GError **error)
{
        const char *expected;
        if (!sc_option_string(context, "expected-digest", &expected, error))
                return false;
        if (expected == NULL)
                return true;
        ScDigest now;
        sc_digest_of(before, size, &now);
        g_autofree char *digest = sc_digest_to_string(&now);
        return g_strcmp0(digest, expected) == 0 ||
               sc_throw(error, SC_ERROR_BUSY, "The policy was changed by somebody else meanwhile: look at it again");
}

static bool write_policy(ScOpContext *context, const char *text, gsize size, GError **error)
{
        g_autofree char *folder = sc_containers_own_folder(context->config->scope);
        g_autofree char *path = NULL, *before = NULL;
        gsize before_size;
        sc_autofd fd = open_folder(folder, error);
        if (fd < 0 || !sc_containers_read(context->config->scope, NAME, SC_POLICY_MAX_SIZE, &path, &before, &before_size, error) ||
            !check_expected(context, before != NULL ? before : "", before_size, error))
                return false;
        bool same = before != NULL && before_size == size && memcmp(before, text, size) == 0;
        sc_detail(context, "changed", same ? "no" : "yes");
        if (same)
                return true;
        return sc_write_sweep(fd, NAME, error) && sc_failpoint("set-policy", error) &&
               sc_write_file(fd, NAME, text, (gssize)size, 0644, SC_WRITE_REPLACE, error);
}

bool sc_op_set_policy(ScOpContext *context, GError **error)
{
        sc_autofd file = -1;
        g_autofree char *text = NULL;
        gsize size;
        if (!sc_option_fd(context, "policy", &file, error))
                return false;
        if (file < 0)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "There is no policy to set");
        if (!sc_read_fd(file, "policy", SC_POLICY_MAX_SIZE, &text, &size, error))
                return false;
        g_autoptr(GError) local = NULL;
        g_autoptr(ScPolicy) policy = sc_policy_parse(text, (gssize)size, "policy", &local);
        if (policy == NULL)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "%s", local->message);
        return write_policy(context, text, size, error);
}
