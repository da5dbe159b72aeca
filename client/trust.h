/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy that sysconsd has: got, edited, and set if nobody else has changed it meanwhile. */

#include "client.h"

typedef struct {
        char *text; /* as it was got */
        JsonObject *policy;
} ScTrust;
void sc_trust_clear(ScTrust *trust);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScTrust, sc_trust_clear)

bool sc_trust_get(ScClient *client, ScTrust *ret, GError **error);
bool sc_trust_set(ScClient *client, const ScTrust *trust, GError **error);
