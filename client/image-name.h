/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What verbs about images share. */

#include "bus.h"

/* The name or digest by which `text` means some of the image's names; NULL where it is the start of the id, which means all. */
const char *sc_name_meant(const ScObject *image, const char *text);
