/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change.h"

#include "base/atomicfile.h"
#include "base/error.h"
#include "base/failpoint.h"
#include "base/journal.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/reference.h"
#include "side.h"
#include "store/deployment.h"
#include "trial.h"
#include "unit/hostfiles.h"
#include "unit/service.h"
#include <fcntl.h>
#include <string.h>
#include <syslog.h>

/* The two sides opened, and which of them the steps lead to. */
typedef struct {
        ScChange *change;
        ScSide *from; /* NULL: there is none */
        ScSide *to;   /* NULL: there is none (an install that is undone) */
        const ScIntentSide *from_intent;
        const ScIntentSide *to_intent;
        bool back;
        const char *failed_step; /* set by take_steps() */
} Move;

typedef struct {
        const char *name;
        bool (*take)(Move *move, GError **error);
} Step;

void sc_change_free(ScChange *change)
{
        if (change == NULL)
                return;
        sc_intent_free(change->intent);
        sc_systemd_close(change->systemd);
        sc_close(&change->lock_fd);
        sc_close(&change->checkout_fd);
        g_free(change->container);
        g_free(change->unit);
        g_free(change);
}

static ScChange *change_new(ScOpContext *context, const char *container, ScRecoverWhen when, GError **error)
{
        if (!sc_container_name_check(container, error))
                return NULL;
        g_autoptr(ScChange) change = g_new0(ScChange, 1);
        change->context = context;
        change->container = g_strdup(container);
        change->unit = g_strconcat(container, ".service", NULL);
        change->when = when;
        change->lock_fd = -1;
        change->checkout_fd = sc_checkout_open(context->config, true, error);
        if (change->checkout_fd < 0)
                return NULL;
        change->systemd = sc_systemd_open(error);
        return change->systemd != NULL ? g_steal_pointer(&change) : NULL;
}

static char *lock_name(const char *container)
{
        return g_build_filename(SC_LOCK_DIR, container, NULL);
}

ScChange *sc_change_begin(ScOpContext *context, const char *container, GError **error)
{
        g_autoptr(ScChange) change = change_new(context, container, SC_RECOVER_NOW, error);
        if (change == NULL)
                return NULL;
        g_autofree char *lock = lock_name(container);
        change->lock_fd = sc_lock_wait(change->checkout_fd, lock, SC_LOCK_EXCLUSIVE, context->cancellable, error);
        if (change->lock_fd < 0)
                return NULL;

        g_autoptr(GError) local = NULL;
        change->intent = sc_intent_read(change->checkout_fd, container, &local);
        if (change->intent != NULL) {
                if (!sc_change_recover(change, error)) {
                        sc_prefix(error, "An interrupted %s of %s could not be finished", change->intent->operation, container);
                        return NULL;
                }
                g_clear_pointer(&change->intent, sc_intent_free);
        } else if (!g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&local));
                return NULL;
        }
        return sc_slot_sweep(change->checkout_fd, container, error) ? g_steal_pointer(&change) : NULL;
}

ScChange *sc_change_adopt(ScOpContext *context, const char *container, ScRecoverWhen when, GError **error)
{
        g_autoptr(ScChange) change = change_new(context, container, when, error);
        if (change == NULL)
                return NULL;
        g_autofree char *lock = lock_name(container);
        change->lock_fd = sc_lock_try(change->checkout_fd, lock, SC_LOCK_EXCLUSIVE, error);
        if (change->lock_fd < 0)
                return NULL;
        g_autoptr(GError) local = NULL;
        change->intent = sc_intent_read(change->checkout_fd, container, &local);
        if (change->intent != NULL)
                return g_steal_pointer(&change);
        /* Interrupted before anything was decided: what was being built is all there is to clean up. */
        bool swept = !g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND) || sc_slot_sweep(change->checkout_fd, container, error);
        if (swept)
                g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

