/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "repository.h"

#include "base/error.h"
#include <string.h>

/* Sets of libostree's object names, (su) variants. */
typedef struct {
        OstreeRepo *ostree;
        GHashTable *kept;
        GHashTable *ours; /* what commits of ours without a ref hold */
        GCancellable *cancellable;
} Sweep;

static GHashTable *list_refs(ScRepository *repository, GError **error)
{
        GHashTable *refs = NULL;
        if (!ostree_repo_list_refs_ext(sc_repository_ostree(repository), NULL, &refs, OSTREE_REPO_LIST_REFS_EXT_NONE, NULL, error))
                sc_prefix(error, "Cannot list the refs of %s", sc_repository_path(repository));
        return refs;
}

/* Borrowed from the refs. */
static GHashTable *commits_of(GHashTable *refs)
{
        GHashTable *named = g_hash_table_new(g_str_hash, g_str_equal);
        GHashTableIter iter;
        gpointer commit;
        g_hash_table_iter_init(&iter, refs);
        while (g_hash_table_iter_next(&iter, NULL, &commit))
                g_hash_table_add(named, commit);
        return named;
}

static bool is_shared(ScRepository *repository, GHashTable *refs)
{
        GHashTableIter iter;
        gpointer ref;
        if (strcmp(sc_repository_path(repository), SC_HOST_REPOSITORY) == 0)
                return true;
        g_hash_table_iter_init(&iter, refs);
        while (g_hash_table_iter_next(&iter, &ref, NULL))
                if (!g_str_has_prefix(ref, "ociimage/"))
                        return true;
        return false;
}

/* Commits of images, layers and configurations have one of these, of whatever program. */
static bool is_ours(OstreeRepo *ostree, const char *checksum)
{
        static const char *const keys[] = {"docker.manifest", "docker.size", "docker.layer"};
        g_autoptr(GVariant) commit = NULL;
        if (!ostree_repo_load_commit(ostree, checksum, &commit, NULL, NULL))
                return false;
        g_autoptr(GVariant) metadata = g_variant_get_child_value(commit, 0);
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
                g_autoptr(GVariant) value = g_variant_lookup_value(metadata, keys[i], NULL);
                if (value != NULL)
                        return true;
        }
        return false;
}

static bool keep(Sweep *sweep, const char *checksum, GError **error)
{
        /* With all its parents: a history is the host's. */
        return ostree_repo_traverse_commit_union(sweep->ostree, checksum, -1, sweep->kept, sweep->cancellable, error) ||
               sc_prefix(error, "Cannot read the commit %s", checksum);
}

/* What a prune that was killed has left of it is found as far as it goes. */
static void drop(Sweep *sweep, const char *checksum)
{
        (void)ostree_repo_traverse_commit_union(sweep->ostree, checksum, 0, sweep->ours, sweep->cancellable, NULL);
}

static bool sort_commits(Sweep *sweep, GHashTable *refs, GError **error)
{
        g_autoptr(GHashTable) objects = NULL;
        g_autoptr(GHashTable) named = commits_of(refs);
        GHashTableIter iter;
        gpointer key;
        if (!ostree_repo_list_commit_objects_starting_with(sweep->ostree, "", &objects, sweep->cancellable, error))
                return sc_prefix(error, "Cannot list the commits");
        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const char *checksum;
                OstreeObjectType type;
                ostree_object_name_deserialize(key, &checksum, &type);
                if (!g_hash_table_contains(named, checksum) && is_ours(sweep->ostree, checksum))
                        drop(sweep, checksum);
                else if (!keep(sweep, checksum, error))
                        return false;
        }
        return true;
}

static bool is_in_turn(OstreeObjectType type, OstreeObjectType turn)
{
        return turn == OSTREE_OBJECT_TYPE_FILE ? type != OSTREE_OBJECT_TYPE_DIR_TREE && type != OSTREE_OBJECT_TYPE_COMMIT
                                               : type == turn;
}

/* What others are found by goes after them. */
static bool remove_ours(Sweep *sweep, OstreeObjectType turn, guint *ret_objects, guint64 *ret_bytes, GError **error)
{
        GHashTableIter iter;
        gpointer key;
        g_hash_table_iter_init(&iter, sweep->ours);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const char *checksum;
                OstreeObjectType type;
                guint64 size = 0;
                if (g_hash_table_contains(sweep->kept, key))
                        continue;
                ostree_object_name_deserialize(key, &checksum, &type);
                if (!is_in_turn(type, turn))
                        continue;
                if (!ostree_repo_query_object_storage_size(sweep->ostree, type, checksum, &size, sweep->cancellable, NULL))
                        continue; /* a prune that was killed has removed it */
                if (!ostree_repo_delete_object(sweep->ostree, type, checksum, sweep->cancellable, error))
                        return sc_prefix(error, "Cannot remove the object %s", checksum);
                *ret_objects += 1;
                *ret_bytes += size;
        }
        return true;
}

