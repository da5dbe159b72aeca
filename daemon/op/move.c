/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "move.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/path.h"
#include "base/report.h"
#include "host-package.h"
#include "options.h"
#include "store/deployment.h"
#include "unit/hostfiles.h"
#include "unit/service.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
        const char *name;
        bool (*take)(ScMove *move, GError **error);
} Step;

static const ScScope *scope(const ScChange *change)
{
        return change->context->config->scope;
}

static ScReport *report(const ScMove *move)
{
        return move->change->context->report;
}

/* Going back is not cancelled: it is what a cancelled change does. */
static GCancellable *cancellable(const ScMove *move)
{
        return move->back ? NULL : move->change->context->cancellable;
}

/* Going back succeeds on a full disk: what was not changed yet is not written again, and what was makes room. The intent says what
 * is to come, should that be interrupted. */
static ScWriteFlags flags_of(const ScMove *move)
{
        return move->back ? SC_WRITE_MAKE_ROOM : SC_WRITE_REPLACE;
}

static bool write_or_remove(const char *folder, const char *name, const char *text, ScWriteFlags flags, GError **error)
{
        sc_autofd root = sc_open_dir("/", error);
        sc_autofd fd = root >= 0 ? sc_make_dirs(root, folder + 1, 0755, error) : -1;
        if (fd < 0)
                return false;
        if (!sc_write_sweep(fd, name, error))
                return false;
        return text != NULL ? sc_write_changed(fd, name, text, 0644, flags, error) : sc_unlink_durably(fd, name, error);
}

bool sc_move_put_unit(const ScChange *change, const char *text, ScWriteFlags flags, GError **error)
{
        return write_or_remove(scope(change)->unit_dir, change->unit, text, flags, error);
}

static char *tmpfiles_name(const ScChange *change)
{
        return g_strconcat(change->container, ".conf", NULL);
}

bool sc_move_put_tmpfiles(const ScChange *change, const char *text, ScWriteFlags flags, GError **error)
{
        g_autofree char *name = tmpfiles_name(change);
        return write_or_remove(scope(change)->tmpfiles_dir, name, text, flags, error);
}

char *sc_move_tmpfiles_path(const ScChange *change)
{
        g_autofree char *name = tmpfiles_name(change);
        return g_build_filename(scope(change)->tmpfiles_dir, name, NULL);
}

bool sc_move_tmpfiles_are_free(const ScChange *change, GError **error)
{
        g_autofree char *path = sc_move_tmpfiles_path(change);
        struct stat st;
        return lstat(path, &st) != 0 || sc_throw(error, SC_ERROR_EXISTS, "The file %s already exists.", path);
}

static bool stop_service(ScMove *move, GError **error)
{
        const ScIntent *intent = move->change->intent;
        /* A new deployment that cannot be read any more may run all the same. */
        bool has_service = move->from != NULL ? move->from->unit_text != NULL : move->back;
        if (!has_service || (!intent->was_active && !intent->start) || move->change->when == SC_RECOVER_BOOT)
                return true;
        return sc_systemd_stop(move->change->systemd, move->change->unit, NULL, error);
}

/* Which deployment lies in a slot is told by the id in its info: names alone do not tell whether an exchange has happened. An
 * info that is missing or broken is not the one that we wrote; one that cannot be read might be. */
static bool slot_holds(ScChange *change, const ScIntentSide *side, bool *ret, GError **error)
{
        g_autofree char *folder = sc_slot_name(change->container, side->slot);
        g_autoptr(GError) local = NULL;
        sc_autofd fd = sc_open_beneath(change->checkout_fd, folder, O_RDONLY | O_DIRECTORY, 0, &local);
        g_autoptr(ScInfo) info = fd >= 0 ? sc_info_read(fd, folder, &local) : NULL;
        if (info == NULL && !g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND) &&
            !g_error_matches(local, SC_ERROR, SC_ERROR_CORRUPT)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        *ret = info != NULL && g_strcmp0(info->deployment_id, side->id) == 0;
        return true;
}

