/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "publisher.h"
#include "base/error.h"
#include "commit.h"
#include <sys/stat.h>

/* Fewer objects are synced with their commits. */
#define SYNCED_APART 64
/* So long a layer that is ready waits for others to share a round with: what it holds is fetched again if the power fails. */
#define PATIENCE (2 * G_TIME_SPAN_SECOND)

typedef struct {
        const char *ref;
        const char *from; /* NULL: whatever the ref is at */
        ScStagedObject *commit;
        GPtrArray *objects; /* what the commit names: files and trees */
        bool finished;
        GError *error;
} Publication;

struct ScPublisher {
        ScRepository *repository;
        ScStaging *staging;
        GMutex mutex;
        GCond finished;
        GPtrArray *waiting; /* Publication */
        bool busy;          /* a thread is at a round */
        guint coming;       /* announced, of these some are waiting */
        bool last_is_coming;
};

ScPublisher *sc_publisher_new(ScRepository *repository, ScStaging *staging)
{
        ScPublisher *publisher = g_new0(ScPublisher, 1);

        publisher->repository = repository;
        publisher->staging = staging;
        g_mutex_init(&publisher->mutex);
        g_cond_init(&publisher->finished);
        publisher->waiting = g_ptr_array_new();
        return publisher;
}

void sc_publisher_free(ScPublisher *publisher)
{
        g_ptr_array_unref(publisher->waiting);
        g_mutex_clear(&publisher->mutex);
        g_cond_clear(&publisher->finished);
        g_free(publisher);
}

typedef struct {
        ScStaging *staging;
        GError *error;
} Sync;

static gpointer sync_files(gpointer data)
{
        Sync *sync = data;

        (void)sc_staging_sync(sync->staging, &sync->error);
        return NULL;
}

/* While the files are synced, which is the larger part and need not wait. */
static ScStagedObject *write_commit(ScPublisher *publisher, const ScNode *root, GVariantDict *metadata, GPtrArray *objects,
                                    GError **error)
{
        if (objects->len < SYNCED_APART)
                return sc_commit_write(publisher->staging, root, metadata, objects, error);
        Sync sync = {.staging = publisher->staging};
        GThread *thread = g_thread_new("sync", sync_files, &sync);
        ScStagedObject *commit = sc_commit_write(publisher->staging, root, metadata, objects, error);

        g_thread_join(thread);
        if (commit != NULL && sync.error != NULL) {
                g_propagate_error(error, sync.error);
                return NULL;
        }
        g_clear_error(&sync.error);
        return commit;
}

static char *staged_name(guint number)
{
        return g_strdup_printf(SC_STAGING_TEMPORARY "ref-%u", number);
}

static bool stage_refs(ScPublisher *publisher, GPtrArray *round, GError **error)
{
        for (guint i = 0; i < round->len; i++) {
                const Publication *publication = round->pdata[i];
                g_autofree char *name = staged_name(i);
                char hex[SC_DIGEST_HEX_SIZE];
                sc_digest_to_hex(sc_staged_object_id(publication->commit), hex);
                if (!sc_repository_stage_ref(sc_staging_fd(publisher->staging), name, hex, error))
                        return false;
        }
        return true;
}

static bool place_refs(ScPublisher *publisher, GPtrArray *round, GError **error)
{
        g_autofree ScStagedRef *refs = g_new0(ScStagedRef, round->len);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < round->len; i++) {
                const Publication *publication = round->pdata[i];
                g_ptr_array_add(names, staged_name(i));
                refs[i] = (ScStagedRef){publication->ref, publication->from, names->pdata[i]};
        }
        return sc_repository_place_refs(publisher->repository, sc_staging_fd(publisher->staging), refs, round->len, error);
}

/* The order that a power cut cannot break: contents, their names in objects/, the commits that name those, the refs that name the
 * commits, each durable before the next; of several refs none before one that comes before it. The second sync is not for our own
 * names alone: an object counts as present as soon as another process has moved it there. */
static bool publish_round(ScPublisher *publisher, GPtrArray *round, GError **error)
{
        ScStaging *staging = publisher->staging;
        g_autoptr(GPtrArray) objects = g_ptr_array_new(), commits = g_ptr_array_new();

        for (guint i = 0; i < round->len; i++) {
                const Publication *publication = round->pdata[i];
                g_ptr_array_extend(objects, publication->objects, NULL, NULL);
                g_ptr_array_add(commits, publication->commit);
        }
        if (!sc_staging_wait(staging, objects, error) || !sc_staging_wait(staging, commits, error))
                return false;
        if (!sc_staging_sync(staging, error) || !sc_staging_move(staging, objects, error))
                return false;
        if (!sc_staging_sync(staging, error) || !sc_staging_move(staging, commits, error))
                return false;
        return stage_refs(publisher, round, error) && sc_staging_sync(staging, error) && place_refs(publisher, round, error);
}

void sc_publisher_announce(ScPublisher *publisher, bool last)
{
        g_mutex_lock(&publisher->mutex);
        publisher->coming++;
        publisher->last_is_coming = last;
        g_mutex_unlock(&publisher->mutex);
}

