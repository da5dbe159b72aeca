/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The digest of a tar that comes in chunks, in a thread of its own: hashing takes as long as half of inflating, and need not wait
 * for it. Nothing is copied. */

#include "base/digest.h"

typedef struct ScTarHash ScTarHash;

ScTarHash *sc_tar_hash_new(void);
/* Of what was added what is not hashed yet is left out. */
void sc_tar_hash_free(ScTarHash *hash);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTarHash, sc_tar_hash_free)

/* A chunk is used until so many further ones have been added, or until the end. */
#define SC_TAR_HASH_DEPTH 3
void sc_tar_hash_add(ScTarHash *hash, const void *chunk, gsize size);

/* Waits for the rest. Nothing may be added any more. */
void sc_tar_hash_finish(ScTarHash *hash, ScDigest *ret);