static char *folder_of(ScChange *change, const ScIntentSide *side, GError **error)
{
        bool in_slot = true;
        if (side->hidden != NULL && !slot_holds(change, side, &in_slot, error))
                return NULL;
        return in_slot ? sc_slot_name(change->container, side->slot) : g_strdup(side->hidden);
}

ScSide *sc_move_open_side(ScChange *change, const ScIntentSide *side, GError **error)
{
        g_autofree char *folder = folder_of(change, side, error);
        return folder == NULL ? NULL : sc_side_open(change->context->config, change->checkout_fd, change->container, folder, error);
}

ScSide *sc_move_open_leaving(ScChange *change, const ScIntentSide *side, GError **error)
{
        g_autofree char *folder = folder_of(change, side, error);
        return folder == NULL
                       ? NULL
                       : sc_side_open_leaving(change->context->config, change->checkout_fd, change->container, folder, error);
}

static bool place(ScMove *move, GError **error)
{
        ScChange *change = move->change;
        const ScIntentSide *new = &change->intent->new;
        bool placed = true;
        if (new->hidden != NULL && !slot_holds(change, new, &placed, error))
                return false;
        return placed || sc_slot_place(change->checkout_fd, change->container, new->slot, new->hidden, error);
}

/* The reverse of place: what was displaced returns into the slot, and what was built lies under its hidden name again. */
static bool take_away(ScMove *move, GError **error)
{
        ScChange *change = move->change;
        const ScIntentSide *new = &change->intent->new;
        bool placed = false;
        if (new->hidden != NULL && !slot_holds(change, new, &placed, error))
                return false;
        if (!placed)
                return true;
        g_autofree char *slot = sc_slot_name(change->container, new->slot);
        int displaced = sc_lstat(change->checkout_fd, new->hidden, NULL, error);
        if (displaced < 0)
                return false;
        return displaced > 0 ? sc_rename_exchange(change->checkout_fd, slot, new->hidden, error)
                             : sc_rename_new(change->checkout_fd, slot, new->hidden, error);
}

/* A host file that appeared between plan and now is not ours: it leaves the record, so that nothing removes it later. On the way
 * back that may wait, as it needs space: what is not as it was recorded is not removed, either. */
static bool forget_skipped(ScSide *side, GPtrArray *skipped, GError **error)
{
        bool changed = false;
        for (guint i = 0; skipped != NULL && i < skipped->len; i++)
                changed |= g_hash_table_remove(side->info->installed_files, skipped->pdata[i]);
        return !changed || sc_info_write(side->fd, side->info, SC_WRITE_REPLACE, error);
}

static bool host_files(ScMove *move, GError **error)
{
        const ScSide none = {.hostfs_fd = -1};
        const ScSide *to = move->to != NULL ? move->to : &none;
        GPtrArray *old = move->from != NULL ? move->from->files : NULL;
        g_autoptr(GPtrArray) skipped = NULL;
        sc_autofd root = sc_open_dir("/", error);
        if (root < 0)
                return false;
        if (move->back)
                return sc_host_files_put_back(root, to->hostfs_fd, to->files, to->variables, old, report(move), NULL, error);
        return sc_host_files_apply(root, to->hostfs_fd, to->files, to->variables, old, report(move), &skipped, error) &&
               (move->to == NULL || forget_skipped(move->to, skipped, error));
}

static const char *install_section(const char *unit_text)
{
        const char *section = unit_text != NULL ? strstr(unit_text, "[Install]") : NULL;
        return section != NULL ? section : "";
}

bool sc_move_enables(const ScMove *move)
{
        if (move->to == NULL || move->to->unit_text == NULL || !sc_service_is_enableable(move->to->unit_text))
                return false;
        return move->change->intent->was_enabled || (!move->back && move->from_intent->slot < 0);
}

/* The links of an old [Install] section are found through the unit file: they go before it does. */
static bool disable(ScMove *move, GError **error)
{
        const char *from = install_section(move->from != NULL ? move->from->unit_text : NULL);
        const char *to = install_section(move->to != NULL ? move->to->unit_text : NULL);
        if (from[0] == '\0' || strcmp(from, to) == 0)
                return true;
        return sc_systemd_disable(move->change->systemd, move->change->unit, error);
}