bool sc_change_observe(ScChange *change, ScIntent *intent, GError **error)
{
        g_auto(ScUnitState) state = {0};
        g_autofree char *file_state = NULL;
        if (!sc_systemd_state(change->systemd, change->unit, &state, error) ||
            !sc_systemd_file_state(change->systemd, change->unit, &file_state, error))
                return false;
        if (g_strcmp0(file_state, "masked") == 0 || g_strcmp0(file_state, "masked-runtime") == 0)
                return sc_throw(error, SC_ERROR_FAILED, "%s is masked: run `systemctl unmask %s` first", change->unit,
                                change->unit);
        intent->was_active = strcmp(state.active_state, "active") == 0 || strcmp(state.active_state, "activating") == 0 ||
                             strcmp(state.active_state, "reloading") == 0;
        intent->was_enabled = g_strcmp0(file_state, "enabled") == 0;
        return true;
}

/* ---- steps ---- */

static ScReport *report(const Move *move)
{
        return move->change->context->report;
}

/* Going back is not cancelled: it is what a cancelled change does. */
static GCancellable *cancellable(const Move *move)
{
        return move->back ? NULL : move->change->context->cancellable;
}

static bool stop_service(Move *move, GError **error)
{
        if (move->from == NULL || move->from->unit_text == NULL ||
            (!move->change->intent->was_active && !move->change->intent->start))
                return true;
        if (move->change->when == SC_RECOVER_BOOT)
                return true;
        return sc_systemd_stop(move->change->systemd, move->change->unit, NULL, error);
}

/* Which deployment lies in a slot is told by the id in its info: names alone do not tell whether an exchange has happened. */
static bool slot_holds(ScChange *change, const ScIntentSide *side)
{
        g_autofree char *folder = sc_slot_name(change->container, side->slot);
        sc_autofd fd = sc_open_beneath(change->checkout_fd, folder, O_RDONLY | O_DIRECTORY, 0, NULL);
        g_autoptr(ScInfo) info = fd >= 0 ? sc_info_read(fd, folder, NULL) : NULL;
        return info != NULL && g_strcmp0(info->deployment_id, side->id) == 0;
}

static bool place(Move *move, GError **error)
{
        ScChange *change = move->change;
        const ScIntentSide *new = &change->intent->new;
        if (new->hidden == NULL || slot_holds(change, new))
                return true;
        return sc_slot_place(change->checkout_fd, change->container, new->slot, new->hidden, error);
}

/* The reverse of place: what was displaced returns into the slot, and what was built lies under its hidden name again. */
static bool take_away(Move *move, GError **error)
{
        ScChange *change = move->change;
        const ScIntentSide *new = &change->intent->new;
        if (new->hidden == NULL || !slot_holds(change, new))
                return true;
        g_autofree char *slot = sc_slot_name(change->container, new->slot);
        int displaced = sc_lstat(change->checkout_fd, new->hidden, NULL, error);
        if (displaced < 0)
                return false;
        return displaced > 0 ? sc_rename_exchange(change->checkout_fd, slot, new->hidden, error)
                             : sc_rename_new(change->checkout_fd, slot, new->hidden, error);
}

/* A host file that appeared between plan and now is not ours: it leaves the record, so that nothing removes it later. */
static bool forget_skipped(ScSide *side, GPtrArray *skipped, GError **error)
{
        if (skipped == NULL || skipped->len == 0)
                return true;
        for (guint i = 0; i < skipped->len; i++)
                g_hash_table_remove(side->info->installed_files, skipped->pdata[i]);
        return sc_info_write(side->fd, side->info, error);
}

static bool host_files(Move *move, GError **error)
{
        sc_autofd root = sc_open_dir("/", error);
        g_autoptr(GPtrArray) skipped = NULL;
        return root >= 0 &&
               sc_host_files_apply(root, move->to != NULL ? move->to->hostfs_fd : -1, move->to != NULL ? move->to->files : NULL,
                                   move->to != NULL ? move->to->variables : NULL, move->from != NULL ? move->from->files : NULL,
                                   report(move), &skipped, error) &&
               (move->to == NULL || forget_skipped(move->to, skipped, error));
}

/* NULL text: the file goes. */
static bool write_or_remove(const char *folder, const char *name, const char *text, GError **error)
{
        sc_autofd root = sc_open_dir("/", error);
        sc_autofd fd = root >= 0 ? sc_make_dirs(root, folder + 1, 0755, error) : -1;
        if (fd < 0)
                return false;
        return text != NULL ? sc_write_file(fd, name, text, -1, 0644, SC_WRITE_REPLACE, error) : sc_unlink_durably(fd, name, error);
}