static bool prune_shared(ScRepository *repository, GHashTable *refs, guint *ret_objects, guint64 *ret_bytes,
                         GCancellable *cancellable, GError **error)
{
        g_autoptr(GHashTable) kept = ostree_repo_traverse_new_reachable();
        g_autoptr(GHashTable) ours = ostree_repo_traverse_new_reachable();
        Sweep sweep = {.ostree = sc_repository_ostree(repository), .kept = kept, .ours = ours, .cancellable = cancellable};
        *ret_objects = 0;
        *ret_bytes = 0;
        return sort_commits(&sweep, refs, error) && remove_ours(&sweep, OSTREE_OBJECT_TYPE_FILE, ret_objects, ret_bytes, error) &&
               remove_ours(&sweep, OSTREE_OBJECT_TYPE_DIR_TREE, ret_objects, ret_bytes, error) &&
               remove_ours(&sweep, OSTREE_OBJECT_TYPE_COMMIT, ret_objects, ret_bytes, error);
}

/* Before libostree removes what nothing names, in no order: a prune that is killed then leaves no commit whose tree is gone. What
 * it leaves of the tree the next one finds without the commit, because the repository is ours alone. */
static bool remove_unnamed_commits(OstreeRepo *ostree, GHashTable *refs, guint *ret_objects, guint64 *ret_bytes,
                                   GCancellable *cancellable, GError **error)
{
        g_autoptr(GHashTable) objects = NULL;
        g_autoptr(GHashTable) named = commits_of(refs);
        GHashTableIter iter;
        gpointer key;
        if (!ostree_repo_list_commit_objects_starting_with(ostree, "", &objects, cancellable, error))
                return sc_prefix(error, "Cannot list the commits");
        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const char *checksum;
                OstreeObjectType type;
                guint64 size = 0;
                ostree_object_name_deserialize(key, &checksum, &type);
                if (g_hash_table_contains(named, checksum))
                        continue;
                if (!ostree_repo_query_object_storage_size(ostree, type, checksum, &size, cancellable, error) ||
                    !ostree_repo_delete_object(ostree, type, checksum, cancellable, error))
                        return sc_prefix(error, "Cannot remove the commit %s", checksum);
                *ret_objects += 1;
                *ret_bytes += size;
        }
        return true;
}

static bool prune_own(ScRepository *repository, GHashTable *refs, guint *ret_objects, guint64 *ret_bytes, GCancellable *cancellable,
                      GError **error)
{
        OstreeRepo *ostree = sc_repository_ostree(repository);
        guint64 bytes;
        gint total, pruned;
        *ret_objects = 0;
        *ret_bytes = 0;
        if (!remove_unnamed_commits(ostree, refs, ret_objects, ret_bytes, cancellable, error) ||
            !ostree_repo_prune(ostree, OSTREE_REPO_PRUNE_FLAGS_REFS_ONLY, 0, &total, &pruned, &bytes, cancellable, error))
                return false;
        *ret_objects += (guint)pruned;
        *ret_bytes += bytes;
        return true;
}

static bool prune_locked(ScRepository *repository, guint *ret_objects, guint64 *ret_bytes, GCancellable *cancellable,
                         GError **error)
{
        g_autoptr(GHashTable) refs = list_refs(repository, error);
        if (refs == NULL)
                return false;
        return is_shared(repository, refs) ? prune_shared(repository, refs, ret_objects, ret_bytes, cancellable, error)
                                           : prune_own(repository, refs, ret_objects, ret_bytes, cancellable, error);
}

/* Under libostree's own lock: a commit that another program is writing may be made of objects that nothing names yet. */
bool sc_repository_prune(ScRepository *repository, guint *ret_objects, guint64 *ret_bytes, GCancellable *cancellable,
                         GError **error)
{
        OstreeRepo *ostree = sc_repository_ostree(repository);
        if (!sc_repository_make_lock_file(repository, error) ||
            !ostree_repo_lock_push(ostree, OSTREE_REPO_LOCK_EXCLUSIVE, cancellable, error))
                return sc_prefix(error, "Cannot lock the repository %s", sc_repository_path(repository));
        bool pruned = prune_locked(repository, ret_objects, ret_bytes, cancellable, error);
        (void)ostree_repo_lock_pop(ostree, OSTREE_REPO_LOCK_EXCLUSIVE, NULL, NULL);
        return pruned || sc_prefix(error, "Cannot prune %s", sc_repository_path(repository));
}
