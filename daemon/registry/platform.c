/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "platform.h"

#include <stdbool.h>
#include <sys/utsname.h>

#if defined __x86_64__
#define HOST_ARCHITECTURE "amd64"
#elif defined __i386__
#define HOST_ARCHITECTURE "386"
#elif defined __aarch64__
#define HOST_ARCHITECTURE "arm64"
#elif defined __arm__
#define HOST_ARCHITECTURE "arm"
#elif defined __powerpc64__ && G_BYTE_ORDER == G_LITTLE_ENDIAN
#define HOST_ARCHITECTURE "ppc64le"
#elif defined __powerpc64__
#define HOST_ARCHITECTURE "ppc64"
#elif defined __s390x__
#define HOST_ARCHITECTURE "s390x"
#elif defined __riscv && __riscv_xlen == 64
#define HOST_ARCHITECTURE "riscv64"
#elif defined __loongarch64
#define HOST_ARCHITECTURE "loong64"
#elif defined __mips64 && G_BYTE_ORDER == G_LITTLE_ENDIAN
#define HOST_ARCHITECTURE "mips64le"
#elif defined __mips__ && G_BYTE_ORDER == G_LITTLE_ENDIAN
#define HOST_ARCHITECTURE "mipsle"
#else
#error "what does Go call this architecture?"
#endif

/* The variant that is meant where none is given. */
static const struct {
        const char *architecture;
        guint usual_level;
} levelled[] = {
        {"amd64", 1},
        {"arm64", 8},
        {"arm", 7},
};

static guint usual_level(const char *architecture)
{
        for (guint i = 0; i < G_N_ELEMENTS(levelled); i++)
                if (g_str_equal(levelled[i].architecture, architecture))
                        return levelled[i].usual_level;
        return 0;
}

static guint host_level(void)
{
#if defined __x86_64__
        __builtin_cpu_init();
        if (!__builtin_cpu_supports("popcnt") || !__builtin_cpu_supports("ssse3") || !__builtin_cpu_supports("sse4.2"))
                return 1;
        if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2") ||
            !__builtin_cpu_supports("fma"))
                return 2;
        if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512cd") ||
            !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
                return 3;
        return 4;
#elif defined __arm__
        /* "armv6l", "armv7l"; a 64-bit kernel says "aarch64" or "armv8l". */
        struct utsname name;
        if (uname(&name) == 0 && g_str_has_prefix(name.machine, "armv") && g_ascii_isdigit(name.machine[4]))
                return (guint)g_ascii_digit_value(name.machine[4]);
        return 8;
#else
        return usual_level(HOST_ARCHITECTURE);
#endif
}

void sc_platform_of_host(ScPlatform *ret)
{
        *ret = (ScPlatform){.architecture = HOST_ARCHITECTURE, .level = host_level()};
}

guint sc_platform_rank(const ScPlatform *host, const char *os, const char *architecture, const char *variant)
{
        if (g_strcmp0(os, "linux") != 0 || g_strcmp0(architecture, host->architecture) != 0)
                return 0;
        bool has_variant = variant != NULL && variant[0] != '\0';
        if (host->level == 0)
                return has_variant ? 0 : 1;
        if (!has_variant)
                return usual_level(architecture) <= host->level ? usual_level(architecture) : 0;
        const char *digit = variant[0] == 'v' ? variant + 1 : variant;
        if (!g_ascii_isdigit(digit[0]) || digit[1] != '\0')
                return 0;
        guint level = (guint)g_ascii_digit_value(digit[0]);
        return level <= host->level ? level : 0;
}
