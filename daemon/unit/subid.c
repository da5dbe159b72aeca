/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subid.h"

#include <string.h>

/* The kernel takes 340 lines; nobody has that many ranges. */
#define MAX_RANGES 64
/* All ones means "no id" to the kernel. */
#define LAST_ID (G_MAXUINT32 - 1)

static bool parse_number(const char *text, guint32 *ret)
{
        guint64 number;
        if (!g_ascii_string_to_unsigned(text, 10, 0, LAST_ID, &number, NULL))
                return false;
        *ret = (guint32)number;
        return true;
}

static bool is_user(const char *field, const char *name, guint32 id)
{
        guint32 number;
        return (name != NULL && strcmp(field, name) == 0) || (parse_number(field, &number) && number == id);
}

static bool parse_line(const char *line, const char *name, guint32 id, ScIdRange *ret)
{
        g_auto(GStrv) fields = g_strsplit(line, ":", 4);
        return g_strv_length(fields) == 3 && is_user(fields[0], name, id) && parse_number(fields[1], &ret->host) &&
               parse_number(fields[2], &ret->count) && ret->count > 0 && ret->count - 1 <= LAST_ID - ret->host;
}

static bool overlap(const ScIdRange *a, const ScIdRange *b)
{
        return a->host <= b->host ? b->host - a->host < a->count : a->host - b->host < b->count;
}

static bool is_free(const GArray *map, const ScIdRange *range)
{
        for (guint i = 0; i < map->len; i++)
                if (overlap(&g_array_index(map, ScIdRange, i), range))
                        return false;
        return true;
}

GArray *sc_subid_map(const char *text, const char *user_name, guint32 user_id, guint32 own)
{
        GArray *map = g_array_new(FALSE, FALSE, sizeof(ScIdRange));
        const ScIdRange himself = {.host = own, .count = 1};
        guint32 next = 1;
        g_array_append_val(map, himself);
        g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
        for (char **line = lines; *line != NULL && map->len < MAX_RANGES; line++) {
                ScIdRange range = {.container = next};
                if (!parse_line(*line, user_name, user_id, &range) || !is_free(map, &range))
                        continue;
                range.count = MIN(range.count, LAST_ID - next + 1);
                if (range.count == 0)
                        break;
                next += range.count;
                g_array_append_val(map, range);
        }
        return map;
}

bool sc_subid_maps(const GArray *map, guint32 id)
{
        for (guint i = 0; i < map->len; i++) {
                const ScIdRange *range = &g_array_index(map, ScIdRange, i);
                if (id >= range->container && id - range->container < range->count)
                        return true;
        }
        return false;
}
