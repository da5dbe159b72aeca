/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which images can run here. Platforms are named as the OCI image index does, by Go's GOOS and GOARCH, and for some
 * architectures by a variant: the levels v5 to v8 of arm, v8 of arm64, v1 to v4 of amd64 (the psABI's x86-64-v2 ...). */

#include <glib.h>

typedef struct {
        const char *architecture; /* static */
        guint level;              /* the highest variant that this CPU runs; 0: the architecture has no variants */
} ScPlatform;

void sc_platform_of_host(ScPlatform *ret);

/* 0: cannot run on the host; else the higher, the better. os and architecture NULL match nothing; an absent variant is the
 * architecture's usual one. */
guint sc_platform_rank(const ScPlatform *host, const char *os, const char *architecture, const char *variant);
