/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Apart from digest.c, so that a program that only compares digests is not linked with libcrypto: the daemon. */

#include "digest.h"

#include "error.h"
#include <errno.h>
#include <openssl/evp.h>
#include <unistd.h>

struct ScHasher {
        EVP_MD_CTX *context;
};

ScHasher *sc_hasher_new(void)
{
        ScHasher *hasher = g_new0(ScHasher, 1);
        hasher->context = EVP_MD_CTX_new();
        /* sha256 is always there and needs no memory but this; libcrypto without it is a broken installation. */
        if (hasher->context == NULL || EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL) != 1)
                g_error("libcrypto has no sha256");
        return hasher;
}

void sc_hasher_free(ScHasher *hasher)
{
        if (hasher == NULL)
                return;
        EVP_MD_CTX_free(hasher->context);
        g_free(hasher);
}

void sc_hasher_update(ScHasher *hasher, const void *data, gsize size)
{
        if (EVP_DigestUpdate(hasher->context, data, size) != 1)
                g_error("libcrypto cannot hash");
}

void sc_hasher_finish(ScHasher *hasher, ScDigest *ret)
{
        unsigned length = 0;
        if (EVP_DigestFinal_ex(hasher->context, ret->bytes, &length) != 1 || length != sizeof ret->bytes ||
            EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL) != 1)
                g_error("libcrypto cannot finish a hash");
}

void sc_hasher_peek(const ScHasher *hasher, ScDigest *ret)
{
        g_autoptr(ScHasher) copy = sc_hasher_new();
        if (EVP_MD_CTX_copy_ex(copy->context, hasher->context) != 1)
                g_error("libcrypto cannot copy a hash");
        sc_hasher_finish(copy, ret);
}

void sc_digest_of(const void *data, gsize size, ScDigest *ret)
{
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        sc_hasher_update(hasher, data, size);
        sc_hasher_finish(hasher, ret);
}

bool sc_digest_of_fd(int fd, ScDigest *ret, GError **error)
{
        enum { BLOCK = 256 * 1024 };
        g_autofree char *block = g_malloc(BLOCK);
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        off_t offset = 0;
        for (;;) {
                ssize_t n = pread(fd, block, BLOCK, offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return sc_throw_errno(error, "Cannot read a file to hash it");
                if (n == 0)
                        break;
                sc_hasher_update(hasher, block, (gsize)n);
                offset += n;
        }
        sc_hasher_finish(hasher, ret);
        return true;
}
