/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the host's policy.json lets an image in. Asked when it is pulled, before a layer is fetched, and again for what is about
 * to run: what was accepted once need not be what today's policy accepts. Where there is no policy everything is. */

#include "base/reference.h"
#include "op.h"
#include "store/image.h"

/* *ret_rule, in both: which rule let it in, for people ("the default rule in /etc/containers/policy.json"); NULL: there is no
 * policy. */

/* What was resolved at the reference, and is called info->name. Fetches the signatures that the rule asks for; the info gets those
 * that were needed, and the policy's word for where it came from. Errors as those of sc_trust_check(). */
bool sc_trust_pulled(const ScOpContext *context, const ScReference *reference, ScImageInfo *info, char **ret_rule,
                     GCancellable *cancellable, GError **error);

/* What lies in the repository, by the name and the way by which it came there, and with the signatures it had then: no network. */
bool sc_trust_here(const ScOpContext *context, const ScImage *image, char **ret_rule, GError **error);

/* A line in the journal, that there was no policy to ask. */
void sc_trust_warn(const ScOpContext *context, const char *image);
