/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What verbs about images share. */

#include "bus.h"

/* The name or digest by which `text` means some of the image's names; NULL where it is the start of the id, which means all. */
const char *sc_name_meant(const ScObject *image, const char *text);

/* "VERSION-RELEASE" as the image's labels have it; "" for none. */
char *sc_image_version(const ScObject *image);

/* What to pull ([SOURCE:]NAME, NULL-terminated) so that the images, NULL: all, are the newest of their names. Of a name that cannot
 * get newer a line is printed. */
bool sc_images_to_pull(ScClient *client, char *const *images, GPtrArray **ret, GError **error);

/* The call METHOD([argument, ]a{sv}) -> o of an image, found by what the user wrote; the option `name` says which of its names he
 * means. The options are left open. argument: NULL for none. */
bool sc_image_call(ScClient *client, const char *text, const char *method, const char *argument, sd_bus_message **ret,
                   GError **error);
