/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tar-hash.h"

typedef struct {
        const void *data;
        gsize size;
} Chunk;

struct ScTarHash {
        ScHasher *hasher;
        GThread *thread; /* NULL: it was joined */
        GMutex mutex;
        GCond changed;
        /* Under the mutex: */
        Chunk chunks[SC_TAR_HASH_DEPTH]; /* a ring; the first is being hashed */
        guint first, n;
        bool complete, dropped;
};

static gpointer hash_chunks(gpointer data)
{
        ScTarHash *hash = data;

        g_mutex_lock(&hash->mutex);
        for (;;) {
                while (hash->n == 0 && !hash->complete)
                        g_cond_wait(&hash->changed, &hash->mutex);
                if (hash->n == 0 || hash->dropped)
                        break;
                const Chunk chunk = hash->chunks[hash->first];
                g_mutex_unlock(&hash->mutex);
                sc_hasher_update(hash->hasher, chunk.data, chunk.size);
                g_mutex_lock(&hash->mutex);
                hash->first = (hash->first + 1) % SC_TAR_HASH_DEPTH;
                hash->n--;
                g_cond_signal(&hash->changed);
        }
        g_mutex_unlock(&hash->mutex);
        return NULL;
}

ScTarHash *sc_tar_hash_new(void)
{
        ScTarHash *hash = g_new0(ScTarHash, 1);

        hash->hasher = sc_hasher_new();
        g_mutex_init(&hash->mutex);
        g_cond_init(&hash->changed);
        hash->thread = g_thread_new("tar-hash", hash_chunks, hash);
        return hash;
}

static void end(ScTarHash *hash, bool drop)
{
        if (hash->thread == NULL)
                return;
        g_mutex_lock(&hash->mutex);
        hash->complete = true;
        hash->dropped = drop;
        g_cond_signal(&hash->changed);
        g_mutex_unlock(&hash->mutex);
        g_thread_join(g_steal_pointer(&hash->thread));
}

void sc_tar_hash_free(ScTarHash *hash)
{
        end(hash, true);
        sc_hasher_free(hash->hasher);
        g_mutex_clear(&hash->mutex);
        g_cond_clear(&hash->changed);
        g_free(hash);
}

void sc_tar_hash_add(ScTarHash *hash, const void *chunk, gsize size)
{
        g_mutex_lock(&hash->mutex);
        while (hash->n == SC_TAR_HASH_DEPTH)
                g_cond_wait(&hash->changed, &hash->mutex);
        hash->chunks[(hash->first + hash->n++) % SC_TAR_HASH_DEPTH] = (Chunk){chunk, size};
        g_cond_signal(&hash->changed);
        g_mutex_unlock(&hash->mutex);
}

void sc_tar_hash_finish(ScTarHash *hash, ScDigest *ret)
{
        end(hash, false);
        sc_hasher_finish(hash->hasher, ret);
}
