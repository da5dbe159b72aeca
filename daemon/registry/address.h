/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Addresses that a server gives us to go on with: a redirect's, a token service's. */

#include <libsoup/soup.h>

/* http or https, with a host and without a login; relative to base, where there is one. text may be NULL. Network. */
GUri *sc_address_parse(GUri *base, const char *text, GError **error);