void sc_publisher_withdraw(ScPublisher *publisher)
{
        g_mutex_lock(&publisher->mutex);
        publisher->coming--;
        g_cond_broadcast(&publisher->finished);
        g_mutex_unlock(&publisher->mutex);
}

/* Under the mutex. A round has the same syncs for few objects as for many, and where the repository has no folder for them yet one
 * rename brings what all trees of the round have in it. Who waits keeps nothing else from being fetched. */
static bool is_worth_waiting(const ScPublisher *publisher, gint64 until)
{
        return publisher->last_is_coming && publisher->waiting->len < publisher->coming && g_get_monotonic_time() < until;
}

static bool is_finished(const Publication *own, guint n)
{
        for (guint i = 0; i < n; i++)
                if (!own[i].finished)
                        return false;
        return true;
}

static void wait_for_turn(ScPublisher *publisher, const Publication *own, guint n)
{
        const gint64 until = g_get_monotonic_time() + PATIENCE;

        while (!is_finished(own, n))
                if (publisher->busy)
                        g_cond_wait(&publisher->finished, &publisher->mutex);
                else if (is_worth_waiting(publisher, until))
                        g_cond_wait_until(&publisher->finished, &publisher->mutex, until);
                else
                        break;
}

/* Under the mutex. */
static void take_turn(ScPublisher *publisher)
{
        g_autoptr(GPtrArray) round = g_steal_pointer(&publisher->waiting);
        g_autoptr(GError) error = NULL;

        publisher->waiting = g_ptr_array_new();
        publisher->busy = true;
        g_mutex_unlock(&publisher->mutex);

        bool published = publish_round(publisher, round, &error);

        g_mutex_lock(&publisher->mutex);
        for (guint i = 0; i < round->len; i++) {
                Publication *publication = round->pdata[i];
                publication->finished = true;
                publication->error = published ? NULL : g_error_copy(error);
        }
        publisher->busy = false;
        g_cond_broadcast(&publisher->finished);
}

/* Those that come together are in one round. */
static bool publish(ScPublisher *publisher, Publication *own, guint n, GError **error)
{
        g_mutex_lock(&publisher->mutex);
        for (guint i = 0; i < n; i++)
                g_ptr_array_add(publisher->waiting, &own[i]);
        wait_for_turn(publisher, own, n);
        if (!is_finished(own, n))
                take_turn(publisher);
        g_mutex_unlock(&publisher->mutex);
        g_autoptr(GError) problem = g_steal_pointer(&own[0].error);
        for (guint i = 1; i < n; i++)
                g_clear_error(&own[i].error);
        if (problem == NULL)
                return true;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

bool sc_publisher_publish(ScPublisher *publisher, const char *ref, const ScNode *root, GPtrArray *objects, GVariantDict *metadata,
                          GError **error)
{
        g_autoptr(GPtrArray) all = g_ptr_array_copy(objects, NULL, NULL);
        Publication own = {.ref = ref, .objects = all, .commit = write_commit(publisher, root, metadata, all, error)};

        return own.commit != NULL && publish(publisher, &own, 1, error);
}

static bool stage_file(ScPublisher *publisher, const ScPublisherFile *file, Publication *ret, GError **error)
{
        const ScObjectMeta meta = {.mode = S_IFREG | 0644};
        ScObjectMeta root_meta = {.mode = S_IFDIR | 0755};
        g_autoptr(ScNode) root = sc_node_new_root();
        g_autoptr(ScHasher) hasher = sc_hasher_new();
        ScDigest id;
        bool mine;

        sc_object_hash_header(hasher, &meta);
        sc_hasher_update(hasher, file->data, file->size);
        sc_hasher_finish(hasher, &id);
        ScStagedObject *object = sc_staging_claim(publisher->staging, SC_OBJECT_FILE, &id, &meta, file->size, &mine);
        g_ptr_array_add(ret->objects, object);
        if (mine && !sc_staging_write(publisher->staging, object, &meta, file->data, file->size, error))
                return false;
        if (!sc_staging_wait(publisher->staging, ret->objects, error))
                return false;
        sc_node_set_meta(root, &root_meta);
        sc_node_put(root, file->name, SC_NODE_FILE)->file = sc_staged_object_id(object);
        ret->commit = write_commit(publisher, root, file->metadata, ret->objects, error);
        return ret->commit != NULL;
}

bool sc_publisher_publish_files(ScPublisher *publisher, const ScPublisherFile *files, guint n, GError **error)
{
        g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
        g_autofree Publication *own = g_new0(Publication, n);

        for (guint i = 0; i < n; i++) {
                own[i] = (Publication){.ref = files[i].target.ref, .from = files[i].target.from, .objects = g_ptr_array_new()};
                g_ptr_array_add(objects, own[i].objects);
                if (!stage_file(publisher, &files[i], &own[i], error))
                        return false;
        }
        return publish(publisher, own, n, error);
}
