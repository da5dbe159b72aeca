/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "change.h"

#include "base/error.h"
#include "base/failpoint.h"
#include "base/journal.h"
#include "base/lock.h"
#include "base/path.h"
#include "base/reference.h"
#include "homes.h"
#include "host-package.h"
#include "move.h"
#include "store/deployment.h"
#include "trial.h"
#include "unit-look.h"
#include <fcntl.h>
#include <string.h>
#include <syslog.h>

void sc_change_free(ScChange *change)
{
        if (change == NULL)
                return;
        sc_intent_free(change->intent);
        sc_systemd_close(change->systemd);
        sc_close(&change->package_lock_fd);
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
        change->package_lock_fd = -1;
        change->checkout_fd = sc_checkout_open(context->config, true, error);
        if (change->checkout_fd < 0)
                return NULL;
        change->systemd = sc_systemd_open(context->config->scope, error);
        return change->systemd != NULL ? g_steal_pointer(&change) : NULL;
}

static char *lock_name(const char *container)
{
        return g_build_filename(SC_LOCK_DIR, container, NULL);
}

/* Like sc_intent_read(), but that there is none is no error: *ret is NULL then. */
static bool find_intent(const ScChange *change, ScIntent **ret, GError **error)
{
        g_autoptr(GError) local = NULL;
        *ret = sc_intent_read(change->checkout_fd, change->container, &local);
        if (*ret != NULL || g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

/* True: nothing is unfinished any more. A recovery that ended with going back has failed as an update, but it is over. */
static bool finish_interrupted(ScChange *change, GError **error)
{
        g_autoptr(GError) local = NULL;
        g_autoptr(ScIntent) unfinished = NULL;
        if (!find_intent(change, &change->intent, error))
                return false;
        if (change->intent == NULL || sc_change_recover(change, &local))
                return true;
        g_autofree char *line = g_strdup_printf("Recovering %s: %s", change->container, local->message);
        sc_journal(LOG_WARNING, line, SC_FIELD_CONTAINER, change->container, NULL);
        if (find_intent(change, &unfinished, NULL) && unfinished == NULL)
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return sc_prefix(error, "An interrupted %s of %s could not be finished", change->intent->operation, change->container);
}

static bool refuse_interrupted(ScChange *change, GError **error)
{
        g_autoptr(ScIntent) intent = NULL;
        if (!find_intent(change, &intent, error))
                return false;
        return intent == NULL ||
               sc_throw(error, SC_ERROR_BUSY, "An interrupted %s of %s is not recovered yet: see %s -u 'sysconsd*'",
                        intent->operation, change->container, change->context->config->scope->journalctl);
}

static bool clean_up_before(ScChange *change, ScBeginPurpose purpose, GError **error)
{
        if (purpose == SC_BEGIN_CONTROL)
                return refuse_interrupted(change, error);
        g_autoptr(GError) local = NULL;
        if (finish_interrupted(change, &local)) {
                g_clear_pointer(&change->intent, sc_intent_free);
                sc_change_sweep(change, NULL);
                return true;
        }
        if (purpose == SC_BEGIN_REMOVAL) {
                sc_report_message(change->context->report, "%s", local->message);
                return true;
        }
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

ScChange *sc_change_begin(ScOpContext *context, const char *container, ScBeginPurpose purpose, GError **error)
{
        g_autoptr(ScChange) change = change_new(context, container, SC_RECOVER_NOW, error);
        if (change == NULL)
                return NULL;
        g_autofree char *lock = lock_name(container);
        change->lock_fd = sc_lock_wait(change->checkout_fd, lock, SC_LOCK_EXCLUSIVE, context->cancellable, error);
        return change->lock_fd >= 0 && clean_up_before(change, purpose, error) ? g_steal_pointer(&change) : NULL;
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
        bool swept = !g_error_matches(local, SC_ERROR, SC_ERROR_NOT_FOUND) ||
                     (sc_intent_sweep(change->checkout_fd, container, error) &&
                      sc_slot_sweep(change->checkout_fd, container, error));
        if (swept)
                g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
}

bool sc_change_observe(ScChange *change, const ScInfo *live, ScIntent *intent, GError **error)
{
        if (!sc_unit_observe(change->systemd, change->unit, live, &intent->was_active, &intent->was_enabled, error))
                return false;
        if (live == NULL)
                return true;
        /* One without [Install], or none, is never enabled: whether the next is to be is written in its info. The atomic command
         * wrote nothing; the first service is enabled then, as at an install. */
        bool is_first = !live->has_service && live->deployment_id == NULL;
        intent->was_enabled = intent->was_enabled || live->enabled || is_first;
        return true;
}

static bool set_phase(ScChange *change, ScIntentPhase phase, GError **error)
{
        change->intent->phase = phase;
        return sc_intent_write(change->checkout_fd, change->intent, error);
}

bool sc_change_sweep(ScChange *change, const char *hidden)
{
        g_autoptr(GError) local = NULL;
        if (hidden != NULL ? sc_remove_tree(change->checkout_fd, hidden, &local)
                           : sc_intent_sweep(change->checkout_fd, change->container, &local) &&
                                     sc_slot_sweep(change->checkout_fd, change->container, &local))
                return true;
        sc_report_message(change->context->report, "Something of %s is left in %s, to be removed with the next operation: %s",
                          change->container, change->context->config->checkout_path, local->message);
        sc_journal(LOG_WARNING, local->message, SC_FIELD_CONTAINER, change->container, NULL);
        return false;
}

static bool finish(ScChange *change, GError **error)
{
        if (!sc_failpoint("clean-up", error))
                return false;
        if (change->intent->new.hidden != NULL)
                sc_change_sweep(change, change->intent->new.hidden);
        return sc_failpoint("intent-gone", error) && sc_intent_remove(change->checkout_fd, change->container, error);
}

/* It is decided, and durable: what cannot be cleaned up now is left to a recovery. */
static bool keep(ScChange *change)
{
        g_autoptr(GError) local = NULL;
        if (finish(change, &local))
                return true;
        sc_report_message(change->context->report, "The %s of %s is done, but not cleaned up after yet: %s",
                          change->intent->operation, change->container, local->message);
        sc_journal(LOG_WARNING, local->message, SC_FIELD_CONTAINER, change->container, NULL);
        return true;
}

/* Remembered in the old deployment, which lives on. */
static bool remember_bad_image(ScSide *old, const ScSide *new, GError **error)
{
        if (old == NULL || new == NULL)
                return true;
        g_free(old->info->bad_image);
        old->info->bad_image = g_strdup(sc_info_image_id(new->info));
        return sc_info_write(old->fd, old->info, SC_WRITE_REPLACE, error);
}

static bool go_back(ScChange *change, GError **error)
{
        /* From CHANGE recovery goes back, too: on a disk that is full nothing must be written for it. */
        if ((change->intent->phase != SC_INTENT_CHANGE || change->intent->bad) && !set_phase(change, SC_INTENT_BACK, error))
                return false;
        g_autoptr(ScSide) old = NULL;
        if (change->intent->old.slot >= 0 && (old = sc_move_open_side(change, &change->intent->old, error)) == NULL)
                return false;
        /* What was built may be gone already, or partly, if this was interrupted during its clean-up. */
        g_autoptr(GError) gone = NULL;
        g_autoptr(ScSide) new = sc_move_open_leaving(change, &change->intent->new, &gone);
        if (new == NULL && !g_error_matches(gone, SC_ERROR, SC_ERROR_NOT_FOUND) &&
            !g_error_matches(gone, SC_ERROR, SC_ERROR_CORRUPT)) {
                g_propagate_error(error, g_steal_pointer(&gone));
                return false;
        }
        if (!sc_host_package_lock(change, old, new, error))
                return false;
        ScMove move = {.change = change,
                       .from = new,
                       .to = old,
                       .from_intent = &change->intent->new,
                       .to_intent = &change->intent->old,
                       .back = true};
        g_autoptr(GError) start_error = NULL;
        if (!sc_move_back(&move, error))
                return false;
        /* An old service that does not start any more is bad news, but the old state is complete: nothing is left to recover. */
        bool started = sc_move_start(&move, &start_error);
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
        g_autoptr(GError) cause = g_steal_pointer(error);
        ScError code = cause->domain == SC_ERROR ? (ScError)cause->code : SC_ERROR_FAILED;
        /* Who cancels it must hear of that, where a job that was cancelled has no error. */
        if (!back)
                return sc_throw(error, code == SC_ERROR_CANCELLED ? SC_ERROR_FAILED : code, "%s. Going back failed, too: %s",
                                cause->message, back_error->message);
        const char *now = !had_old ? "Nothing was installed"
                          : ran    ? "The previous deployment runs again"
                                   : "The previous deployment is in place again";
        sc_journal(LOG_ERR, cause->message, SC_FIELD_CONTAINER, change->container, SC_FIELD_OPERATION, change->intent->operation,
                   NULL);
        return sc_throw(error, code, "%s. %s", cause->message, now);
}

/* Only a service can fail it. */
static bool on_trial(const ScChange *change, const ScSide *new)
{
        return new->unit_text != NULL && (change->intent->was_active || change->intent->start);
}

/* With the reason in *error. A trial that the shutdown of the machine interrupts stays where it is: it is resumed after the boot.
 */
static bool end_trial(ScChange *change, ScVerdict verdict, GError **error)
{
        bool stopping;
        change->intent->bad = verdict == SC_VERDICT_BAD;
        if (verdict == SC_VERDICT_NONE && sc_systemd_is_stopping(change->systemd, &stopping, NULL) && stopping)
                return sc_prefix(error, "The trial of %s goes on when the system is up again", change->unit);
        return fail_and_go_back(change, error);
}

/* From SC_INTENT_TRIAL on. */
static bool judge(ScChange *change, const ScSide *new, GError **error)
{
        if (on_trial(change, new)) {
                sc_report_phase(change->context->report, "Waiting for the service to settle", 0);
                ScTrial trial = {
                        .systemd = change->systemd,
                        .container = change->container,
                        .unit = change->unit,
                        .info = new->info,
                        .runtime = change->context->config->runtime,
                        .journalctl = change->context->config->scope->journalctl,
                        .settling_time = change->intent->settling_time,
                        .health_patience = change->context->config->start_timeout,
                        .cancellable = change->context->cancellable,
                };
                ScVerdict verdict = sc_trial_hold(&trial, error);
                if (verdict != SC_VERDICT_GOOD)
                        return end_trial(change, verdict, error);
        }
        if (!sc_failpoint("keep", error) || !set_phase(change, SC_INTENT_KEEP, error))
                return fail_and_go_back(change, error);
        return keep(change);
}

/* A service that fails to start has been judged; a full disk or a cancelled job judges nobody. */
static bool start_was_judged(ScChange *change, GError **error)
{
        return g_error_matches(*error, SC_ERROR, SC_ERROR_FAILED) && sc_trial_condemns_start(change->systemd, change->unit);
}

/* Nothing was begun: what was built goes, and so does an intent of which it is not known whether it was written. */
static bool give_up(ScChange *change)
{
        sc_intent_remove(change->checkout_fd, change->container, NULL);
        if (change->intent->new.hidden != NULL)
                sc_remove_tree(change->checkout_fd, change->intent->new.hidden, NULL);
        return false;
}

bool sc_change_carry_out(ScChange *change, GError **error)
{
        const ScIntent *intent = change->intent;
        /* A deployment that cannot be read is no place to go to, nor to go back to: that must show before anything is begun. */
        g_autoptr(ScSide) new = sc_move_open_side(change, &intent->new, error);
        g_autoptr(ScSide) old = new != NULL && intent->old.slot >= 0 ? sc_move_open_side(change, &intent->old, error) : NULL;
        if (new == NULL || (intent->old.slot >= 0 && old == NULL))
                return give_up(change);
        if (!sc_homes_spare_side(change->context->config, new, error) || !sc_homes_spare_side(change->context->config, old, error))
                return give_up(change);
        bool first_service = old != NULL && new->unit_text != NULL && !old->info->has_service;
        if (first_service && !sc_unit_is_free(change->systemd, change->unit, error))
                return give_up(change);
        bool first_tmpfiles = old != NULL && sc_side_has_no_tmpfiles(old) && new->tmpfiles_text != NULL;
        if (first_tmpfiles && !sc_move_tmpfiles_are_free(change, error))
                return give_up(change);
        if (!sc_host_package_prepare(change, old, new, error))
                return give_up(change);
        if (!sc_failpoint("intent", error) || !set_phase(change, SC_INTENT_CHANGE, error))
                return give_up(change);
        ScMove move = {.change = change, .from = old, .to = new, .from_intent = &intent->old, .to_intent = &intent->new};
        if (!sc_move_on(&move, error)) {
                change->intent->bad = strcmp(move.failed_step, "start") == 0 && start_was_judged(change, error);
                return fail_and_go_back(change, error);
        }
        if (on_trial(change, new) && !set_phase(change, SC_INTENT_TRIAL, error))
                return fail_and_go_back(change, error);
        return sc_failpoint("trial", error) && judge(change, new, error);
}

static bool resume_trial(ScChange *change, GError **error)
{
        /* At boot the service has not been started yet: sysconsd-settle.service judges it later. */
        if (change->when == SC_RECOVER_BOOT)
                return sc_systemd_reload(change->systemd, error);
        g_autoptr(ScSide) new = sc_move_open_side(change, &change->intent->new, error);
        if (new == NULL)
                return false;
        ScMove move = {.change = change, .to = new, .from_intent = &change->intent->old, .to_intent = &change->intent->new};
        if (sc_intent_is_of_another_boot(change->intent) && !sc_move_enables(&move))
                return set_phase(change, SC_INTENT_KEEP, error) && finish(change, error);
        if (!sc_move_start(&move, error))
                return end_trial(change, start_was_judged(change, error) ? SC_VERDICT_BAD : SC_VERDICT_NONE, error);
        return judge(change, new, error);
}

/* What was begun with homes in sight is finished so, too: by the recovery that the daemon queues, or at boot. */
static bool sees_enough(ScChange *change, GError **error)
{
        const ScIntentSide *const sides[] = {&change->intent->old, &change->intent->new};
        for (guint i = 0; change->context->config->homes_are_hidden && i < G_N_ELEMENTS(sides); i++) {
                g_autoptr(ScSide) side = sides[i]->slot >= 0 ? sc_move_open_leaving(change, sides[i], NULL) : NULL;
                if (!sc_homes_spare_side(change->context->config, side, error))
                        return false;
        }
        return true;
}

bool sc_change_recover(ScChange *change, GError **error)
{
        if (!sees_enough(change, error))
                return false;
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
