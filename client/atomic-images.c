/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "atomic.h"
#include "verbs.h"

/* A name that means another image goes over to this one, as it always did. */
bool sc_atomic_images_tag(ScClient *client, int argc, char **argv, GError **error)
{
        g_autoptr(GPtrArray) line = g_ptr_array_new();
        g_ptr_array_add(line, argv[0]);
        g_ptr_array_add(line, (char *)"--replace");
        for (int i = 1; i < argc; i++)
                g_ptr_array_add(line, argv[i]);
        g_ptr_array_add(line, NULL);
        return sc_verb_tag(client, argc + 1, (char **)line->pdata, error);
}
