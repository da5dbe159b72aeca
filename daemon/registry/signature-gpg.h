/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* OpenPGP signatures, checked by gpg (through gpgme) with a folder of its own that knows the policy's keys and no others, no agent,
 * no network, and no trust but in these. */

#include <glib.h>
#include <stdbool.h>

typedef struct ScGpg ScGpg;
/* keys: GBytes, each what `gpg --export` gives, armored or not. Failed where there is no gpg; Corrupt where they are no keys. */
ScGpg *sc_gpg_new(GPtrArray *keys, GError **error);
void sc_gpg_free(ScGpg *gpg);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScGpg, sc_gpg_free)

/* What is signed, if exactly one of the keys, which is neither expired nor revoked, has signed it, and the signature is not expired
 * either. VerifyFailed says why not. */
GBytes *sc_gpg_open(ScGpg *gpg, GBytes *message, GError **error);