static const char *install_section(const char *unit_text)
{
        const char *section = unit_text != NULL ? strstr(unit_text, "[Install]") : NULL;
        return section != NULL ? section : "";
}

static bool should_be_enabled(const Move *move)
{
        if (move->to == NULL || move->to->unit_text == NULL || !sc_service_is_enableable(move->to->unit_text))
                return false;
        return move->change->intent->was_enabled || (!move->back && move->from_intent->slot < 0);
}

/* The links of an old [Install] section are found through the unit file: they go before it does. */
static bool disable(Move *move, GError **error)
{
        const char *from = install_section(move->from != NULL ? move->from->unit_text : NULL);
        const char *to = install_section(move->to != NULL ? move->to->unit_text : NULL);
        if (from[0] == '\0' || strcmp(from, to) == 0)
                return true;
        return sc_systemd_disable(move->change->systemd, move->change->unit, error);
}

static bool unit_file(Move *move, GError **error)
{
        return write_or_remove(SC_UNIT_DIR, move->change->unit, move->to != NULL ? move->to->unit_text : NULL, error);
}

static bool tmpfiles_file(Move *move, GError **error)
{
        g_autofree char *name = g_strconcat(move->change->container, ".conf", NULL);
        return write_or_remove(SC_TMPFILES_DIR, name, move->to != NULL ? move->to->tmpfiles_text : NULL, error);
}

static bool make_live(Move *move, GError **error)
{
        return sc_slot_make_live(move->change->checkout_fd, move->change->container, move->to_intent->slot, error);
}

static bool reload(Move *move, GError **error)
{
        if (!move->back)
                sc_report_message(report(move), "systemctl daemon-reload");
        return sc_systemd_reload(move->change->systemd, error);
}

/* At boot systemd-tmpfiles-setup.service does it, once the file systems it needs are there. */
static bool create_tmpfiles(Move *move, GError **error)
{
        if (move->to == NULL || move->to->tmpfiles_text == NULL || move->change->when == SC_RECOVER_BOOT)
                return true;
        g_autofree char *path = g_strconcat(SC_TMPFILES_DIR "/", move->change->container, ".conf", NULL);
        if (!move->back)
                sc_report_message(report(move), "systemd-tmpfiles --create %s", path);
        return sc_tmpfiles_create(path, cancellable(move), error);
}

static bool enable(Move *move, GError **error)
{
        if (!should_be_enabled(move))
                return true;
        if (!move->back && move->from_intent->slot < 0)
                sc_report_message(report(move), "systemctl enable %s", move->change->container);
        return sc_systemd_enable(move->change->systemd, move->change->unit, error);
}

static bool boot_is_another(const ScIntent *intent)
{
        g_autofree char *boot_id = sc_boot_id();
        return strcmp(boot_id, intent->boot_id) != 0;
}

static bool start_service(Move *move, GError **error)
{
        ScChange *change = move->change;
        const ScIntent *intent = change->intent;
        if (move->to == NULL || move->to->unit_text == NULL)
                return true;
        /* After a reboot "it ran" means nothing any more: what is enabled runs. */
        bool another_boot = boot_is_another(intent);
        bool wanted = another_boot ? should_be_enabled(move) : intent->was_active || (intent->start && !move->back);
        if (!wanted)
                return true;
        if (change->when == SC_RECOVER_BOOT)
                return sc_systemd_start_later(change->systemd, change->unit, error);
        if (!sc_systemd_reset_failed(change->systemd, change->unit, error))
                return false;
        return sc_systemd_start(change->systemd, change->unit, change->context->config->start_timeout, cancellable(move), error);
}

static const Step forward_steps[] = {
        {"stop", stop_service},   {"place", place},         {"host-files", host_files},
        {"disable", disable},     {"unit-file", unit_file}, {"tmpfiles-file", tmpfiles_file},
        {"make-live", make_live}, {"reload", reload},       {"tmpfiles", create_tmpfiles},
        {"enable", enable},       {"start", start_service},
};

