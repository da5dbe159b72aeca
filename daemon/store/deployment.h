/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Containers on disk. CHECKOUT/NAME.0 and NAME.1 are the two slots, CHECKOUT/NAME a symlink to the live one; a slot holds
 * rootfs/, config.json, info, NAME.service and tmpfiles-NAME.conf. What is being built or was displaced lies under a hidden name,
 * .NAME.N.XXXXXX. Nothing here needs libostree. */

#include "base/atomicfile.h"
#include "base/config.h"
#include "info.h"

#define SC_STATE_DIR ".sysconsd"
#define SC_LOCK_DIR SC_STATE_DIR "/lock"
#define SC_INTENT_DIR SC_STATE_DIR "/intent"

typedef struct {
        char *name;
        int slot;          /* the live one, 0 or 1; -1: preinstalled, or the symlink is broken */
        char *path;        /* absolute, of the live deployment */
        bool preinstalled; /* lies in the configuration's preinstalled_path: read only */
        ScInfo *info;      /* NULL: broken */
        char *broken;      /* why it is broken, else NULL */
        ScInfo *previous;  /* info of the other slot, NULL where there is none to roll back to */
        char *unreadable; /* why one of the two could not be read just now, though it may be in order (a failing disk); else NULL */
} ScDeployment;

void sc_deployment_free(ScDeployment *deployment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScDeployment, sc_deployment_free)

/* Opens the checkout path; create: makes it with its state folders where they are missing (NotFound otherwise). -1 on error. */
int sc_checkout_open(const ScConfig *config, bool create, GError **error);
/* Makes the state folders only: the atomic command, which made the checkout path, has left none, and no container of it could be
 * locked. NotFound where there is no checkout path. */
int sc_checkout_open_to_lock(const ScConfig *config, GError **error);

/* Every container, preinstalled ones too (an installed one hides a preinstalled one of the same name), sorted by name. One that
 * cannot be read is there as broken: it never breaks the list. A checkout path that is not there gives an empty list. */
GPtrArray *sc_deployment_list(const ScConfig *config, GError **error);
/* The same for whoever must not overlook one: an error where a container could not be read just now. */
GPtrArray *sc_deployment_list_all(const ScConfig *config, GError **error);
/* NotFound: "There is no container NAME". */
ScDeployment *sc_deployment_find(const ScConfig *config, const char *name, GError **error);

/* "NAME.N". */
char *sc_slot_name(const char *name, int slot);
/* Live slot by the symlink: 0, 1, or -1 (missing, or not a slot of this name). */
int sc_slot_live(int checkout_fd, const char *name);
bool sc_slot_exists(int checkout_fd, const char *name, int slot);

/* A new empty folder .NAME.N.XXXXXX (0755) for a deployment that is being built; *ret_hidden is its name. Returns its descriptor.
 */
int sc_slot_build(int checkout_fd, const char *name, int slot, char **ret_hidden, GError **error);
/* Puts the hidden folder into the slot: renamed where the slot is free, else exchanged (what was there then lies under the hidden
 * name, so that it can be put back). Durable. */
bool sc_slot_place(int checkout_fd, const char *name, int slot, const char *hidden, GError **error);
/* Points CHECKOUT/NAME to the slot, durably; slot -1 removes the symlink. flags: of sc_write_symlink(). */
bool sc_slot_make_live(int checkout_fd, const char *name, int slot, ScWriteFlags flags, GError **error);
/* Whether sc_slot_build() could have given this name to a deployment of the container. */
bool sc_slot_is_hidden(const char *entry, const char *name);
/* Names of containers of which such hidden folders lie about, of running builds too. */
char **sc_slot_leftovers(int checkout_fd, GError **error);
/* Removes such leftovers of one container, half-made symlinks too; only while nobody builds (the container's lock is held). */
bool sc_slot_sweep(int checkout_fd, const char *name, GError **error);
