/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who is asked next, when an image can be had in several places. A round asks each of them once, in their order; between rounds the
 * patience has its pause. Who cannot be reached, or keeps us waiting, is remembered for all of the pull and asked only when nobody
 * else is left. With one place this is no more than trying again.
 *
 * What has a digest is asked for at the mirrors, then at the registry itself: it does not matter where it comes from. What a tag
 * means the registry itself says. Only when it cannot be reached a mirror may, if the administrator lets it answer tags: who has
 * set it up for the day on which the registry is away wants that; a registry that answers, be it with "no", is never overruled. */

#include "registry.h"
#include "patience.h"

typedef enum { SC_FAILOVER_BY_DIGEST, SC_FAILOVER_BY_TAG } ScFailoverOrder;

typedef enum {
        SC_ATTEMPT_DONE,
        SC_ATTEMPT_FAILED, /* here; somebody else may do better */
        SC_ATTEMPT_ENDED,  /* nobody can do better */
} ScAttemptResult;

typedef ScAttemptResult (*ScFailoverAttempt)(ScLocation *location, gpointer data, GError **error);

typedef struct {
        ScFailoverOrder order;
        GHashTable *without; /* a set of ScLocation that are not to be asked, never the registry itself; NULL: all are */
        ScFailoverAttempt attempt;
        gpointer data;
} ScFailoverPlan;

/* Until an attempt is done, or nothing more can be done: then the error is that of the registry itself, if it was asked. */
bool sc_failover_run(ScRegistry *registry, ScHttp *http, const ScFailoverPlan *plan, ScPatience *patience,
                     GCancellable *cancellable, GError **error);

/* From now on this place is asked for anything only when nobody else is left. From any thread. */
void sc_failover_put_last(ScLocation *location);
