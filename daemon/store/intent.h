/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The record of an operation in flight, CHECKOUT/.sysconsd/intent/NAME.json (0600): written durably before the first visible
 * change, removed last. It names the old and the new deployment; each of them holds all that is needed to make the host agree
 * with it (unit, tmpfiles, host files, values), so that both ways, on and back, can be taken from here alone, from any point. */

#include "info.h"

typedef enum {
        SC_INTENT_CHANGE, /* the host is being brought to the new deployment: recovery goes back */
        SC_INTENT_TRIAL,  /* the new one is in place and must prove itself: recovery resumes the verdict */
        SC_INTENT_BACK,   /* the host is being brought back to the old one: recovery goes on with that */
        SC_INTENT_KEEP,   /* the new one stays: recovery cleans up */
        SC_INTENT_REMOVE, /* uninstall: recovery goes on with it */
} ScIntentPhase;

typedef struct {
        int slot;     /* 0, 1, or -1: there is none */
        char *id;     /* deployment_id of its info; NULL for one of the atomic command */
        char *hidden; /* new only: the name under which it was built, and under which what it displaced lies; NULL: it lay in its
                         slot */
} ScIntentSide;

typedef struct {
        char *container;
        char *operation;
        ScIntentPhase phase;
        char *boot_id;
        bool was_active;
        bool was_enabled;
        bool start; /* start the new one though nothing was active (install with start=now) */
        bool bad;   /* with BACK: the health verdict was bad, the new image's id is to be remembered */
        /* With REMOVE, known while the deployments were there: a unit, or a file in tmpfiles.d, of this name is somebody else's. */
        bool spares_unit, spares_tmpfiles;
        guint settling_time; /* seconds */
        ScIntentSide old;
        ScIntentSide new;
} ScIntent;

ScIntent *sc_intent_new(const char *container, const char *operation);
void sc_intent_free(ScIntent *intent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScIntent, sc_intent_free)

bool sc_intent_write(int checkout_fd, const ScIntent *intent, GError **error);
/* NULL with NotFound where there is none; Corrupt naming the file where it cannot be read. */
ScIntent *sc_intent_read(int checkout_fd, const char *container, GError **error);
bool sc_intent_remove(int checkout_fd, const char *container, GError **error);
/* Removes what was left by a kill in the middle of writing one; only with the container's lock. */
bool sc_intent_sweep(int checkout_fd, const char *container, GError **error);
/* Names of the containers with an intent, or with what sc_intent_sweep() removes. */
char **sc_intent_list(int checkout_fd, GError **error);

/* This boot's id, newly allocated. */
char *sc_boot_id(void);

/* The machine went down since the intent was made. */
bool sc_intent_is_of_another_boot(const ScIntent *intent);

/* Parses the text of an intent; for tests and fuzzing. */
ScIntent *sc_intent_parse(const char *text, gsize size, const char *what, GError **error);
