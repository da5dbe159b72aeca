/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "digest.h"

#include "error.h"
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

struct ScHasher {
        EVP_MD_CTX *context;
};

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return -1;
}

bool sc_digest_is_hex(const char *text)
{
        for (int i = 0; i < 64; i++)
                if (hex_value(text[i]) < 0)
                        return false;
        return text[64] == '\0';
}

bool sc_digest_parse_hex(const char *hex, ScDigest *ret, GError **error)
{
        if (!sc_digest_is_hex(hex))
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "'%.80s' is not a sha256 digest (64 lower-case hex digits)", hex);
        for (int i = 0; i < 32; i++)
                ret->bytes[i] = (guint8)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
        return true;
}

bool sc_digest_parse(const char *text, ScDigest *ret, GError **error)
{
        static const char prefix[] = "sha256:";
        if (g_str_has_prefix(text, prefix))
                return sc_digest_parse_hex(text + strlen(prefix), ret, error);
        if (g_str_has_prefix(text, "sha512:") || g_str_has_prefix(text, "sha384:"))
                return sc_throw(error, SC_ERROR_UNSUPPORTED, "Digest '%.80s': only sha256 is supported", text);
        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT, "'%.80s' is not a digest (sha256: and 64 lower-case hex digits)", text);
}

void sc_digest_to_hex(const ScDigest *digest, char ret_hex[SC_DIGEST_HEX_SIZE])
{
        static const char digits[] = "0123456789abcdef";
        for (int i = 0; i < 32; i++) {
                ret_hex[2 * i] = digits[digest->bytes[i] >> 4];
                ret_hex[2 * i + 1] = digits[digest->bytes[i] & 15];
        }
        ret_hex[64] = '\0';
}

char *sc_digest_to_string(const ScDigest *digest)
{
        char hex[SC_DIGEST_HEX_SIZE];
        sc_digest_to_hex(digest, hex);
        return g_strconcat("sha256:", hex, NULL);
}

bool sc_digest_equal(const ScDigest *a, const ScDigest *b)
{
        return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

guint sc_digest_hash_func(gconstpointer digest)
{
        guint value;
        memcpy(&value, ((const ScDigest *)digest)->bytes, sizeof value);
        return value;
}

gboolean sc_digest_equal_func(gconstpointer a, gconstpointer b)
{
        return sc_digest_equal(a, b);
}

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
