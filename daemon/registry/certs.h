/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the administrator says about the TLS of one host, as containers-certs.d(5) has it: in HOST[:PORT] below
 * /etc/containers/certs.d or /etc/docker/certs.d, or a user's own certs.d, the first that is there. *.crt are authorities in
 * addition to the system's; a *.cert and the *.key beside it are who we are, which is a credential of the host's as a login is:
 * only those see it used who go by the host's logins. */

#include "base/scope.h"
#include <gio/gio.h>

typedef struct ScCerts ScCerts;

typedef enum {
        SC_CERTS_AUTHORITIES, /* what we are is not looked at */
        SC_CERTS_ALL,
} ScCertsUse;

/* host is a HOST[:PORT] of a name. Without such a folder there is nothing in the result. InvalidArgument names the file that cannot
 * be used, one without its other half among them. */
ScCerts *sc_certs_load(const ScScope *scope, const char *host, ScCertsUse use, GError **error);
/* The same from one folder, which need not be there. */
ScCerts *sc_certs_load_from(const char *folder, ScCertsUse use, GError **error);
void sc_certs_free(ScCerts *certs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScCerts, sc_certs_free)

/* Whether one of the authorities vouches for a certificate that those of the system do not vouch for. */
bool sc_certs_vouch(const ScCerts *certs, GTlsCertificate *certificate, GSocketConnectable *identity);
/* What we show to who asks, with its key; NULL: nothing. */
GTlsCertificate *sc_certs_own(const ScCerts *certs);
/* There is something to show, that was not to be looked at. */
bool sc_certs_keeps_own_back(const ScCerts *certs);
