/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What dpkg and rpm say of a package, line by line. Only clean paths are acted upon. */

#include "fuzz.h"

#include "base/path.h"
#include "unit/package-driver.h"

static void check_line(char *line)
{
        const char *modified = sc_package_deb_modified(line), *path, *md5;
        g_assert(modified == NULL || modified[0] != '\0');
        if (sc_package_deb_obsolete(line, &path, &md5))
                g_assert(sc_path_is_clean_absolute(path) && strchr(md5, ' ') == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_autofree char *text = g_strndup((const char *)data, size);
        g_autoptr(GHashTable) files = sc_package_lines(text);
        g_assert(!g_hash_table_contains(files, ""));
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line != NULL; line++)
                check_line(*line);
        return 0;
}
