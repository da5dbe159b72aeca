/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "publisher.h"
#include "base/error.h"
#include "commit.h"

typedef struct {
        const char *ref;
        const ScNode *root;
        GPtrArray *objects;
        GVariantDict *metadata;
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
        GPtrArray *objects;
        GError *error;
} ObjectsMove;

static gpointer move_objects(gpointer data)
{
        ObjectsMove *move = data;

        (void)sc_staging_publish(move->staging, move->objects, &move->error);
        return NULL;
}

/* Each commit's checksum, in the order of the round. */
static GPtrArray *write_commits(ScTransaction *transaction, GPtrArray *round, GError **error)
{
        g_autoptr(GPtrArray) commits = g_ptr_array_new_with_free_func(g_free);

        for (guint i = 0; i < round->len; i++) {
                const Publication *publication = round->pdata[i];
                char *commit = sc_transaction_write(transaction, publication->root, publication->metadata, error);
                if (commit == NULL)
                        return NULL;
                g_ptr_array_add(commits, commit);
        }
        return g_steal_pointer(&commits);
}

static bool publish_round(ScPublisher *publisher, GPtrArray *round, GError **error)
{
        g_autoptr(ScTransaction) transaction = sc_transaction_begin(publisher->repository, error);
        g_autoptr(GPtrArray) objects = g_ptr_array_new();

        if (transaction == NULL)
                return false;
        for (guint i = 0; i < round->len; i++)
                g_ptr_array_extend(objects, ((Publication *)round->pdata[i])->objects, NULL, NULL);

        /* Commits are written while the objects are synced and moved: none can be seen before the transaction is committed. */
        ObjectsMove move = {.staging = publisher->staging, .objects = objects};
        GThread *thread = g_thread_new("publish", move_objects, &move);
        g_autoptr(GPtrArray) commits = write_commits(transaction, round, error);
        g_thread_join(thread);
        if (commits == NULL) {
                g_clear_error(&move.error);
                return false;
        }
        if (move.error != NULL) {
                g_propagate_error(error, move.error);
                return false;
        }
        if (!sc_transaction_commit(transaction, error))
                return false;
        for (guint i = 0; i < round->len; i++)
                if (!sc_repository_set_ref(publisher->repository, ((Publication *)round->pdata[i])->ref, commits->pdata[i], error))
                        return false;
        return true;
}

bool sc_publisher_publish(ScPublisher *publisher, const char *ref, const ScNode *root, GPtrArray *objects, GVariantDict *metadata,
                          GError **error)
{
        Publication own = {.ref = ref, .root = root, .objects = objects, .metadata = metadata};

        g_mutex_lock(&publisher->mutex);
        g_ptr_array_add(publisher->waiting, &own);
        while (publisher->busy && !own.finished)
                g_cond_wait(&publisher->finished, &publisher->mutex);
        if (!own.finished) {
                g_autoptr(GPtrArray) round = g_steal_pointer(&publisher->waiting);
                g_autoptr(GError) round_error = NULL;
                publisher->waiting = g_ptr_array_new();
                publisher->busy = true;
                g_mutex_unlock(&publisher->mutex);

                bool published = publish_round(publisher, round, &round_error);

                g_mutex_lock(&publisher->mutex);
                for (guint i = 0; i < round->len; i++) {
                        Publication *publication = round->pdata[i];
                        publication->finished = true;
                        publication->error = published ? NULL : g_error_copy(round_error);
                }
                publisher->busy = false;
                g_cond_broadcast(&publisher->finished);
        }
        g_mutex_unlock(&publisher->mutex);
        if (own.error != NULL)
                g_propagate_error(error, own.error);
        return own.error == NULL;
}
