/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy that sysconsd has, and where signatures lie: got, edited, and set if nobody else has changed the policy meanwhile. */

#include "client.h"

typedef struct {
        char *text; /* as it was got */
        JsonObject *policy;
        GHashTable *lookasides; /* where signatures lie: URL by scope, "": of all others; NULL: not got */
        const char *scope;      /* whose place is to be set; NULL: none's */
        const char *lookaside;  /* the place; NULL: nowhere in particular */
} ScTrust;
void sc_trust_clear(ScTrust *trust);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ScTrust, sc_trust_clear)

bool sc_trust_get(ScClient *client, ScTrust *ret, GError **error);
/* The lookasides besides. */
bool sc_trust_get_all(ScClient *client, ScTrust *ret, GError **error);
bool sc_trust_set(ScClient *client, const ScTrust *trust, GError **error);
