/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bringing the host from one deployment of a container to another, and back: what install, update, rollback and recovery share.
 *
 * A change is written down (the intent), then carried out by named steps (move.h) that can be taken again. So going back after a
 * failure, and recovery after a crash at any point, are the same steps towards the other side. */

#include "op.h"
#include "store/intent.h"
#include "unit/systemd.h"

typedef struct {
        ScOpContext *context;
        char *container;
        char *unit; /* "NAME.service" */
        int checkout_fd;
        int lock_fd;
        int package_lock_fd; /* the package system's, from when it is needed on; -1: not */
        ScSystemd *systemd;
        ScIntent *intent;   /* NULL until the change is planned */
        ScRecoverWhen when; /* SC_RECOVER_BOOT: nothing is waited for, units are started by the boot itself */
} ScChange;

typedef enum {
        SC_BEGIN_CHANGE,  /* what an interrupted operation left is finished first, and its leftovers are swept */
        SC_BEGIN_REMOVAL, /* the same, but what cannot be finished is no hindrance: it stays in change->intent */
        SC_BEGIN_CONTROL, /* Busy where something was interrupted: what only starts or stops must not recover */
} ScBeginPurpose;

/* Takes the container's lock. */
ScChange *sc_change_begin(ScOpContext *context, const char *container, ScBeginPurpose purpose, GError **error);
void sc_change_free(ScChange *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScChange, sc_change_free)

/* Carries out change->intent: opens both deployments, writes it, takes the steps, holds the trial where the service runs, keeps the
 * new deployment or goes back. On error the host is as it was before, which the message says, or (in the rare case that going back
 * fails, too) the intent stays for recovery. */
bool sc_change_carry_out(ScChange *change, GError **error);

/* Goes on with an intent that was found (change->intent), from any point. */
bool sc_change_recover(ScChange *change, GError **error);

/* Uninstall's way (removal.c): carries out change->intent, which is SC_INTENT_REMOVE and names in old and new the deployments (one
 * or two) of which something may be on the host. They may be broken, and what is missing already is no error. */
bool sc_change_remove(ScChange *change, GError **error);
/* Before it is begun: whether something stands in its way, and what of change->intent is known only while the deployments are
 * there.
 */
bool sc_change_prepare_removal(ScChange *change, GError **error);

/* Removes what was displaced (`hidden`, or NULL: all leftovers). What cannot be removed now, as something is mounted on it, is no
 * hindrance: it is told of, and left to the next operation. */
bool sc_change_sweep(ScChange *change, const char *hidden);

/* For recovery, with the intent that was found. NotFound where there is none (leftovers are swept then); Busy if the container's
 * lock is held: somebody works on it. */
ScChange *sc_change_adopt(ScOpContext *context, const char *container, ScRecoverWhen when, GError **error);

/* Fills was_active and was_enabled of an intent from systemd; see sc_unit_observe(). */
bool sc_change_observe(ScChange *change, const ScInfo *live, ScIntent *intent, GError **error);
