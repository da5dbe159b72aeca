/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* sha256 digests as OCI writes them ("sha256:" and 64 lower-case hex digits), computed by libcrypto, which uses the CPU's
 * SHA instructions (GChecksum does not, and is several times slower). */

#include <glib.h>
#include <stdbool.h>

typedef struct {
        guint8 bytes[32];
} ScDigest;

#define SC_DIGEST_HEX_SIZE 65 /* with the terminating zero */

/* "sha256:HEX"; any other algorithm is Unsupported, anything else InvalidArgument. */
bool sc_digest_parse(const char *text, ScDigest *ret, GError **error);
/* Exactly 64 lower-case hex digits. */
bool sc_digest_parse_hex(const char *hex, ScDigest *ret, GError **error);
bool sc_digest_is_hex(const char *text);
void sc_digest_to_hex(const ScDigest *digest, char ret_hex[SC_DIGEST_HEX_SIZE]);
/* "sha256:HEX", newly allocated. */
char *sc_digest_to_string(const ScDigest *digest);

bool sc_digest_equal(const ScDigest *a, const ScDigest *b);
/* For a GHashTable whose keys are ScDigest pointers. */
guint sc_digest_hash_func(gconstpointer digest);
gboolean sc_digest_equal_func(gconstpointer a, gconstpointer b);

void sc_digest_of(const void *data, gsize size, ScDigest *ret);
/* Reads the file from its beginning to its end; the file position is not used. */
bool sc_digest_of_fd(int fd, ScDigest *ret, GError **error);

/* A running hash; not for several threads at once. */
typedef struct ScHasher ScHasher;
ScHasher *sc_hasher_new(void);
void sc_hasher_free(ScHasher *hasher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScHasher, sc_hasher_free)
void sc_hasher_update(ScHasher *hasher, const void *data, gsize size);
/* Gives the digest of all that was added so far; more may come. */
void sc_hasher_peek(const ScHasher *hasher, ScDigest *ret);
/* Gives the digest of all that was added, and starts anew. */
void sc_hasher_finish(ScHasher *hasher, ScDigest *ret);