/* What has no service leaves alone a unit of its name, which is somebody else's. */
static bool unit_file(ScMove *move, GError **error)
{
        bool had_none = move->from != NULL ? !move->from->info->has_service : !move->back;
        if (had_none && (move->to == NULL || move->to->unit_text == NULL))
                return true;
        return sc_move_put_unit(move->change, move->to != NULL ? move->to->unit_text : NULL, flags_of(move), error);
}

/* What has no lines for tmpfiles.d leaves alone a file of its name there, which is somebody else's. */
static bool tmpfiles_file(ScMove *move, GError **error)
{
        bool had_none = move->from != NULL ? sc_side_has_no_tmpfiles(move->from) : !move->back;
        if (had_none && (move->to == NULL || move->to->tmpfiles_text == NULL))
                return true;
        return sc_move_put_tmpfiles(move->change, move->to != NULL ? move->to->tmpfiles_text : NULL, flags_of(move), error);
}

static bool make_live(ScMove *move, GError **error)
{
        return sc_slot_make_live(move->change->checkout_fd, move->change->container, move->to_intent->slot, flags_of(move), error);
}

/* Units, or additions to those of others, among the host files; of a package it is not known. */
static bool brings_units(const ScSide *side)
{
        bool found = side->package != NULL;
        for (guint i = 0; i < side->files->len; i++) {
                const ScHostFile *file = side->files->pdata[i];
                found = found || strstr(file->destination, "/systemd/") != NULL;
        }
        return found;
}

/* Whether the daemon may have systemd read all units when the job is over: the one that is new it reads when it is asked for it,
 * and nothing else is needed before. */
static bool reload_can_wait(ScMove *move, bool *ret, GError **error)
{
        ScChange *change = move->change;
        *ret = false;
        if (change->context->job == 0 || move->back || move->from_intent->slot >= 0 || change->intent->start ||
            move->to->unit_text == NULL || brings_units(move->to))
                return true;
        g_auto(ScUnitState) state = {0};
        g_autofree char *file = g_build_filename(scope(change)->unit_dir, change->unit, NULL);
        if (!sc_systemd_state(change->systemd, change->unit, &state, error))
                return false;
        *ret = g_strcmp0(state.load_state, "loaded") == 0 && g_strcmp0(state.fragment_path, file) == 0 && !state.is_stale;
        return true;
}

static bool reload(ScMove *move, GError **error)
{
        bool can_wait;
        /* Whoever knows the atomic command waits for this line. */
        if (!move->back)
                sc_report_message(report(move), "%s daemon-reload", scope(move->change)->systemctl);
        if (!reload_can_wait(move, &can_wait, error))
                return false;
        if (!can_wait)
                return sc_systemd_reload(move->change->systemd, error);
        sc_detail(move->change->context, SC_DETAIL_RELOAD, "due");
        return true;
}

/* What cannot be made any more (the container's own user has put a link in the way) keeps nobody from going back: the service tells
 * whether it can do without. */
static bool make_by_tmpfiles(ScMove *move, const char *path, GError **error)
{
        g_autoptr(GError) local = NULL;
        if (sc_tmpfiles_create(scope(move->change), path, cancellable(move), &local))
                return true;
        if (!move->back || !g_error_matches(local, SC_ERROR, SC_ERROR_FAILED)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return false;
        }
        sc_report_message(report(move), "%s", local->message);
        return true;
}

/* At boot, too: systemd-tmpfiles-setup.service went by the file that lay there when the machine went down. An image may extend
 * units of others in this way (systemd/system/docker.service.d/): systemd has to read them, and the start that follows needs it. */
static bool create_tmpfiles(ScMove *move, GError **error)
{
        if (move->to == NULL || move->to->tmpfiles_text == NULL)
                return true;
        g_autofree char *path = sc_move_tmpfiles_path(move->change);
        if (!move->back)
                sc_report_message(report(move), "%s --create %s", scope(move->change)->tmpfiles, path);
        return make_by_tmpfiles(move, path, error) &&
               (strstr(move->to->tmpfiles_text, "/systemd/") == NULL || sc_systemd_reload(move->change->systemd, error));
}

