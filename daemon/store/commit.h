/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Trees in memory as OSTree commits. */

#include "node.h"
#include "repository.h"

/* A guard: a transaction that is freed without a commit is aborted. One at a time in a process. */
typedef struct ScTransaction ScTransaction;
ScTransaction *sc_transaction_begin(ScRepository *repository, GError **error);
/* What was written is durable when it returns. */
bool sc_transaction_commit(ScTransaction *transaction, GError **error);
void sc_transaction_free(ScTransaction *transaction);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScTransaction, sc_transaction_free)

/* The commit metadata key, type aay: paths of the folders of a layer that no entry of its tar named. Their mode and owner say
 * nothing: in a merge a lower layer's count. */
#define SC_COMMIT_IMPLIED "sysconsd.implied"

/* Writes folders, their metadata and the commit. Each file node's `file` is the ScDigest of an object, which must be durable before
 * the transaction is committed. metadata: a{sv}. The commit's checksum, newly allocated. */
char *sc_transaction_write(ScTransaction *transaction, const ScNode *root, GVariantDict *metadata, GError **error);