static const Step back_steps[] = {
        {"back-stop", stop_service},
        {"back-host-files", host_files},
        {"back-disable", disable},
        {"back-unit-file", unit_file},
        {"back-tmpfiles-file", tmpfiles_file},
        {"back-make-live", make_live},
        {"back-take-away", take_away},
        {"back-reload", reload},
        {"back-tmpfiles", create_tmpfiles},
        {"back-enable", enable},
        {"back-start", start_service},
};

static bool take_steps(Move *move, const Step *steps, guint n, GError **error)
{
        sc_report_phase(report(move), move->back ? "Going back" : "Switching", n);
        for (guint i = 0; i < n; i++) {
                if (!sc_failpoint(steps[i].name, error) || sc_cancelled(cancellable(move), error) || !steps[i].take(move, error)) {
                        move->failed_step = steps[i].name;
                        return sc_prefix(error, "Step %s", steps[i].name);
                }
                sc_report_advance(report(move), 1);
        }
        return true;
}

/* ---- both ways ---- */

/* Where the side lies now: in its slot, or (not placed yet, or taken away) under its hidden name. */
static ScSide *open_side(ScChange *change, const ScIntentSide *side, GError **error)
{
        g_autofree char *slot = sc_slot_name(change->container, side->slot);
        const char *folder = side->hidden != NULL && !slot_holds(change, side) ? side->hidden : slot;
        return sc_side_open(change->context->config, change->checkout_fd, change->container, folder, error);
}

static bool forward(ScChange *change, const char **ret_failed_step, GError **error)
{
        *ret_failed_step = "";
        g_autoptr(ScSide) old = NULL;
        if (change->intent->old.slot >= 0 && (old = open_side(change, &change->intent->old, error)) == NULL)
                return false;
        g_autoptr(ScSide) new = open_side(change, &change->intent->new, error);
        if (new == NULL)
                return false;
        Move move = {
                .change = change, .from = old, .to = new, .from_intent = &change->intent->old, .to_intent = &change->intent->new};
        if (take_steps(&move, forward_steps, G_N_ELEMENTS(forward_steps), error))
                return true;
        *ret_failed_step = move.failed_step;
        return false;
}

static bool set_phase(ScChange *change, ScIntentPhase phase, GError **error)
{
        change->intent->phase = phase;
        return sc_intent_write(change->checkout_fd, change->intent, error);
}

static bool finish(ScChange *change, GError **error)
{
        const char *hidden = change->intent->new.hidden;
        if (!sc_failpoint("clean-up", error) || (hidden != NULL && !sc_remove_tree(change->checkout_fd, hidden, error)))
                return false;
        return sc_failpoint("intent-gone", error) && sc_intent_remove(change->checkout_fd, change->container, error);
}

/* Remembered in the old deployment, which lives on. */
static bool remember_bad_image(ScSide *old, const ScSide *new, GError **error)
{
        if (old == NULL || new == NULL)
                return true;
        g_free(old->info->bad_image);
        old->info->bad_image = g_strdup(new->info->revision);
        return sc_info_write(old->fd, old->info, error);
}

static bool go_back(ScChange *change, GError **error)
{
        if (!set_phase(change, SC_INTENT_BACK, error))
                return false;
        g_autoptr(ScSide) old = NULL;
        if (change->intent->old.slot >= 0 && (old = open_side(change, &change->intent->old, error)) == NULL)
                return false;
        /* What was built may be gone already, if this was interrupted during its clean-up. */
        g_autoptr(ScSide) new = open_side(change, &change->intent->new, NULL);
        Move move = {.change = change,
                     .from = new,
                     .to = old,
                     .from_intent = &change->intent->new,
                     .to_intent = &change->intent->old,
                     .back = true};
        g_autoptr(GError) start_error = NULL;
        if (!take_steps(&move, back_steps, G_N_ELEMENTS(back_steps) - 1, error))
                return false;
        /* An old service that does not start any more is bad news, but the old state is complete: nothing is left to recover. */
        bool started = take_steps(&move, &back_steps[G_N_ELEMENTS(back_steps) - 1], 1, &start_error);
        if (change->intent->bad && !remember_bad_image(old, new, error))
                return false;
        if (!finish(change, error))
                return false;
        if (!started)
                return sc_throw(error, SC_ERROR_FAILED, "The previous deployment is in place again, but does not start: %s",
                                start_error->message);
        return true;
}

