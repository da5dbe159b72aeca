/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where objects lie until they are durable: REPO/extensions/sysconsd/staging-BOOTID-RANDOM/XX/YYY....file, on the same file system
 * as objects/; or X/XYYY....file of those whose XX objects/ has already. A flock on the file `lock` in it says that its import
 * lives.
 *
 * A folder without a living import is swept: of another boot, it is removed (what it holds may never have reached the disk); of
 * this boot, one is taken over, and an object found in it serves again once its bytes and metadata have been compared with what
 * the new import would write. A name alone proves nothing: the import may have been killed in the middle of a write.
 *
 * Within an import each object is written once, by whoever claims it first, however many layers share it. Nobody moves an object
 * into objects/ before whoever claimed it has settled it: a layer waits for all that it names, its own objects and the
 * others', before it is published.
 *
 * While a staging exists, libostree's own lock of the repository is held shared: an object that was seen in objects/ and
 * therefore not written must not be pruned before a commit names it.
 *
 * All functions may be called from several threads, sc_staging_move() by one at a time. */

#include "object.h"
#include "repository.h"

typedef struct ScStaging ScStaging;
typedef struct ScStagedObject ScStagedObject; /* lives as long as the staging */

typedef enum {
        SC_STAGING_FRESH,     /* for a few objects */
        SC_STAGING_TAKE_OVER, /* sweeps, and uses what an interrupted import of this boot left */
} ScStagingStart;
ScStaging *sc_staging_new(ScRepository *repository, ScStagingStart start, GError **error);

typedef enum {
        SC_STAGING_REMOVE,
        SC_STAGING_KEEP, /* what is whole in it serves the next import of this boot */
} ScStagingEnd;
void sc_staging_free(ScStaging *staging, ScStagingEnd end);

/* Removes what imports left that do not live any more, also of this boot: for prune. */
bool sc_staging_sweep(ScRepository *repository, GError **error);

/* The folder, for temporary files whose names begin with SC_STAGING_TEMPORARY. */
#define SC_STAGING_TEMPORARY ".large-"
int sc_staging_fd(ScStaging *staging);

/* NoSpace if the file system has no more room than what the repository's min-free-space-* keeps back, or hardly any inodes. */
bool sc_staging_check_space(ScStaging *staging, GError **error);

/* Opens the next file of more than SC_STAGING_LARGE bytes that an interrupted import has left, of this size and metadata; -1: there
 * is no further one. Whether it has the same content is to be seen. *at: 0 for the first. */
#define SC_STAGING_LARGE (8u << 20)
int sc_staging_open_left(ScStaging *staging, const ScObjectMeta *meta, guint64 size, guint *at, char ret_path[SC_OBJECT_PATH_SIZE]);

/* The object for an id. With *ret_mine true nobody has it yet and the repository does not either: the caller must write it, with
 * sc_staging_write() or sc_staging_take(). size and meta serve to see that an object in the repository is whole. */
ScStagedObject *sc_staging_claim(ScStaging *staging, ScObjectType type, const ScDigest *id, const ScObjectMeta *meta, guint64 size,
                                 bool *ret_mine);
const ScDigest *sc_staged_object_id(const ScStagedObject *object);

/* Writes a claimed object and settles it, for good or ill. */
bool sc_staging_write(ScStaging *staging, ScStagedObject *object, const ScObjectMeta *meta, const void *data, gsize size,
                      GError **error);
/* The same with a file of sc_staging_fd(), which is renamed; sc_staging_wrote() tells what is written into it. */
void sc_staging_wrote(ScStaging *staging, guint64 size);
bool sc_staging_take(ScStaging *staging, ScStagedObject *object, const char *temporary, GError **error);
/* Settles a claimed object that cannot be had. */
void sc_staging_give_up(ScStaging *staging, ScStagedObject *object);

/* Waits until all these objects are settled; fails if one could not be written. */
bool sc_staging_wait(ScStaging *staging, GPtrArray *objects, GError **error);

/* Syncs the file system that holds the staging folder and the repository. */
bool sc_staging_sync(ScStaging *staging, GError **error);

/* Moves settled objects, which must have been synced, into objects/; those that are there already stay. Their names are durable
 * after a further sync. */
bool sc_staging_move(ScStaging *staging, GPtrArray *objects, GError **error);
