/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "digest.h"

#include "error.h"
#include <string.h>

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
