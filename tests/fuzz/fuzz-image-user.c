/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The User of an image, its /etc/passwd and its /etc/group, parted by zero bytes. */

#include "fuzz.h"

#include "unit/image-user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        g_auto(GStrv) texts = fuzz_texts(data, size, 3);
        g_autoptr(GError) error = NULL;
        g_auto(ScImageUser) user = {};
        bool found = sc_image_user_resolve(texts[0], texts[1], texts[1] != NULL ? texts[2] : NULL, &user, &error);
        g_assert(found == (error == NULL));
        if (found)
                g_assert(user.uid != (uid_t)-1 && user.gid != (gid_t)-1 && user.groups != NULL);
        return 0;
}