/* A unit without [Install], or none, is neither enabled nor disabled: what the one before it was is written down, for the next. */
static bool remember_enabled(ScMove *move, GError **error)
{
        if (move->to == NULL || (move->to->unit_text != NULL && sc_service_is_enableable(move->to->unit_text)))
                return true;
        bool enabled = move->change->intent->was_enabled || (!move->back && move->from_intent->slot < 0);
        if (move->to->info->enabled == enabled)
                return true;
        move->to->info->enabled = enabled;
        return sc_info_write(move->to->fd, move->to->info, SC_WRITE_REPLACE, error);
}

static bool enable(ScMove *move, GError **error)
{
        if (!sc_move_enables(move))
                return remember_enabled(move, error);
        if (!move->back && move->from_intent->slot < 0)
                sc_report_message(report(move), "%s enable %s", scope(move->change)->systemctl, move->change->container);
        return sc_systemd_enable(move->change->systemd, move->change->unit, error);
}

static bool start_service(ScMove *move, GError **error)
{
        ScChange *change = move->change;
        const ScIntent *intent = change->intent;
        if (move->to == NULL || move->to->unit_text == NULL)
                return true;
        /* After a reboot "it ran" means nothing any more: what is enabled runs. */
        bool another_boot = sc_intent_is_of_another_boot(intent);
        bool wanted = another_boot ? sc_move_enables(move) : intent->was_active || (intent->start && !move->back);
        if (!wanted)
                return true;
        if (change->when == SC_RECOVER_BOOT)
                return sc_systemd_start_later(change->systemd, change->unit, error);
        if (!sc_systemd_reset_failed(change->systemd, change->unit, error))
                return false;
        return sc_systemd_start(change->systemd, change->unit, change->context->config->start_timeout, cancellable(move), error);
}

static const Step steps_on[] = {
        {"stop", stop_service},
        {"place", place},
        {"package-away", sc_host_package_leave},
        {"host-files", host_files},
        {"package", sc_host_package_take},
        {"disable", disable},
        {"unit-file", unit_file},
        {"tmpfiles-file", tmpfiles_file},
        {"make-live", make_live},
        {"reload", reload},
        {"tmpfiles", create_tmpfiles},
        {"enable", enable},
};

static const Step steps_back[] = {
        {"back-stop", stop_service},
        {"back-package-away", sc_host_package_leave},
        {"back-host-files", host_files},
        {"back-package", sc_host_package_take},
        {"back-disable", disable},
        {"back-unit-file", unit_file},
        {"back-tmpfiles-file", tmpfiles_file},
        {"back-make-live", make_live},
        {"back-take-away", take_away},
        {"back-reload", reload},
        {"back-tmpfiles", create_tmpfiles},
        {"back-enable", enable},
};

static bool take_steps(ScMove *move, const Step *steps, guint n, GError **error)
{
        for (guint i = 0; i < n; i++) {
                if (!sc_failpoint(steps[i].name, error) || sc_cancelled(cancellable(move), error) || !steps[i].take(move, error)) {
                        move->failed_step = steps[i].name;
                        return sc_prefix(error, "Step %s", steps[i].name);
                }
                sc_report_advance(report(move), 1);
        }
        return true;
}

bool sc_move_start(ScMove *move, GError **error)
{
        const Step step = {move->back ? "back-start" : "start", start_service};
        return take_steps(move, &step, 1, error);
}

bool sc_move_on(ScMove *move, GError **error)
{
        sc_report_phase(report(move), "Switching", G_N_ELEMENTS(steps_on) + 1);
        return take_steps(move, steps_on, G_N_ELEMENTS(steps_on), error) && sc_move_start(move, error);
}

bool sc_move_back(ScMove *move, GError **error)
{
        sc_report_phase(report(move), "Going back", G_N_ELEMENTS(steps_back) + 1);
        return take_steps(move, steps_back, G_N_ELEMENTS(steps_back), error);
}
