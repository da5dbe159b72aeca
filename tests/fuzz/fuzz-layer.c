/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A layer's blob, as it comes from a registry: inflated, read as a tar, grown into a tree. Nothing is written to disk. */

#include "fuzz.h"

#include "store/inflate.h"
#include "store/layer-tree.h"
#include <stdlib.h>
#include <string.h>

#define MAX_INFLATED (8u << 20)
#define MAX_ENTRIES 5000
#define MAX_MEMORY (16u << 20)

typedef struct {
        const uint8_t *data;
        size_t size;
        size_t chunk;
} Input;

static gssize read_input(gpointer data, const void **ret_chunk, GError **error)
{
        Input *input = data;
        size_t size = MIN(input->chunk, input->size);

        *ret_chunk = input->data;
        input->data += size;
        input->size -= size;
        return (gssize)size;
}

static gssize read_inflated(gpointer inflate, const void **ret_chunk, GError **error)
{
        return sc_inflate_read(inflate, ret_chunk, error);
}

/* As an import does: each block lies behind the one before, and inside the file. */
static void read_content(ScTar *tar, guint64 size)
{
        const void *block;
        gsize block_size;
        guint64 offset, done = 0;

        while (sc_tar_read_block(tar, &block, &block_size, &offset, NULL) > 0) {
                if (offset < done || offset > size || block_size > size - offset)
                        abort();
                done = offset + block_size;
        }
}

/* Every name must be fit for a folder. */
static void check_tree(const ScNode *node)
{
        GHashTableIter iter;
        gpointer child;

        if (node->type != SC_NODE_FOLDER)
                return;
        g_hash_table_iter_init(&iter, node->children);
        while (g_hash_table_iter_next(&iter, NULL, &child)) {
                const char *name = ((const ScNode *)child)->name;
                if (*name == '\0' || strchr(name, '/') != NULL || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
                    !g_utf8_validate(name, -1, NULL))
                        abort();
                check_tree(child);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        /* Chunks are as long as the last byte says, so that headers are cut in their middle. */
        Input input = {.data = data, .size = size, .chunk = size > 0 ? 1 + (size_t)data[size - 1] * 16 : 1};
        const ScTarLimits limits = {.max_entries = MAX_ENTRIES, .max_size = MAX_INFLATED};
        g_autoptr(ScInflate) inflate = sc_inflate_new(read_input, &input, NULL, MAX_INFLATED);
        g_autoptr(ScTar) tar = sc_tar_new(read_inflated, inflate, &limits, NULL);
        g_autoptr(ScNode) root = sc_node_new_root();
        ScTarEntry entry;
        guint64 room = MAX_MEMORY;
        bool going = tar != NULL;

        while (going && sc_tar_next(tar, &entry, NULL) > 0) {
                going = sc_layer_tree_add(root, &entry, NULL, &room, NULL);
                if (entry.type == SC_TAR_FILE)
                        read_content(tar, entry.size);
                sc_tar_entry_clear(&entry);
        }
        check_tree(root);
        return 0;
}
