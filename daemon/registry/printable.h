/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text from outside, made fit for a message: at most 100 bytes, and whatever is not printable ASCII shown as '?', so that nobody
 * writes escape sequences or lines of his own into a terminal or a journal. NULL becomes "nothing". Newly allocated. */
char *sc_printable(const char *text);
