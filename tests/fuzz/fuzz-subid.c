/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /etc/subuid: whatever it holds, nobody is mapped twice, inside or outside. */

#include "fuzz.h"

#include "unit/subid.h"

static void check_apart(const ScIdRange *a, const ScIdRange *b)
{
        guint64 a_inside = (guint64)a->container + a->count, a_outside = (guint64)a->host + a->count;
        guint64 b_outside = (guint64)b->host + b->count;
        g_assert_cmpuint(a_inside, <=, b->container);
        g_assert(a_outside <= b->host || b_outside <= a->host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autoptr(GArray) map = sc_subid_map(text, "alice", 1000, 1000);
        g_assert(map->len > 0 && sc_subid_maps(map, 0));
        for (guint i = 0; i < map->len; i++) {
                const ScIdRange *range = &g_array_index(map, ScIdRange, i);
                g_assert(range->count > 0 && (guint64)range->container + range->count <= G_MAXUINT32 &&
                         (guint64)range->host + range->count <= G_MAXUINT32);
                for (guint j = i + 1; j < map->len; j++)
                        check_apart(range, &g_array_index(map, ScIdRange, j));
        }
        return 0;
}
