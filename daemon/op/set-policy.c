/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include "base/atomicfile.h"
#include "base/containers-conf.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "lookaside-file.h"
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

/* What is set, by whom it was asked. */
typedef struct {
        ScOpContext *context;
        int folder; /* of the settings, locked */
        const char *text;
        gsize size;
        const char *images, *url; /* where signatures lie; images NULL: stays as it is; url "": nowhere in particular */
        bool changed;
} Setting;

static bool write_policy(Setting *setting, const char *before, gsize before_size, GError **error)
{
        if (before != NULL && before_size == setting->size && memcmp(before, setting->text, setting->size) == 0)
                return true;
        setting->changed = true;
        return sc_write_sweep(setting->folder, NAME, error) && sc_failpoint("set-policy", error) &&
               sc_write_file(setting->folder, NAME, setting->text, (gssize)setting->size, 0644, SC_WRITE_REPLACE, error);
}

static bool write_lookaside(Setting *setting, GError **error)
{
        bool changed = false;
        if (setting->images == NULL || *setting->url == '\0')
                return true;
        if (!sc_lookaside_file_write(setting->context->config->scope, setting->folder, setting->images, setting->url, &changed,
                                     error))
                return false;
        setting->changed |= changed;
        return true;
}

static bool remove_lookaside(Setting *setting, GError **error)
{
        bool changed = false;
        g_autofree char *other = NULL;
        if (setting->images == NULL || *setting->url != '\0')
                return true;
        if (!sc_lookaside_file_remove(setting->context->config->scope, setting->images, &changed, &other, error))
                return false;
        setting->changed |= changed;
        if (other != NULL)
                sc_report_message(setting->context->report, "%s still says where signatures of %s lie, among other things", other,
                                  setting->images);
        return true;
}

/* Two files cannot be exchanged in one moment. Where signatures lie lets nothing in by itself, so it is there before the rule that
 * may want them, and goes after it; who is interrupted between the two says the same again. */
static bool write_all(Setting *setting, GError **error)
{
        const ScOpContext *context = setting->context;
        g_autofree char *path = NULL, *before = NULL;
        gsize size;
        return sc_containers_read(context->config->scope, NAME, SC_POLICY_MAX_SIZE, &path, &before, &size, error) &&
               check_expected(context, before != NULL ? before : "", size, error) && write_lookaside(setting, error) &&
               write_policy(setting, before, size, error) && remove_lookaside(setting, error);
}

static bool read_lookaside(Setting *setting, GError **error)
{
        if (!sc_option_string(setting->context, "lookaside-scope", &setting->images, error) ||
            !sc_option_string(setting->context, "lookaside", &setting->url, error))
                return false;
        if ((setting->images == NULL) != (setting->url == NULL))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "Of the options `lookaside-scope` and `lookaside` each needs the other");
        return setting->images == NULL || *setting->url == '\0' || sc_lookaside_file_check(setting->images, setting->url, error);
}

static bool set(Setting *setting, GError **error)
{
        g_autofree char *folder = sc_containers_own_folder(setting->context->config->scope);
        sc_autofd fd = open_folder(folder, error);
        if (fd < 0)
                return false;
        setting->folder = fd;
        if (!write_all(setting, error))
                return false;
        sc_detail(setting->context, "changed", setting->changed ? "yes" : "no");
        return true;
}

bool sc_set_policy_recover(const ScOpContext *context, GError **error)
{
        g_autofree char *folder = sc_containers_own_folder(context->config->scope);
        sc_autofd fd = sc_open_dir(folder, NULL);
        /* Where there is none, nothing was written; who has the lock sweeps by himself. */
        return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || sc_write_sweep(fd, NAME, error);
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
        Setting setting = {.context = context, .text = text, .size = size};
        return read_lookaside(&setting, error) && set(&setting, error);
}