/* With the cause in *error: goes back, and says in the message what the state is now. */
static bool fail_and_go_back(ScChange *change, GError **error)
{
        g_autoptr(GError) back_error = NULL;
        bool had_old = change->intent->old.slot >= 0;
        bool ran = change->intent->was_active;
        bool back = go_back(change, &back_error);
        g_autoptr(GError) cause = error != NULL ? g_steal_pointer(error) : NULL;
        if (error == NULL)
                return false;
        ScError code = cause->domain == SC_ERROR ? (ScError)cause->code : SC_ERROR_FAILED;
        if (!back)
                return sc_throw(error, code, "%s. Going back failed, too: %s", cause->message, back_error->message);
        const char *now = !had_old ? "Nothing was installed"
                          : ran    ? "The previous deployment runs again"
                                   : "The previous deployment is in place again";
        sc_journal(LOG_ERR, cause->message, SC_FIELD_CONTAINER, change->container, SC_FIELD_OPERATION, change->intent->operation,
                   NULL);
        return sc_throw(error, code, "%s. %s", cause->message, now);
}

static bool on_trial(const ScChange *change)
{
        return change->intent->was_active || change->intent->start;
}

/* From SC_INTENT_TRIAL on. */
static bool judge(ScChange *change, GError **error)
{
        if (on_trial(change)) {
                sc_report_phase(change->context->report, "Waiting for the service to settle", 0);
                g_autoptr(GError) verdict = NULL;
                if (!sc_trial_hold(change->systemd, change->unit, change->intent->settling_time, change->context->cancellable,
                                   &verdict)) {
                        change->intent->bad = g_error_matches(verdict, SC_ERROR, SC_ERROR_FAILED);
                        g_propagate_error(error, g_steal_pointer(&verdict));
                        return fail_and_go_back(change, error);
                }
        }
        return sc_failpoint("keep", error) && set_phase(change, SC_INTENT_KEEP, error) && finish(change, error);
}

bool sc_change_carry_out(ScChange *change, GError **error)
{
        if (!sc_failpoint("intent", error) || !set_phase(change, SC_INTENT_CHANGE, error))
                return false;
        GError *local = NULL;
        const char *failed_step;
        if (!forward(change, &failed_step, &local)) {
                /* A service that fails to start has been judged; a full disk or a cancelled job judges nobody. */
                change->intent->bad = strcmp(failed_step, "start") == 0 && g_error_matches(local, SC_ERROR, SC_ERROR_FAILED);
                g_propagate_error(error, local);
                return fail_and_go_back(change, error);
        }
        if (on_trial(change) && !set_phase(change, SC_INTENT_TRIAL, &local)) {
                g_propagate_error(error, local);
                return fail_and_go_back(change, error);
        }
        return sc_failpoint("trial", error) && judge(change, error);
}

static bool resume_trial(ScChange *change, GError **error)
{
        /* At boot the service has not been started yet: sysconsd-settle.service judges it later. */
        if (change->when == SC_RECOVER_BOOT)
                return sc_systemd_reload(change->systemd, error);
        g_autoptr(GError) start_error = NULL;
        g_autoptr(ScSide) new = open_side(change, &change->intent->new, error);
        if (new == NULL)
                return false;
        Move move = {.change = change, .to = new, .from_intent = &change->intent->old, .to_intent = &change->intent->new};
        if (boot_is_another(change->intent) && !should_be_enabled(&move))
                return set_phase(change, SC_INTENT_KEEP, error) && finish(change, error);
        if (!start_service(&move, &start_error)) {
                change->intent->bad = true;
                g_propagate_error(error, g_steal_pointer(&start_error));
                return fail_and_go_back(change, error);
        }
        return judge(change, error);
}

