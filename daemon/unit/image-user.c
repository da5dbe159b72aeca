/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-user.h"

#include "base/error.h"
#include <string.h>

/* The kernel's own limit is 65,536 groups; images with more than a few do not exist. */
#define GROUPS_MAX 256

void sc_image_user_clear(ScImageUser *user)
{
        g_clear_pointer(&user->groups, g_array_unref);
}

/* All ones means "no id" to the kernel. */
static bool parse_id(const char *text, guint32 *ret)
{
        guint64 value;
        if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &value, NULL))
                return false;
        *ret = (guint32)value;
        return true;
}

/* The fields of the first line of passwd or group whose field at `index` is `wanted`; NULL: none. */
static char **find_line(const char *file, guint index, const char *wanted)
{
        if (file == NULL)
                return NULL;
        g_auto(GStrv) lines = g_strsplit(file, "\n", -1);
        for (char **line = lines; *line != NULL; line++) {
                g_auto(GStrv) fields = g_strsplit(*line, ":", 8);
                if (g_strv_length(fields) > MAX(index, 3) && strcmp(fields[index], wanted) == 0)
                        return g_steal_pointer(&fields);
        }
        return NULL;
}

static void add_groups_of(const char *file, const char *name, GArray *groups)
{
        if (file == NULL)
                return;
        g_auto(GStrv) lines = g_strsplit(file, "\n", -1);
        for (char **line = lines; *line != NULL && groups->len < GROUPS_MAX; line++) {
                g_auto(GStrv) fields = g_strsplit(*line, ":", 5);
                gid_t gid;
                if (g_strv_length(fields) < 4 || !parse_id(fields[2], &gid))
                        continue;
                g_auto(GStrv) members = g_strsplit(g_strstrip(fields[3]), ",", -1);
                if (g_strv_contains((const char *const *)members, name))
                        g_array_append_val(groups, gid);
        }
}

bool sc_image_user_resolve(const char *text, const char *passwd, const char *group, ScImageUser *ret, GError **error)
{
        g_auto(GStrv) parts = g_strsplit(text, ":", 2);
        const char *user_text = parts[0] != NULL ? parts[0] : "";
        const char *group_text = *user_text != '\0' ? parts[1] : NULL;

        uid_t uid = 0;
        gid_t gid = 0;
        g_autoptr(GArray) groups = g_array_new(FALSE, FALSE, sizeof(gid_t));
        g_auto(GStrv) line = find_line(passwd, 0, user_text);
        if (line == NULL)
                line = find_line(passwd, 2, user_text);
        if (line != NULL ? !parse_id(line[2], &uid) || !parse_id(line[3], &gid)
                         : !parse_id(user_text, &uid) && strcmp(user_text, "root") != 0)
                return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                "The image runs as user '%.64s', whom its /etc/passwd does not have", user_text);

        if (group_text != NULL && *group_text != '\0') {
                g_auto(GStrv) group_line = find_line(group, 0, group_text);
                if (!parse_id(group_line != NULL ? group_line[2] : group_text, &gid))
                        return sc_throw(error, SC_ERROR_INVALID_ARGUMENT,
                                        "The image runs as group '%.64s', which its /etc/group does not have", group_text);
        } else if (line != NULL) {
                add_groups_of(group, line[0], groups);
        }
        ret->uid = uid;
        ret->gid = gid;
        ret->groups = g_steal_pointer(&groups);
        return true;
}
