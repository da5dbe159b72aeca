/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two texts, line by line. */

#include <glib.h>

/* Each line of the result begins with ' ', '-' or '+'; of long stretches that are the same three lines remain at each end, and
 * "..." stands for the rest. "" for equal texts. NULL is a text without lines. */
char *sc_diff(const char *old, const char *new);