bool sc_change_recover(ScChange *change, GError **error)
{
        g_autofree char *line = g_strdup_printf("Recovering %s from an interrupted %s", change->container,
                                                change->intent->operation);
        sc_journal(LOG_NOTICE, line, SC_FIELD_CONTAINER, change->container, SC_FIELD_OPERATION, change->intent->operation, NULL);
        switch (change->intent->phase) {
        case SC_INTENT_CHANGE:
        case SC_INTENT_BACK:
                return go_back(change, error);
        case SC_INTENT_TRIAL:
                return resume_trial(change, error);
        case SC_INTENT_KEEP:
                return sc_systemd_reload(change->systemd, error) && finish(change, error);
        case SC_INTENT_REMOVE:
                return sc_change_remove(change, error);
        }
        g_assert_not_reached();
}

/* ---- uninstall ---- */

/* Symlinks and folders of both slots; a rename first, so that no half-removed folder can be taken for a deployment. */
static bool remove_slots(ScChange *change, GError **error)
{
        for (int slot = 0; slot < 2; slot++) {
                g_autofree char *folder = sc_slot_name(change->container, slot);
                int there = sc_lstat(change->checkout_fd, folder, NULL, error);
                if (there < 0)
                        return false;
                if (there == 0)
                        continue;
                g_autofree char *suffix = sc_random_name(6);
                g_autofree char *hidden = g_strdup_printf(".%s.%s", folder, suffix);
                if (!sc_rename_new(change->checkout_fd, folder, hidden, error))
                        return false;
        }
        return sc_slot_sweep(change->checkout_fd, change->container, error);
}

static bool remove_step(ScChange *change, const char *name, GError **error)
{
        sc_report_advance(change->context->report, 1);
        return sc_failpoint(name, error);
}

bool sc_change_remove(ScChange *change, GError **error)
{
        ScReport *out = change->context->report;
        g_autofree char *tmpfiles_name = g_strconcat(change->container, ".conf", NULL);
        g_autofree char *tmpfiles_path = g_strconcat(SC_TMPFILES_DIR "/", tmpfiles_name, NULL);
        g_autoptr(GError) broken = NULL;
        g_autoptr(ScSide) old = change->intent->old.slot >= 0 ? open_side(change, &change->intent->old, &broken) : NULL;
        sc_report_phase(out, "Removing", 6);
        if (broken != NULL)
                sc_report_message(out, "What it installed on the host is not known: %s", broken->message);

        if (!remove_step(change, "remove-disable", error))
                return false;
        sc_report_message(out, "systemctl disable %s", change->container);
        if (!sc_systemd_disable(change->systemd, change->unit, error))
                return false;
        sc_report_message(out, "systemctl stop %s", change->container);
        if (change->when != SC_RECOVER_BOOT && !sc_systemd_stop(change->systemd, change->unit, NULL, error))
                return false;

        if (!remove_step(change, "remove-unit-file", error) || !write_or_remove(SC_UNIT_DIR, change->unit, NULL, error))
                return false;
        if (!remove_step(change, "remove-tmpfiles", error))
                return false;
        if (g_file_test(tmpfiles_path, G_FILE_TEST_EXISTS) && change->when != SC_RECOVER_BOOT) {
                g_autoptr(GError) local = NULL;
                sc_report_message(out, "systemd-tmpfiles --remove %s", tmpfiles_path);
                if (!sc_tmpfiles_remove(tmpfiles_path, NULL, &local))
                        sc_report_message(out, "%s", local->message);
        }
        if (!write_or_remove(SC_TMPFILES_DIR, tmpfiles_name, NULL, error))
                return false;

        if (!remove_step(change, "remove-host-files", error))
                return false;
        sc_autofd root = sc_open_dir("/", error);
        if (root < 0 || (old != NULL && !sc_host_files_apply(root, -1, NULL, NULL, old->files, out, NULL, error)))
                return false;
        if (!remove_step(change, "remove-link", error) || !sc_slot_make_live(change->checkout_fd, change->container, -1, error))
                return false;
        if (!remove_step(change, "remove-slots", error) || !remove_slots(change, error) ||
            !sc_systemd_reload(change->systemd, error))
                return false;
        g_autoptr(GError) ignored = NULL; /* a unit that never failed has nothing to reset */
        sc_systemd_reset_failed(change->systemd, change->unit, &ignored);
        return sc_failpoint("remove-intent", error) && sc_intent_remove(change->checkout_fd, change->container, error);
}
